// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>

namespace anew::os {

/// The registers of code that a signal interrupted, where the system keeps them until it goes on. General registers
/// have the numbers that the processor's instructions give them; what each of them is for, src/abi says.
/// Async-signal-safe.
class MachineContext {
 public:
  /// @param context  what the system hands to a signal handler: a ucontext_t.
  explicit MachineContext(void* context) noexcept : context_(context) {}

  /// The instruction that comes next; the one that faulted.
  [[nodiscard]] std::uint64_t pc() const noexcept;
  void set_pc(std::uint64_t pc) noexcept;
  [[nodiscard]] std::uint64_t general(unsigned number) const noexcept;
  void set_general(unsigned number, std::uint64_t value) noexcept;

 private:
  void* context_;
};

}  // namespace anew::os
