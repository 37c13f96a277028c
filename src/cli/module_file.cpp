// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/module_file.hpp"

#include <fmt/format.h>

#include <anew/substrate/chain_spec.hpp>
#include <memory>
#include <string_view>
#include <utility>

#include "artifact/artifact.hpp"
#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/temporary_path.hpp"
#include "cli/wat.hpp"
#include "host/substrate/code_blob.hpp"
#include "os/file.hpp"
#include "os/try.hpp"
#include "wasm/limits.hpp"

namespace anew::cli {

namespace {

enum class Kind : std::uint8_t {
  kBinary,  ///< or nothing that is known
  kText,
  kCompiled,
  kSnapshot,
  kRuntime,  ///< a chain's: compressed, or in a chain spec
};

/// @param beginning  of the file's content.
Kind kind_of(const std::string& file, std::span<const std::byte> beginning) {
  if (artifact::has_elf_magic(beginning)) return Kind::kCompiled;
  if (artifact::has_snapshot_magic(beginning)) return Kind::kSnapshot;
  const std::string_view text = as_text(beginning).substr(0, kBeginningBytes);
  if (file.ends_with(".wat") || looks_like_wat(text)) return Kind::kText;
  if (substrate::is_compressed_code(beginning) || first_character(text) == '{') return Kind::kRuntime;
  return Kind::kBinary;
}

/// A snapshot may be larger than a module, and so may a chain spec, with a chain's whole state as text.
std::uint64_t most_bytes(Kind kind) {
  constexpr std::uint64_t kMaximumSpecBytes = 1ull << 30;
  switch (kind) {
    case Kind::kSnapshot: return artifact::kMaximumSavedBytes;
    case Kind::kRuntime: return kMaximumSpecBytes;
    default: return wasm::limits::kModuleBytes;
  }
}

std::string name_of(const std::string& file) { return file == "-" ? "standard input" : file; }

Result<std::vector<std::byte>> read_module_file(const std::string& file) {
  return read_input(file, [&](std::span<const std::byte> beginning) { return most_bytes(kind_of(file, beginning)); });
}

/// Of a file that is no compiled module and no snapshot.
Result<std::vector<std::byte>> to_binary(const std::string& file, Kind kind, std::vector<std::byte> bytes) {
  if (kind == Kind::kText) return wat_to_wasm(name_of(file), as_text(bytes));
  if (kind != Kind::kRuntime) return bytes;
  if constexpr (kWithSubstrate) {
    auto source = substrate::read_runtime(bytes);
    if (!source) {
      source.error().message = fmt::format("{}: {}", name_of(file), source.error().message);
      return std::unexpected(std::move(source.error()));
    }
    return std::move(source->code);
  } else {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} is no module, but may be a chain's runtime: this `anew` was built without "
                            "Substrate (ANEW_BUILD_SUBSTRATE)",
                            name_of(file)));
  }
}

/// The engine loads compiled modules and snapshots from files only: it maps them.
Result<Module> load_by_way_of_a_file(const Engine& engine, std::span<const std::byte> bytes,
                                     const CompileOptions& compile) {
  const TemporaryPath file;
  const BytesView pieces[] = {bytes};
  TRY(os::write_file(file.path(), pieces, 0600));
  return engine.load(file.path(), compile);  // what is mapped stays when the file goes
}

Result<Module> load(const Engine& engine, const std::string& file, const CompileOptions& compile) {
  if (file != "-") {
    auto opened = TRY(os::File::open(file, os::File::Links::kFollow));
    const auto beginning = TRY(opened.read(kBeginningBytes));
    const Kind kind = kind_of(file, beginning);
    if (kind != Kind::kText && kind != Kind::kRuntime) return engine.load(file, compile);
  }
  auto bytes = TRY(read_module_file(file));
  const Kind kind = kind_of(file, bytes);
  if (kind == Kind::kCompiled || kind == Kind::kSnapshot) return load_by_way_of_a_file(engine, bytes, compile);
  const auto binary = TRY(to_binary(file, kind, std::move(bytes)));
  return engine.compile(binary, compile);
}

}  // namespace

Result<ModuleFile> read_binary(const std::string& file) {
  auto bytes = TRY(read_module_file(file));
  const Kind kind = kind_of(file, bytes);
  if (kind == Kind::kCompiled) {
    return fail(
        ErrorCode::kArgument,
        fmt::format("{} is a compiled module; give the module it was made from (.wasm or .wat)", name_of(file)));
  }
  if (kind == Kind::kSnapshot) {
    auto snapshot = TRY(artifact::decode_saved(std::move(bytes), name_of(file)));
    if (snapshot.is_component()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("{} is the snapshot of a component, and this is for modules", name_of(file)));
    }
    const auto binary = snapshot.instances.back().binary;
    return ModuleFile{{binary.begin(), binary.end()}, std::move(snapshot)};
  }
  auto binary = TRY(to_binary(file, kind, std::move(bytes)));
  return ModuleFile{std::move(binary), std::nullopt};
}

Result<Module> load_module(const std::string& file, const CompileOptions& compile, EngineOptions options) {
  const auto progress = std::make_shared<Progress>("compiling " + name_of(file));
  options.progress = [progress](std::uint32_t done, std::uint32_t all) { progress->update(done, all); };
  const Engine engine(std::move(options));
  auto module = load(engine, file, compile);
  progress->finish();
  if (!module) return std::unexpected(file_error(std::move(module.error())));
  if (!module->cache_note().empty()) fmt::print(stderr, "anew: note: {}\n", printable(module->cache_note()));
  if (const std::string note = module->optimization().note; !note.empty())
    fmt::print(stderr, "anew: note: {}\n", printable(note));
  if (compile.ledger != Ledger::kAuto && compile.ledger != module->ledger())
    fmt::print(stderr, "anew: note: the ledger is {}: {}\n", to_string(module->ledger()), module->ledger_reason());
  return module;
}

}  // namespace anew::cli
