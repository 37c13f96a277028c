// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A decoded module: the specification's abstract syntax (chapter 2.5), with views into the binary for what is large.
//
// Reading order of this folder: opcodes.hpp (the operators), limits.hpp, reader.hpp (bytes and LEB128), module.hpp
// (this), decoder.hpp (bytes -> Module), validator.hpp (function bodies -> operators, handed to a sink), names.hpp.
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>
#include <anew/types.hpp>
#include <anew/value.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wasm/opcodes.hpp"

namespace anew::wasm {

/// One operator of a constant expression (specification, 3.3.10). `immediate` holds the value's bits for `*.const`, the
/// index for `global.get` and `ref.func`, a ValueType for `ref.null`, and the index in Module::vectors for
/// `v128.const`.
struct ConstantOperator {
  Op op;
  std::uint64_t immediate;
};
using ConstantExpression = std::vector<ConstantOperator>;

/// What the type section says of a type beside its parameters and results (specification, 2.3.11).
struct TypeDeclaration {
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t supertype = kNone;  ///< canonical index of the declared one
  std::uint32_t far = kNone;        ///< canonical index of a supertype further up; see supertype_at
  std::uint32_t group = 0;          ///< the first type of its recursive group, whose types follow one another
  std::uint8_t depth = 0;           ///< supertypes, theirs included; at most limits::kSupertypes
  bool is_final = true;
};

/// A tag's type index; the type has no results.
struct Tag {
  std::uint32_t type = 0;
};

/// How a clause of a try_table catches; the numbers are those of the binary format.
enum class CatchKind : std::uint32_t { kCatch = 0, kCatchRef = 1, kCatchAll = 2, kCatchAllRef = 3 };

struct Import {
  std::string_view module;
  std::string_view name;
  /// For a function, its type index.
  std::variant<std::uint32_t, TableType, MemoryType, GlobalType, Tag> type;
  [[nodiscard]] ExternalKind kind() const noexcept { return static_cast<ExternalKind>(type.index()); }
};

struct Export {
  std::string_view name;
  ExternalKind kind;
  std::uint32_t index;
};

struct Global {
  GlobalType type;
  ConstantExpression initializer;  ///< empty for an imported global
};

enum class SegmentMode : std::uint8_t { kActive, kPassive, kDeclarative };

struct ElementSegment {
  SegmentMode mode = SegmentMode::kActive;
  ValueType type = ValueType::kFuncRef;
  std::uint32_t table = 0;
  ConstantExpression offset;  ///< active segments only
  /// Each is one operator: no other constant expression gives a reference.
  std::vector<ConstantOperator> elements;
};

struct DataSegment {
  SegmentMode mode = SegmentMode::kActive;
  std::uint32_t memory = 0;
  ConstantExpression offset;  ///< active segments only
  BytesView bytes;            ///< a view into Module::binary
};

/// A body as the code section holds it: local declarations and operators, not decoded yet.
struct FunctionBody {
  BytesView bytes;           ///< a view into the binary given to the decoder
  std::uint64_t offset = 0;  ///< of bytes[0] in the module's binary
};

struct SectionRange {
  std::uint8_t id = 0;
  std::string_view name;     ///< custom sections only
  std::uint64_t offset = 0;  ///< of the payload
  std::uint64_t size = 0;
};

/// The bits of a v128, low half first.
using Vector = std::array<std::uint64_t, 2>;

/// All index spaces hold the imports first. The views point into the bytes given to the decoder, which must outlive
/// the Module.
struct Module {
  Features accepted = Features::all();  ///< what it is decoded under, and its function bodies are validated under
  /// What it needs, as far as it was looked at: who validates the bodies adds FunctionValidator::features().
  Features features;
  std::vector<FunctionType> types;
  std::vector<TypeDeclaration> declarations;   ///< by type index
  std::vector<std::uint32_t> canonical_types;  ///< by type index: the smallest index of an equal type
  std::vector<Import> imports;
  std::vector<std::uint32_t> functions;  ///< type index of every function
  std::vector<TableType> tables;
  std::vector<ConstantExpression> table_initializers;  ///< of the defined tables: empty where elements begin as null
  std::vector<MemoryType> memories;
  std::vector<Tag> tags;
  std::vector<Global> globals;
  std::vector<Export> exports;
  std::optional<std::uint32_t> start;
  std::vector<ElementSegment> elements;
  std::vector<DataSegment> data;
  std::vector<Vector> vectors;              ///< of the `v128.const` in constant expressions
  std::optional<std::uint32_t> data_count;  ///< of the data count section
  std::vector<FunctionBody> bodies;         ///< of the defined functions, in order; empty without a code section
  std::vector<bool> declared_functions;     ///< those a function body may name with ref.func (3.1.1, C.refs)
  /// Memory that it takes, with the binary and with what a compilation makes of each type, function, import and so on
  /// but machine code; estimated from above.
  std::uint64_t memory_bytes = 0;
  std::vector<SectionRange> sections;
  BytesView name_section;  ///< payload of the custom section "name" behind its name; empty if there is none

  std::uint32_t imported_functions = 0;
  std::uint32_t imported_tables = 0;
  std::uint32_t imported_memories = 0;
  std::uint32_t imported_globals = 0;
  std::uint32_t imported_tags = 0;

  [[nodiscard]] const FunctionType& function_type(std::uint32_t index) const { return types[functions[index]]; }
  /// The address type of a memory or table.
  [[nodiscard]] ValueType memory_address(std::uint32_t memory) const {
    return memories[memory].is_64 ? ValueType::kI64 : ValueType::kI32;
  }
  [[nodiscard]] ValueType table_address(std::uint32_t table) const {
    return tables[table].is_64 ? ValueType::kI64 : ValueType::kI32;
  }
  [[nodiscard]] std::uint32_t defined_functions() const noexcept {
    return static_cast<std::uint32_t>(functions.size()) - imported_functions;
  }
};

}  // namespace anew::wasm
