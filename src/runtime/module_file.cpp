// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/module_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "artifact/artifact.hpp"
#include "artifact/saved_snapshot.hpp"
#include "os/file.hpp"
#include "os/try.hpp"
#include "runtime/cached_compilation.hpp"
#include "runtime/module_artifact.hpp"
#include "runtime/module_snapshot.hpp"
#include "wasm/limits.hpp"

namespace anew {
namespace {

constexpr std::array kWasmMagic = {std::byte{0x00}, std::byte{'a'}, std::byte{'s'}, std::byte{'m'}};
constexpr std::size_t kMagicBytes = 8;  ///< of a file, to tell what it is

/// The first bytes as a person would want to see them: `"(module"` or `50 4b 03 04`.
std::string show_start(std::span<const std::byte> bytes) {
  const auto start = bytes.first(std::min<std::size_t>(bytes.size(), 8));
  const bool is_text =
      std::ranges::all_of(start, [](std::byte b) { return b >= std::byte{' '} && b < std::byte{0x7F}; });
  if (is_text) {
    std::string text = "\"";
    for (const std::byte b : start) text += static_cast<char>(b);  // printable ASCII
    return text + '"';
  }
  std::string text;
  for (const std::byte b : start)
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(b));
  return text;
}

std::unexpected<Error> not_a_module(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  if (bytes.empty())
    return fail(ErrorCode::kMalformed, fmt::format("not a WebAssembly module: {} is empty", path.string()));
  return fail(ErrorCode::kMalformed, fmt::format("not a WebAssembly module: {} starts with {} instead of 00 61 73 6d",
                                                 path.string(), show_start(bytes)));
}

}  // namespace

Result<std::shared_ptr<detail::ModuleState>> detail::load_file(const std::shared_ptr<EngineState>& engine,
                                                               const std::filesystem::path& path,
                                                               const CompileOptions& options) {
  auto file = TRY(os::File::open(path, os::File::Links::kFollow));
  auto bytes = TRY(file.read(kMagicBytes));
  if (artifact::has_elf_magic(bytes)) return load_artifact(engine, path, options);
  if (artifact::has_snapshot_magic(bytes)) return load_snapshot(engine, file, std::move(bytes), options);
  if (bytes.size() < kWasmMagic.size() || !std::equal(kWasmMagic.begin(), kWasmMagic.end(), bytes.begin()))
    return not_a_module(path, bytes);
  TRY(file.read_rest(bytes, wasm::limits::kModuleBytes));
  return compile_or_find(engine, bytes, options);
}

}  // namespace anew
