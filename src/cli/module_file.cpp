// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/module_file.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/wat.hpp"
#include "os/file.hpp"
#include "wasm/limits.hpp"

namespace anew::cli {

namespace {

constexpr std::string_view kElfMagic =
    "\x7F"
    "ELF";

/// Long enough to see behind the white space that may come before the first parenthesis.
constexpr std::size_t kBeginningBytes = 256;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // char may alias any object
}

Result<std::vector<std::byte>> read_standard_input() {
  std::vector<std::byte> bytes;
  constexpr std::size_t kStep = 1 << 16;
  for (std::size_t count = kStep; count == kStep;) {
    const std::size_t size = bytes.size();
    if (size > wasm::limits::kModuleBytes) {
      return fail(ErrorCode::kLimit,
                  fmt::format("standard input is larger than a module may be ({} bytes)", wasm::limits::kModuleBytes));
    }
    bytes.resize(size + kStep);
    count = std::fread(bytes.data() + size, 1, kStep, stdin);
    bytes.resize(size + count);
  }
  if (std::ferror(stdin) != 0) return fail(ErrorCode::kIo, "cannot read standard input");
  return bytes;
}

bool is_wat(const std::string& file, std::span<const std::byte> beginning) {
  return file.ends_with(".wat") || looks_like_wat(as_text(beginning).substr(0, kBeginningBytes));
}

/// A snapshot may be larger than a module.
Result<std::vector<std::byte>> read_module_or_snapshot(const std::string& file) {
  auto opened = os::File::open(file, os::File::Links::kFollow);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto bytes = opened->read(kBeginningBytes);
  if (!bytes) return bytes;
  const std::uint64_t most =
      artifact::has_snapshot_magic(*bytes) ? artifact::kMostSavedBytes : wasm::limits::kModuleBytes;
  if (auto rest = opened->read_rest(*bytes, most); !rest) return std::unexpected(std::move(rest.error()));
  return bytes;
}

/// Whether the file is for Engine::load, which knows an artifact and a snapshot from a binary module by itself.
Result<bool> is_compiled_or_binary(const std::string& file) {
  if (file == "-" || file.ends_with(".wat")) return false;
  auto opened = os::File::open(file, os::File::Links::kFollow);
  if (!opened) return std::unexpected(file_error(std::move(opened.error())));
  auto beginning = opened->read(kBeginningBytes);
  if (!beginning) return std::unexpected(file_error(std::move(beginning.error())));
  return !is_wat(file, *beginning);
}

}  // namespace

Result<ModuleFile> read_binary(const std::string& file) {
  auto bytes = file == "-" ? read_standard_input() : read_module_or_snapshot(file);
  if (!bytes) return std::unexpected(file_error(std::move(bytes.error())));
  if (as_text(*bytes).starts_with(kElfMagic)) {
    return fail(ErrorCode::kArgument,
                fmt::format("{} is a compiled module; give the module it was made from (.wasm or .wat)", file));
  }
  if (artifact::has_snapshot_magic(*bytes)) {
    auto snapshot = artifact::decode_saved(std::move(*bytes), file);
    if (!snapshot) return std::unexpected(std::move(snapshot.error()));
    const auto binary = snapshot->instances.back().binary;
    return ModuleFile{{binary.begin(), binary.end()}, std::move(*snapshot)};
  }
  if (!is_wat(file, *bytes)) return ModuleFile{std::move(*bytes), std::nullopt};
  auto binary = wat_to_wasm(file, as_text(*bytes));
  if (!binary) return std::unexpected(std::move(binary.error()));
  return ModuleFile{std::move(*binary), std::nullopt};
}

Result<Module> load_module(const std::string& file, const CompileOptions& compile, EngineOptions options) {
  const auto for_engine = is_compiled_or_binary(file);
  if (!for_engine) return std::unexpected(for_engine.error());

  const auto progress = std::make_shared<Progress>("compiling " + file);
  options.progress = [progress](std::uint32_t done, std::uint32_t all) { progress->update(done, all); };
  const Engine engine(std::move(options));
  auto module = [&]() -> Result<Module> {
    if (*for_engine) return engine.load(file, compile);
    auto binary = read_binary(file);
    if (!binary) return std::unexpected(std::move(binary.error()));
    return engine.compile(binary->binary, compile);
  }();
  progress->finish();
  if (!module) return std::unexpected(file_error(std::move(module.error())));
  if (!module->cache_note().empty()) fmt::print(stderr, "anew: note: {}\n", module->cache_note());
  if (compile.ledger != Ledger::kAuto && compile.ledger != module->ledger()) {
    fmt::print(stderr, "anew: note: the ledger is {}: {}\n", to_string(module->ledger()), module->ledger_reason());
  }
  return module;
}

}  // namespace anew::cli
