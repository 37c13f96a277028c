// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types of a component, and of core modules as a component writes them.
#include <fmt/format.h>

#include <memory>

#include "component/component_decoder.hpp"
#include "wasm/limits.hpp"

namespace anew::component {

using namespace binary;

namespace {

// Primitives are numbered down from here, in the order of the enumerators.
constexpr std::uint8_t kBoolCode = 0x7F;
constexpr std::uint8_t kStringCode = 0x73;
constexpr std::uint8_t kErrorContextCode = 0x64;

bool is_primitive(std::uint8_t code) { return code >= kStringCode && code <= kBoolCode; }
Primitive primitive(std::uint8_t code) { return static_cast<Primitive>(kBoolCode - code); }  // 0 to 12, as checked

}  // namespace

bool ComponentDecoder::core_type(CoreType& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t code = 0;
  if (!reader_.byte(code)) return false;
  switch (code) {
    case 0x60: return core_function_type(type.emplace<anew::FunctionType>());
    case 0x50:
      return vector("declarations", type.emplace<ModuleType>().declarations,
                    [this](CoreDeclaration& each) { return core_declaration(each); });
    case 0x00:
    case 0x4E:
    case 0x4F:
    case 0x5E:
    case 0x5F:
    case 0x65: return unsupported(start, "core types of a component that are no function types");
    default: return malformed(start, "core type", code);
  }
}

bool ComponentDecoder::core_function_type(anew::FunctionType& type) {
  const auto value_type = [this](anew::ValueType& each) { return reader_.value_type({}, each); };
  if (!vector("parameters", type.parameters, value_type) || !vector("results", type.results, value_type)) return false;
  return (type.parameters.size() <= wasm::limits::kParameters && type.results.size() <= wasm::limits::kResults) ||
         reader_.fail(ErrorCode::kLimit, reader_.offset(), "too many parameters or results of a core function");
}

bool ComponentDecoder::core_declaration(CoreDeclaration& declaration) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  switch (kind) {
    case 0x00: {
      auto& import = declaration.emplace<CoreImport>();
      return name(import.module) && name(import.name) && core_external_type(import.type);
    }
    case 0x01: {
      const std::uint64_t at = reader_.offset();
      std::uint8_t code = 0;
      if (!reader_.byte(code)) return false;
      if (code == 0x60) return core_function_type(declaration.emplace<anew::FunctionType>());
      if (code == 0x50 || code == 0x4E || code == 0x4F || code == 0x5E || code == 0x5F || code == 0x65)
        return unsupported(at, "core types of a component that are no function types");
      return malformed(at, "core type", code);
    }
    case 0x02: {
      constexpr std::uint8_t kTypeSort = 0x10;
      constexpr std::uint8_t kOuter = 0x01;
      auto& outer = declaration.emplace<OuterAlias>();
      outer.sort = Sort::kCoreType;
      return expect(kTypeSort, "sort of a core alias") && expect(kOuter, "target of a core alias") &&
             reader_.u32(outer.count) && reader_.u32(outer.index);
    }
    case 0x03: {
      auto& exported = declaration.emplace<CoreExport>();
      return name(exported.name) && core_external_type(exported.type);
    }
    default: return malformed(start, "declaration of a module type", kind);
  }
}

bool ComponentDecoder::core_external_type(CoreExternalType& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  switch (kind) {
    case 0x00: return reader_.u32(type.emplace<std::uint32_t>());
    case 0x01: {
      auto& table = type.emplace<TableType>();
      bool is_shared = false;
      return reader_.reference_type({}, table.element) && core_limits(false, table.is_64, is_shared, table.limits);
    }
    case 0x02: {
      auto& memory = type.emplace<MemoryType>();
      return core_limits(true, memory.is_64, memory.shared, memory.limits);
    }
    case 0x03: {
      auto& global = type.emplace<GlobalType>();
      return reader_.value_type({}, global.type) && flag("mutability", global.is_mutable);
    }
    case 0x04: return reader_.zero_byte() && reader_.u32(type.emplace<wasm::Tag>().type);
    default: return malformed(start, "kind of core import or export", kind);
  }
}

