// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/interruption.hpp"

#include "abi/x86_64/features.hpp"
#include "abi/x86_64/offsets.h"

namespace anew::abi {
namespace {

// anew_park saves the general registers, the flags and ymm0 to ymm15. Compiled code uses no others.
static_assert(kBaselineFeatures == (feature::kAvx2 | feature::kBmi1 | feature::kBmi2 | feature::kLzcnt |
                                    feature::kPopcnt | feature::kFma | feature::kMovbe),
              "does a further feature bring registers that anew_park has to save?");

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

__attribute__((no_sanitize("thread", "address"))) bool resume_at_park(os::MachineContext& context, ThreadRecord& record,
                                                                      std::uint64_t stack_bottom) noexcept {
  const std::uint64_t stack_pointer = context.general(kRsp);  // below the stack's top: no room if it is past the bottom
  if (stack_pointer < stack_bottom + ANEW_RED_ZONE_BYTES + ANEW_PARKED_BYTES) return false;
  // What anew_park pops first, and anew_resume_parked last. Aligned as the stack pointer is, and accessible as checked.
  auto* const words = reinterpret_cast<std::uint64_t*>(stack_pointer - ANEW_RED_ZONE_BYTES) - 2;
  words[0] = reinterpret_cast<std::uint64_t>(&record);
  words[1] = context.pc();
  context.set_general(kRsp, reinterpret_cast<std::uint64_t>(words));
  context.set_pc(reinterpret_cast<std::uint64_t>(&anew_park));
  return true;
}

}  // namespace anew::abi
