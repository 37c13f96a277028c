// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The decoder's state while it walks through the sections; private to decoder*.cpp. decoder.cpp frames the sections,
// decoder_types.cpp reads the type section, decoder_sections.cpp imports to exports, decoder_segments.cpp what contains
// constant expressions.
#pragma once

#include <string>

#include "wasm/decoder.hpp"
#include "wasm/reader.hpp"

namespace anew::wasm {

/// What Module::memory_bytes counts for one of each, in bytes: a vector that grows counts twice, what is allocated
/// apart with what the allocator adds, names that are made of it (names.hpp) with it.
namespace memory {
inline constexpr std::uint64_t kAllocation = 16;
inline constexpr std::uint64_t kName = sizeof(std::string);
/// In the ordered set and, while the module compiles, where its parameters and results go.
inline constexpr std::uint64_t kType =
    sizeof(FunctionType) + sizeof(TypeDeclaration) + sizeof(std::uint32_t) + 64 + 64 + 4 * kAllocation + 4;
/// What a type of a group of several takes besides: the section does not say at its start how many there are.
inline constexpr std::uint64_t kGroupedType = 2 * (sizeof(FunctionType) + sizeof(TypeDeclaration)) + 16;
inline constexpr std::uint64_t kTypeOperand = sizeof(ValueType) + 8;
inline constexpr std::uint64_t kImport = sizeof(Import) + kName + kAllocation + 2 * sizeof(Global);
/// Its type, its entry address, and where its code and positions begin, in the batch and in the image.
inline constexpr std::uint64_t kFunction = sizeof(std::uint32_t) + 8 + 4 * sizeof(std::uint32_t) + kName + 1;
inline constexpr std::uint64_t kBody = sizeof(FunctionBody);
inline constexpr std::uint64_t kGlobal = sizeof(Global) + 4;
inline constexpr std::uint64_t kExport = sizeof(Export) + sizeof(std::string_view) + kAllocation;
inline constexpr std::uint64_t kElementSegment = 2 * sizeof(ElementSegment) + 2 * kAllocation;
inline constexpr std::uint64_t kElement = sizeof(ConstantOperator);
inline constexpr std::uint64_t kDataSegment = sizeof(DataSegment) + kAllocation;
inline constexpr std::uint64_t kTag = 2 * sizeof(Tag) + 4;
inline constexpr std::uint64_t kSection = 3 * sizeof(SectionRange);
}  // namespace memory

class TypeGroups;

class ModuleDecoder {
 public:
  ModuleDecoder(BytesView binary, const MemoryLimit& memory_limit, Features accepted)
      : binary_(binary), memory_limit_(memory_limit), reader_(binary) {
    module_.accepted = accepted;
  }
  [[nodiscard]] Result<Module> decode();

 private:
  /// Counts memory before it is taken. @return false past the limit.
  [[nodiscard]] bool take_memory(std::uint64_t count, std::uint64_t bytes_each);

  [[nodiscard]] bool module();
  [[nodiscard]] bool header();
  [[nodiscard]] bool section();
  [[nodiscard]] bool section_order(std::uint8_t id, std::uint64_t at);
  [[nodiscard]] bool section_content(std::uint8_t id);
  [[nodiscard]] bool custom_section(SectionRange& range);
  [[nodiscard]] bool whole_module();

  [[nodiscard]] bool type_section();
  [[nodiscard]] bool import_section();
  [[nodiscard]] bool function_section();
  [[nodiscard]] bool table_section();
  [[nodiscard]] bool memory_section();
  [[nodiscard]] bool tag_section();
  [[nodiscard]] bool global_section();
  [[nodiscard]] bool export_section();
  [[nodiscard]] bool start_section();
  [[nodiscard]] bool element_section();
  [[nodiscard]] bool data_count_section();
  [[nodiscard]] bool code_section();
  [[nodiscard]] bool data_section();

  [[nodiscard]] bool import(Import& import);
  [[nodiscard]] bool table(ConstantExpression& initializer);
  [[nodiscard]] bool export_(Export& exported);
  [[nodiscard]] bool unique_export_names();
  [[nodiscard]] bool element_segment(ElementSegment& segment);
  [[nodiscard]] bool data_segment(DataSegment& segment);

  [[nodiscard]] bool recursive_group(TypeGroups& groups);
  [[nodiscard]] bool declared_type(std::uint32_t index);
  [[nodiscard]] bool supertype(std::uint32_t index);
  [[nodiscard]] bool matches_supertype(std::uint32_t index);
  [[nodiscard]] bool function_type(FunctionType& type);
  [[nodiscard]] bool value_types(std::uint32_t limit, std::string_view what, std::vector<ValueType>& types);
  [[nodiscard]] bool table_type(TableType& type);
  [[nodiscard]] bool memory_type(MemoryType& type);
  [[nodiscard]] bool global_type(GlobalType& type);
  [[nodiscard]] bool tag_type(Tag& tag);
  [[nodiscard]] bool size_limits(bool with_maximum, std::uint64_t at, std::uint64_t most, const char* too_large,
                                 Limits& limits);
  [[nodiscard]] bool type_index(std::uint32_t& index);
  [[nodiscard]] bool function_index(std::uint32_t& index);
  /// The number of all that are in an index space, imports included, which may not be more than `limit`.
  [[nodiscard]] bool within(std::size_t total, std::uint32_t limit, std::string_view what, std::uint64_t at);
  /// Whether there may be as many as there are.
  [[nodiscard]] bool several_tables(std::uint64_t at);
  [[nodiscard]] bool several_memories(std::uint64_t at);

  [[nodiscard]] bool constant_expression(ValueType type, ConstantExpression& expression);
  /// One operator; `end` becomes true at the expression's end, which is not stored.
  [[nodiscard]] bool constant_operator(ConstantExpression& expression, bool& end);
  [[nodiscard]] bool constant_binary(Op op, ValueType type, std::uint64_t at, ConstantExpression& expression);
  [[nodiscard]] bool constant_vector(std::uint64_t at, std::uint64_t& index);
  /// Whether the operator's proposal is accepted.
  [[nodiscard]] bool accepted(Op op, std::uint64_t at);
  [[nodiscard]] bool not_constant(std::uint8_t opcode, std::uint64_t at);
  void declare(std::uint32_t function);

  BytesView binary_;
  MemoryLimit memory_limit_;
  Reader reader_;  ///< of the binary, and within a section of that section alone
  Module module_;
  int last_rank_ = 0;  ///< of the last section that is not custom, in the order the specification prescribes
  std::uint64_t code_offset_ = 0;
  std::uint64_t data_offset_ = 0;
  std::uint64_t elements_ = 0;             ///< of all element segments so far
  std::vector<ValueType> constant_stack_;  ///< of the constant expression being read
};

}  // namespace anew::wasm