bool ComponentDecoder::core_limits(bool is_memory, bool& is_64, bool& is_shared, Limits& limits) {
  constexpr std::uint8_t kWithMaximum = 1;
  constexpr std::uint8_t kShared = 2;
  constexpr std::uint8_t kIs64 = 4;
  const std::uint64_t start = reader_.offset();
  std::uint8_t flags = 0;
  if (!reader_.byte(flags)) return false;
  if ((flags & ~(kWithMaximum | kIs64 | (is_memory ? kShared : 0))) != 0)
    return malformed(start, "limits flags", flags);
  is_64 = (flags & kIs64) != 0;
  is_shared = (flags & kShared) != 0;
  const bool with_maximum = (flags & kWithMaximum) != 0;
  if (!reader_.u64(limits.minimum) || (with_maximum && !reader_.u64(limits.maximum.emplace()))) return false;
  if (is_shared && !with_maximum) return reader_.fail(ErrorCode::kInvalid, start, "shared memory must have maximum");
  const std::uint64_t most = !is_memory ? (is_64 ? UINT64_MAX : UINT32_MAX)
                                        : (is_64 ? std::uint64_t{1} << 48 : std::uint64_t{wasm::limits::kMemoryPages});
  if (limits.minimum > most || limits.maximum.value_or(0) > most) {
    return reader_.fail(ErrorCode::kInvalid, start,
                        fmt::format("{} size must be at most {}", is_memory ? "memory" : "table", most));
  }
  return limits.minimum <= limits.maximum.value_or(most) ||
         reader_.fail(ErrorCode::kInvalid, start, "size minimum must not be greater than maximum");
}

bool ComponentDecoder::type(TypeDefinition& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t code = 0;
  if (!reader_.byte(code)) return false;
  if (is_primitive(code)) {
    type = primitive(code);
    return true;
  }
  const auto label = [this](std::string& each) { return name(each); };
  switch (code) {
    case 0x72: return vector("fields", type.emplace<Record>().fields, [this](Field& each) { return field(each); });
    case 0x71: return vector("cases", type.emplace<Variant>().cases, [this](Case& each) { return case_(each); });
    case 0x70: return value_type(type.emplace<List>().element);
    case 0x6F:
      return vector("types of a tuple", type.emplace<Tuple>().types,
                    [this](binary::ValueType& each) { return value_type(each); });
    case 0x6E: return vector("flags", type.emplace<Flags>().names, label);
    case 0x6D: return vector("cases of an enum", type.emplace<Enum>().names, label);
    case 0x6B: return value_type(type.emplace<Option>().type);
    case 0x6A: {
      auto& result = type.emplace<ResultType>();
      return optional_value_type(result.ok) && optional_value_type(result.error);
    }
    case 0x69: return reader_.u32(type.emplace<Own>().resource);
    case 0x68: return reader_.u32(type.emplace<Borrow>().resource);
    case 0x3F: return resource_type(type.emplace<ResourceType>());
    case 0x40: return function_type(type.emplace<binary::FunctionType>());
    case 0x41:
      return declarations(
          true, type.emplace<std::unique_ptr<ComponentType>>(std::make_unique<ComponentType>())->declarations);
    case 0x42:
      return declarations(false,
                          type.emplace<std::unique_ptr<InstanceType>>(std::make_unique<InstanceType>())->declarations);
    case 0x3E: return unsupported(start, "resources with an async destructor");
    case 0x43: return unsupported(start, "async functions");
    case 0x67: return unsupported(start, "lists of fixed length");
    case 0x66: return unsupported(start, "the type stream");
    case 0x65: return unsupported(start, "the type future");
    case kErrorContextCode: return unsupported(start, "the type error-context");
    case 0x63: return unsupported(start, "the type map");
    default: return malformed(start, "type", code);
  }
}

