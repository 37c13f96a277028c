// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules in the text format, as the command reads it, for tests; the binary format's builder is module_builder.hpp.
#pragma once

#include <anew/anew.hpp>
#include <cstddef>
#include <string_view>
#include <vector>

namespace anew::test {

/// The binary of a module in text format, names kept. Throws if the text is wrong: a defect of the test. libwabt, which
/// translates it, lacks newer syntax: try_table, call_ref, types of references to functions.
[[nodiscard]] std::vector<std::byte> wat(std::string_view text);

/// A module compiled from text, without the code cache. Throws if it is refused: a defect of the test.
[[nodiscard]] Module compile(std::string_view text, const CompileOptions& options = {});

/// A pool of such a module. Throws as well.
[[nodiscard]] Pool make_pool(std::string_view text, PoolOptions options = {}, const Linker& linker = {},
                             const CompileOptions& compile_options = {});

}  // namespace anew::test
