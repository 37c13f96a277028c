// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Unwinding: from a throw to the handler that catches it.
//
// anew_throw (enter.S) asks find_handler, which walks the frame pointers of the activation outwards. The return address
// in a frame says which module its function is of; that module's image says in which try_table the call stands, and
// what its clauses catch. A clause names a tag by its index in the module: which tag that is depends on the instance,
// whose cell pointer such a function keeps in its frame. An exception ends where its activation does: it crosses no
// host function, whose call of the guest gets an error instead.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/cell.hpp"

namespace anew::detail {

/// Where a thrown exception goes on: enter.S knows the displacements.
struct Landing {
  std::uint64_t pc = 0;     ///< 0  the handler; 0 if there is none to go to
  std::uint64_t frame = 0;  ///< 8  the frame pointer of its function; else the TrapKind to raise
};

/// Runs on the guest stack, in guest state, as library functions do: takes no lock and allocates nothing.
/// @param cell             of the thrower.
/// @param return_address   of the call to anew_throw, in the function whose frame pointer is `frame`.
extern "C" [[gnu::visibility("hidden")]] void anew_find_handler(abi::Exception* exception, std::byte* cell,
                                                                std::uint64_t return_address, std::uint64_t frame,
                                                                Landing* landing) noexcept;

}  // namespace anew::detail