bool ComponentDecoder::function_type(binary::FunctionType& type) {
  bool has_none = false;
  if (!vector("parameters", type.parameters, [this](Field& each) { return field(each); })) return false;
  if (!flag("results", has_none)) return false;
  return has_none ? expect(0x00, "number of results") : value_type(type.result.emplace());
}

bool ComponentDecoder::resource_type(ResourceType& type) {
  const std::uint64_t start = reader_.offset();
  anew::ValueType representation{};
  bool has_destructor = false;
  if (!reader_.value_type({}, representation)) return false;
  if (representation == anew::ValueType::kI64) return unsupported(start, "resources represented by an i64");
  if (representation != anew::ValueType::kI32)
    return reader_.fail(ErrorCode::kInvalid, start, "resources can only be represented by i32");
  if (!flag("destructor of a resource", has_destructor)) return false;
  return !has_destructor || reader_.u32(type.destructor.emplace());
}

bool ComponentDecoder::declarations(bool of_component, std::vector<Declaration>& declarations) {
  return nested([&] {
    return vector("declarations", declarations,
                  [this, of_component](Declaration& each) { return declaration(of_component, each); });
  });
}

bool ComponentDecoder::declaration(bool of_component, Declaration& declaration) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  switch (kind) {
    case 0x00: return core_type(declaration.emplace<CoreType>());
    case 0x01: return type(declaration.emplace<TypeDefinition>());
    case 0x02: return alias(declaration.emplace<Alias>());
    case 0x03: return of_component ? import(declaration.emplace<Import>()) : malformed(start, "declaration", kind);
    case 0x04: {
      auto& exported = declaration.emplace<ExportDeclaration>();
      return external_name(exported.name) && external_type(exported.type);
    }
    default: return malformed(start, "declaration", kind);
  }
}

bool ComponentDecoder::external_type(ExternalType& type) {
  const std::uint64_t start = reader_.offset();
  if (!sort(type.sort)) return false;
  switch (type.sort) {
    case Sort::kCoreModule:
    case Sort::kFunction:
    case Sort::kComponent:
    case Sort::kInstance: return reader_.u32(type.type);
    case Sort::kType: {
      bool is_resource = false;
      if (!flag("bound of a type", is_resource)) return false;
      return is_resource || reader_.u32(type.bound.emplace<EqualType>().type);
    }
    default: return reader_.fail(ErrorCode::kMalformed, start, "malformed sort of an import or export");
  }
}

bool ComponentDecoder::value_type(binary::ValueType& type) {
  const std::uint64_t start = reader_.offset();
  std::int64_t code = 0;
  if (!reader_.s33(code)) return false;
  if (code >= 0) {
    type = static_cast<std::uint32_t>(code);  // s33 is below 2^32
    return true;
  }
  // Negative numbers of one byte are the codes 0x40 to 0x7F.
  constexpr std::int64_t kOneByte = 0x80;
  const std::int64_t byte = code + kOneByte;
  if (byte == kErrorContextCode) return unsupported(start, "the type error-context");
  if (byte < kStringCode || reader_.offset() != start + 1)
    return reader_.fail(ErrorCode::kMalformed, start, "malformed value type");
  type = primitive(static_cast<std::uint8_t>(byte));  // up to 0x7F, for the code is negative
  return true;
}

bool ComponentDecoder::optional_value_type(std::optional<binary::ValueType>& type) {
  bool is_there = false;
  if (!flag("optional type", is_there)) return false;
  return !is_there || value_type(type.emplace());
}

bool ComponentDecoder::field(Field& field) { return name(field.name) && value_type(field.type); }

bool ComponentDecoder::case_(Case& which) {
  return name(which.name) && optional_value_type(which.type) && reader_.zero_byte();
}

}  // namespace anew::component
