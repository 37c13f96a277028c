// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// FILE on the command line: a module in the binary or the text format, or an artifact; "-" is standard input.
#pragma once

#include <anew/engine.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace anew::cli {

inline constexpr const char* kFileHelp = "A module: .wasm, .wat, or what `anew compile` wrote; - reads standard input";

/// Reads a module's binary, translating text. @return kIo if the file cannot be read, kArgument for an artifact, and
/// what wat_to_wasm returns.
[[nodiscard]] Result<std::vector<std::byte>> read_binary(const std::string& file);

/// Reads a module and compiles it, or takes it from the code cache, with progress on a terminal. Says on standard error
/// if the code cache could not be used.
[[nodiscard]] Result<Module> load_module(const std::string& file, EngineOptions options = {});

}  // namespace anew::cli
