// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/machine_context.hpp"

#include <ucontext.h>

#include <cassert>
#include <iterator>

namespace anew::os {
namespace {

#if defined(__x86_64__)
/// Where each general register is among those that the kernel saves.
constexpr int kPlaces[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
constexpr int kPcPlace = REG_RIP;

__attribute__((no_sanitize("thread"))) greg_t& at(void* context, int place) noexcept {
  return static_cast<ucontext_t*>(context)->uc_mcontext.gregs[place];  // what it was made from
}
#else
#error "Where Linux saves this processor's registers is not known here."
#endif

}  // namespace

// Handlers of signals are not instrumented: they may interrupt ThreadSanitizer's runtime.
__attribute__((no_sanitize("thread"))) std::uint64_t MachineContext::pc() const noexcept {
  return static_cast<std::uint64_t>(at(context_, kPcPlace));
}

__attribute__((no_sanitize("thread"))) void MachineContext::set_pc(std::uint64_t pc) noexcept {
  at(context_, kPcPlace) = static_cast<greg_t>(pc);
}

__attribute__((no_sanitize("thread"))) std::uint64_t MachineContext::general(unsigned number) const noexcept {
  assert(number < std::size(kPlaces));
  return static_cast<std::uint64_t>(at(context_, kPlaces[number]));
}

__attribute__((no_sanitize("thread"))) void MachineContext::set_general(unsigned number, std::uint64_t value) noexcept {
  assert(number < std::size(kPlaces));
  at(context_, kPlaces[number]) = static_cast<greg_t>(value);
}

}  // namespace anew::os
