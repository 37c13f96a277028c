// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/wat.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "cli/wat.hpp"

namespace anew::test {

std::vector<std::byte> wat(std::string_view text) {
  auto binary = cli::wat_to_wasm("the test's module", text);
  if (!binary) throw std::runtime_error(binary.error().to_string());
  return std::move(*binary);
}

Module compile(std::string_view text, const CompileOptions& options) {
  static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  auto module = engine.compile(wat(text), options);
  if (!module) throw std::runtime_error(module.error().to_string());
  return std::move(*module);
}

Pool make_pool(std::string_view text, PoolOptions options, const Linker& linker,
               const CompileOptions& compile_options) {
  auto pool = Pool::create(compile(text, compile_options), linker, std::move(options));
  if (!pool) throw std::runtime_error(pool.error().to_string());
  return std::move(*pool);
}

}  // namespace anew::test
