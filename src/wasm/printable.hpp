// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text that a guest chose, for messages and terminals: its names may hold anything, and must not drive a terminal,
// forge a line of a log, or turn the direction of what stands around them.
#pragma once

#include <anew/version.hpp>
#include <string>
#include <string_view>

namespace anew::wasm {

/// The text in one line: what is no UTF-8 and control characters, line feeds too, become \n, \t, \r or \xNN; those that
/// set the direction of writing, and the separators of lines and paragraphs, \u{NNNN}. The rest stays.
[[nodiscard]] ANEW_DETAIL_API std::string printable(std::string_view text);

/// A name, of a function or an export: printable, and cut where it is longer than anybody reads.
[[nodiscard]] std::string printable_name(std::string_view name);

/// A function's name as its author wrote it, where the compiler of Rust or C++ mangled it; else as it is. Printable.
[[nodiscard]] std::string function_text(std::string_view name);

}  // namespace anew::wasm
