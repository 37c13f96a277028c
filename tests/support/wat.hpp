// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <unistd.h>

#include <anew/anew.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace anew::test {

/// The binary of a module in text format, names kept; made by wat2wasm of Debian's package wabt (scripts/setup).
/// Throws if the text is wrong: a defect of the test.
inline std::vector<std::byte> wat(std::string_view text) {
  std::string directory = (std::filesystem::temp_directory_path() / "anew-wat-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) throw std::runtime_error("no temporary directory");
  const std::filesystem::path path = directory;
  std::ofstream(path / "module.wat") << text;
  const std::string command =
      "wat2wasm --enable-exceptions --enable-threads --enable-tail-call --enable-memory64 --enable-multi-memory "
      "--enable-relaxed-simd --enable-extended-const --debug-names -o '" +
      (path / "module.wasm").string() + "' '" + (path / "module.wat").string() + "'";
  const int status = std::system(command.c_str());
  std::ifstream file(path / "module.wasm", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove_all(path);
  if (status != 0 || bytes.empty()) throw std::runtime_error("wat2wasm refuses the test's module");
  const auto* const begin = reinterpret_cast<const std::byte*>(bytes.data());  // any object may be read as bytes
  return {begin, begin + bytes.size()};
}

/// A module compiled from text, without the code cache. Throws if it is refused: a defect of the test.
inline Module compile(std::string_view text, const CompileOptions& options = {}) {
  static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  auto module = engine.compile(wat(text), options);
  if (!module) throw std::runtime_error(module.error().to_string());
  return std::move(*module);
}

/// A pool of such a module. Throws as well.
inline Pool make_pool(std::string_view text, PoolOptions options = {}, const Linker& linker = {},
                      const CompileOptions& compile_options = {}) {
  auto pool = Pool::create(compile(text, compile_options), linker, std::move(options));
  if (!pool) throw std::runtime_error(pool.error().to_string());
  return std::move(*pool);
}

}  // namespace anew::test
