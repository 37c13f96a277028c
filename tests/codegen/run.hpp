// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pools of modules that tests build, and calls of their functions.
#pragma once

#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "abi/cell.hpp"
#include "os/virtual_memory.hpp"
#include "support/module_builder.hpp"

namespace anew::codegen::test {

inline const Engine& engine() {
  static const Engine kept(EngineOptions{.compile_threads = 1, .cache = false, .cache_directory = {}, .progress = {}});
  return kept;
}

inline std::optional<Pool> make_pool(const ModuleBuilder& builder) {
  auto module = engine().compile(builder.finish());
  if (!module) {
    ADD_FAILURE() << module.error().to_string();
    return std::nullopt;
  }
  return Pool::create(*module, Linker(), {.audit_every = 1}).value();
}

/// Makes all of the address space behind a memory accessible: what stops an access there is a comparison alone.
inline void open_address_space(MemoryView memory) {
  std::byte* const base = memory.write(0, memory.size())->data();
  const std::uint64_t behind = abi::kMemoryAddressSpace + abi::kGuardBytes - memory.size();
  ASSERT_TRUE(os::protect(base + memory.size(), behind, os::Access::kReadWrite));
}

/// Calls one exported function of a module in text format.
template <typename R, typename... A>
Result<R> run(const Pool& pool, std::string_view function, A... arguments) {
  return pool.acquire()->call<R>(function, arguments...);
}

}  // namespace anew::codegen::test
