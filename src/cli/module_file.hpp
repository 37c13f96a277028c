// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// FILE on the command line as a module: in the binary or the text format, compiled, a snapshot, or the runtime of a
// Substrate chain, compressed or in a chain spec. The content tells which.
#pragma once

#include <anew/engine.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "artifact/saved_snapshot.hpp"
#include "cli/command.hpp"

namespace anew::cli {

inline constexpr const char* kFileHelp =
    kWithSubstrate ? "A module: .wasm, .wat, what `anew compile` or `anew snapshot` wrote, or a Substrate chain's "
                     "runtime, compressed or in a chain spec; - reads standard input"
                   : "A module: .wasm, .wat, or what `anew compile` or `anew snapshot` wrote; - reads standard input";
/// The same for what takes components, too.
inline constexpr const char* kFileOrComponentHelp =
    kWithSubstrate
        ? "A module: .wasm, .wat, what `anew compile` or `anew snapshot` wrote, or a Substrate chain's "
          "runtime, compressed or in a chain spec; or a component. - reads a module from standard input"
        : "A module: .wasm, .wat, or what `anew compile` or `anew snapshot` wrote; or a component. - reads a "
          "module from standard input";
/// The same for what reads modules that are not compiled yet.
inline constexpr const char* kSourceHelp =
    kWithSubstrate ? "A module: .wasm, .wat, or a Substrate chain's runtime, compressed or in a chain spec; - reads "
                     "standard input"
                   : "A module: .wasm or .wat; - reads standard input";

struct ModuleFile {
  std::vector<std::byte> binary;
  std::optional<artifact::SavedSnapshot> snapshot;  ///< whose main module `binary` is
};
/// Reads a module's binary, translating text, or taking it out of a snapshot or a chain spec. @return kIo if the file
/// cannot be read, kArgument for a compiled module, kArtifact for a bad snapshot, and what wat_to_wasm and
/// substrate::read_runtime return.
[[nodiscard]] Result<ModuleFile> read_binary(const std::string& file);

/// Reads a module and compiles it, or takes it from the code cache, with progress on a terminal. Says on standard error
/// if the code cache could not be used.
[[nodiscard]] Result<Module> load_module(const std::string& file, const CompileOptions& compile = {},
                                         EngineOptions options = {});

}  // namespace anew::cli
