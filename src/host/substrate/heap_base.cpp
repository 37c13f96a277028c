// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/heap_base.hpp"

#include "host/substrate/freeing_bump_heap.hpp"
#include "wasm/names.hpp"

namespace anew::substrate {
namespace {

constexpr std::string_view kName = "__heap_base";

/// The value of an immutable i32 global that is one constant.
std::optional<std::uint32_t> value_of(const wasm::Module& module, std::uint32_t index) {
  const wasm::Global& global = module.globals[index];
  if (global.type != GlobalType{ValueType::kI32, false} || global.initializer.size() != 1 ||
      global.initializer[0].op != wasm::Op::kI32Const) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(global.initializer[0].immediate);  // an i32's bits are the low 32
}

}  // namespace

std::optional<HeapBase> find_announced_heap_base(const wasm::Module& module) {
  for (const wasm::Export& item : module.exports) {
    if (item.kind != ExternalKind::kGlobal || item.name != kName) continue;
    if (const auto value = value_of(module, item.index)) return HeapBase{*value, "exported global __heap_base", true};
  }
  for (const auto& [index, name] : wasm::find_global_names(module)) {
    if (name != kName) continue;
    if (const auto value = value_of(module, index))
      return HeapBase{*value, "global __heap_base, by the name section", true};
  }
  return std::nullopt;
}

Result<HeapBase> find_heap_base(const wasm::Module& module) {
  if (module.memories.empty()) return fail(ErrorCode::kLink, "the runtime neither has nor imports a memory");
  if (const auto announced = find_announced_heap_base(module)) return *announced;
  const std::uint64_t pages = module.memories[0].limits.minimum;
  if (pages > UINT32_MAX / FreeingBumpHeap::kPageBytes) {
    return fail(ErrorCode::kLink,
                "the runtime does not say where its heap begins, and its initial memory leaves no room behind it; link "
                "it with `--export=__heap_base`");
  }
  return HeapBase{static_cast<std::uint32_t>(pages * FreeingBumpHeap::kPageBytes),  // fits: checked above
                  "the end of the initial memory", false};
}

}  // namespace anew::substrate
