// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/trap_handler.hpp"

#include <cstdio>
#include <cstdlib>

#include "abi/cell.hpp"
#include "os/signals.hpp"
#include "runtime/store_state.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {
namespace {

/// Whether the address lies in the inaccessible part of the memory with that base.
bool is_past_end(std::byte* base, std::uint64_t address) noexcept {
  const std::uint64_t distance = address - reinterpret_cast<std::uint64_t>(base);  // huge if below
  return distance >= abi::hot_header(base).memory_bytes && distance < abi::kMemoryAddressSpace + abi::kGuardBytes;
}

TrapKind classify(const Activation& activation, std::uint64_t address) noexcept {
  if (address >= activation.guard_begin && address < activation.stack_bottom) return TrapKind::kStackExhausted;
  for (const auto& instance : activation.store->instances) {
    if (instance->layout().has_memory() && is_past_end(instance->cell, address)) return TrapKind::kMemoryOutOfBounds;
    for (const MemoryRegion& region : instance->regions) {
      if (region.base != nullptr && is_past_end(region.base, address)) return TrapKind::kMemoryOutOfBounds;
    }
  }
  return TrapKind::kNone;
}

bool on_fault(const os::Fault& fault, os::Resumption& resumption) noexcept {
  Thread* const thread = current_thread();
  if (thread == nullptr || thread->state != static_cast<std::uint32_t>(abi::ThreadState::kGuest)) return false;
  const TrapKind kind = classify(thread->activation, fault.address);
  if (kind == TrapKind::kNone) return false;
  thread->trap_kind = static_cast<std::uint32_t>(kind);
  thread->trap_is_fault = 1;
  thread->trap_pc = fault.pc;
  thread->trap_fp = fault.frame_pointer;
  thread->trap_cell = fault.r13;
  abi::ThreadRecord* const record = thread;  // anew_landing knows this part of it
  resumption = {reinterpret_cast<std::uint64_t>(&abi::anew_landing), reinterpret_cast<std::uint64_t>(record)};
  return true;
}

}  // namespace

void install_signal_handlers() noexcept {
  static const bool installed = os::install_fault_handler(on_fault);
  if (!installed) {
    std::fputs("anew: the system refuses handlers for SIGSEGV and SIGBUS, without which guests cannot be contained\n",
               stderr);
    std::abort();
  }
}

}  // namespace anew::detail
