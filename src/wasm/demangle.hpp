// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Function names as their authors wrote them: Rust's, in both of its manglings, and those of C++.
//
// The names are a guest's, so they may be made to hurt: a mangled name refers back to its own parts, and one of a
// hundred bytes can stand for a text of gigabytes. The demanglers of the compilers' libraries (libiberty, libstdc++,
// LLVM) bound the depth of their recursion, but neither their time nor their output, and offer no way to stop them. So
// this is an own one. Of Rust's it follows references back under a bound of steps and of output; of C++'s it decodes
// the name only, not its parameters, with template arguments as <...>: then no reference need be followed. Either way
// time and memory are bounded, and what is not understood, or outgrows a bound, stays mangled.
#pragma once

#include <string>
#include <string_view>

namespace anew::wasm {

/// @return the name demangled, such as "core::fmt::write" or "std::vector<...>::push_back"; empty if it is not mangled,
///         or in a way that is not known.
[[nodiscard]] std::string demangle(std::string_view name);

/// The parts of it. Rust's older mangling, `_ZN4core3fmt5write17h0123456789abcdefE`, which looks like C++.
[[nodiscard]] std::string demangle_rust_legacy(std::string_view name);
/// Rust's newer one, `_RNvNtCs1234_4core3fmt5write` (RFC 2603).
[[nodiscard]] std::string demangle_rust(std::string_view name);
/// C++'s (the Itanium C++ ABI).
[[nodiscard]] std::string demangle_cpp(std::string_view name);

}  // namespace anew::wasm
