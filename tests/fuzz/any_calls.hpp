// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Linking and calling modules of which nothing is known, for the fuzzers.
#pragma once

#include <anew/anew.hpp>
#include <cstdint>
#include <span>
#include <string>

#include "wasm/module.hpp"

namespace anew::fuzz {

/// Ends the fuzzer, which keeps the input, unless it holds.
void check(bool holds, const char* what, const std::string& more = {});

/// Defines whatever the module imports. Functions give zeros; the fuzzer has nothing to say about them.
void define_imports(Linker& linker, const wasm::Module& module);

/// Calls every export in one instance, until a trap, then goes on in another, with arguments out of `bytes`; null for
/// references. Each instance has the same fuel, if its module counts it. @return what came of each call, as text.
[[nodiscard]] std::string call_all(const Pool& pool, const Module& module, std::span<const std::uint8_t> bytes);

}  // namespace anew::fuzz
