// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/interruption.hpp"

namespace anew::abi {
namespace {

// As instructions number them.
constexpr unsigned kRsp = 4, kRbp = 5, kRdi = 7;

}  // namespace

// Handlers of signals are not instrumented: they may interrupt ThreadSanitizer's runtime.
__attribute__((no_sanitize("thread"))) Interrupted interrupted_by(const os::MachineContext& context) noexcept {
  return {context.pc(), context.general(kRbp), context.general(kRsp)};
}

__attribute__((no_sanitize("thread"))) void resume_at_landing(os::MachineContext& context,
                                                              ThreadRecord& record) noexcept {
  context.set_pc(reinterpret_cast<std::uint64_t>(&anew_landing));
  context.set_general(kRdi, reinterpret_cast<std::uint64_t>(&record));
}

}  // namespace anew::abi
