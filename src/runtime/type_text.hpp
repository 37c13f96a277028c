// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types of imports and exports in words.
#pragma once

#include <anew/value.hpp>
#include <string>
#include <variant>

#include "wasm/module.hpp"

namespace anew::detail {

/// The type of something that can be imported or exported (specification, 2.3.12); a tag's is that of its parameters.
struct TagType {
  FunctionType type;
};
using ExternalType = std::variant<FunctionType, TableType, MemoryType, GlobalType, TagType>;

[[nodiscard]] ExternalType type_of(const wasm::Module& module, const wasm::Import& import);
/// @param index  in the index space of that kind.
[[nodiscard]] ExternalType type_of(const wasm::Module& module, ExternalKind kind, std::uint32_t index);

/// "[i32] -> []", "1 or more funcref", "1 to 2 pages, 64-bit", "mutable i32".
[[nodiscard]] std::string to_text(const ExternalType& type);
/// With the word for its kind: "function [i32] -> []", "table of 1 or more funcref", "immutable global i32".
[[nodiscard]] std::string to_text_with_kind(const ExternalType& type);

}  // namespace anew::detail
