// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/type_text.hpp"

#include <fmt/format.h>

namespace anew::detail {
namespace {

std::string text(const Limits& limits) {
  return limits.maximum ? fmt::format("{} to {}", limits.minimum, *limits.maximum)
                        : fmt::format("{} or more", limits.minimum);
}
std::string text(const FunctionType& type) { return to_string(type); }
std::string text(const TableType& type) {
  return fmt::format("{} {}{}", text(type.limits), to_string(type.element), type.is_64 ? ", 64-bit" : "");
}
std::string text(const MemoryType& type) {
  return fmt::format("{} pages{}{}", text(type.limits), type.is_64 ? ", 64-bit" : "", type.shared ? ", shared" : "");
}
std::string text(const GlobalType& type) {
  return fmt::format("{}{}", type.is_mutable ? "mutable " : "", to_string(type.type));
}
std::string text(const TagType& type) { return to_string(type.type); }

}  // namespace

ExternalType type_of(const wasm::Module& module, const wasm::Import& import) {
  switch (import.kind()) {
    case ExternalKind::kFunction: return module.types[std::get<std::uint32_t>(import.type)];
    case ExternalKind::kTable: return std::get<TableType>(import.type);
    case ExternalKind::kMemory: return std::get<MemoryType>(import.type);
    case ExternalKind::kGlobal: return std::get<GlobalType>(import.type);
    case ExternalKind::kTag: return TagType{module.types[std::get<wasm::Tag>(import.type).type]};
  }
  return {};
}

ExternalType type_of(const wasm::Module& module, ExternalKind kind, std::uint32_t index) {
  switch (kind) {
    case ExternalKind::kFunction: return module.function_type(index);
    case ExternalKind::kTable: return module.tables[index];
    case ExternalKind::kMemory: return module.memories[index];
    case ExternalKind::kGlobal: return module.globals[index].type;
    case ExternalKind::kTag: return TagType{module.types[module.tags[index].type]};
  }
  return {};
}

std::string to_text(const ExternalType& type) {
  return std::visit([](const auto& each) { return text(each); }, type);
}

std::string to_text_with_kind(const ExternalType& type) {
  switch (static_cast<ExternalKind>(type.index())) {  // the alternatives are in the order of ExternalKind
    case ExternalKind::kFunction: return "function " + to_text(type);
    case ExternalKind::kTable: return "table of " + to_text(type);
    case ExternalKind::kMemory: return "memory of " + to_text(type);
    case ExternalKind::kGlobal: {
      const auto& global = std::get<GlobalType>(type);
      return fmt::format("{} global {}", global.is_mutable ? "mutable" : "immutable", to_string(global.type));
    }
    case ExternalKind::kTag: return "tag " + to_text(type);
  }
  return "";
}

}  // namespace anew::detail
