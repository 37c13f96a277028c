// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gdb's interface for code that is made as a program runs ("JIT Compilation Interface" in gdb's manual): object files
// in memory, in a list that gdb finds by its symbol. lldb reads the same list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "debug/code_map.hpp"

/// An element of the list, as gdb's manual lays it out.
struct jit_code_entry {
  jit_code_entry* next;
  jit_code_entry* previous;
  const std::byte* object;
  std::uint64_t object_bytes;
};

namespace anew::debug {

/// The object file that gdb reads: symbols, how to get from a frame to its caller's, and lines where the module has
/// them.
[[nodiscard]] std::vector<std::byte> make_object(const Code& code, std::span<const Symbol> symbols);

/// Has gdb know the code for as long as this lives. Thread-safe.
class GdbRegistration {
 public:
  GdbRegistration(const Code& code, std::span<const Symbol> symbols);
  GdbRegistration(const GdbRegistration&) = delete;
  GdbRegistration& operator=(const GdbRegistration&) = delete;
  ~GdbRegistration();

 private:
  std::vector<std::byte> object_;
  jit_code_entry entry_;
};

}  // namespace anew::debug
