// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the exceptions of a store lie, and how those go that nobody holds any more.
//
// They lie in the cell of the store's first instance whose module has tags. An exception that was caught only by value
// is given back at once if it is the last one made. For the rest there is a collection: it marks what can be reached
// from globals, tables and the frames of the store's activations, through the values of exceptions, and gives the rest
// back. Nothing moves. What a frame holds, code says to the slot (codegen::Roots): all locals and operands of the
// specification's frames and nothing else, so when a call runs out of room depends on the call alone.
//
//   0                     an abi::ExceptionRoom
//   kFirst                exceptions, and free stretches that look like exceptions without a tag, one behind another
//   next to end           the free stretch that exceptions are made in, unless it is closed; nothing in it is formatted
//   exception_bytes       (HotHeader) nothing was made behind this place; the last free stretch reaches past it
//
// A collection is due when as much was made as the last one found and looked at, and 1 MiB at least: so all of them
// together cost in proportion to what was made. A stop from outside may end a collection at any instruction, and an
// activation around the stopped one may go on: what is formatted stays so, and marks are cleared first.
#pragma once

#include "runtime/instance.hpp"

namespace anew::detail {

/// Runs on guest stacks, like all of the library (library.cpp).
/// @return an exception of that tag of the cell's module, its values not written yet; null if there is no room.
[[nodiscard]] abi::Exception* make_exception(std::byte* cell, std::uint32_t tag) noexcept;

/// Gives an exception back that nobody holds, if it is the last one made. Its bytes stay until the next one is made.
void give_back(const StoreState& store, const abi::Exception& exception) noexcept;

}  // namespace anew::detail
