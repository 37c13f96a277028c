// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The decoder's state while it walks through a component; private to decoder*.cpp. decoder.cpp frames the sections and
// reads definitions, decoder_types.cpp reads types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/binary.hpp"
#include "component/limits.hpp"
#include "wasm/reader.hpp"

namespace anew::component {

class ComponentDecoder {
 public:
  explicit ComponentDecoder(BytesView bytes) : reader_(bytes) {}
  [[nodiscard]] bool component(binary::Component& component);
  [[nodiscard]] Error take_error() { return reader_.take_error(); }

 private:
  [[nodiscard]] bool header();
  [[nodiscard]] bool section(binary::Component& component);
  [[nodiscard]] bool section_content(std::uint8_t id, std::uint64_t at, binary::Component& component);

  [[nodiscard]] bool core_instance(binary::CoreInstance& instance);
  [[nodiscard]] bool core_argument(binary::CoreArgument& argument);
  [[nodiscard]] bool core_export_item(binary::NamedItem& item);
  [[nodiscard]] bool instance(binary::ComponentInstance& instance);
  [[nodiscard]] bool argument(binary::NamedItem& argument);
  [[nodiscard]] bool export_item(binary::NamedItem& item);
  [[nodiscard]] bool alias(binary::Alias& alias);
  [[nodiscard]] bool canonical(binary::Canonical& canonical);
  [[nodiscard]] bool canonical_options(binary::CanonicalOptions& options);
  [[nodiscard]] bool import(binary::Import& import);
  [[nodiscard]] bool export_(binary::Export& exported);

  [[nodiscard]] bool core_type(binary::CoreType& type);
  [[nodiscard]] bool core_function_type(anew::FunctionType& type);
  [[nodiscard]] bool core_declaration(binary::CoreDeclaration& declaration);
  [[nodiscard]] bool core_external_type(binary::CoreExternalType& type);
  [[nodiscard]] bool core_limits(bool is_memory, bool& is_64, bool& is_shared, Limits& limits);
  [[nodiscard]] bool type(binary::TypeDefinition& type);
  [[nodiscard]] bool function_type(binary::FunctionType& type);
  [[nodiscard]] bool resource_type(binary::ResourceType& type);
  [[nodiscard]] bool declarations(bool of_component, std::vector<binary::Declaration>& declarations);
  [[nodiscard]] bool declaration(bool of_component, binary::Declaration& declaration);
  [[nodiscard]] bool external_type(binary::ExternalType& type);
  [[nodiscard]] bool value_type(binary::ValueType& type);
  [[nodiscard]] bool optional_value_type(std::optional<binary::ValueType>& type);
  [[nodiscard]] bool field(binary::Field& field);
  [[nodiscard]] bool case_(binary::Case& which);

  [[nodiscard]] bool core_sort(binary::Sort& sort);
  [[nodiscard]] bool sort(binary::Sort& sort);
  [[nodiscard]] bool item(binary::Item& item) { return sort(item.sort) && reader_.u32(item.index); }
  [[nodiscard]] bool name(std::string& name);
  /// A name with what says of which kind it is (`nameattributes`).
  [[nodiscard]] bool external_name(std::string& name);
  /// A byte that is 0 or 1.
  [[nodiscard]] bool flag(std::string_view what, bool& value);
  [[nodiscard]] bool expect(std::uint8_t value, std::string_view what);

  /// A vector, of which `element` reads one after the other.
  template <typename T, typename Element>
  [[nodiscard]] bool vector(std::string_view what, std::vector<T>& elements, Element element) {
    std::uint32_t count = 0;
    if (!reader_.count(limits::kParts, what, count) || !take_parts(count)) return false;
    elements.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      T next{};
      if (!element(next)) return false;
      elements.push_back(std::move(next));
    }
    return true;
  }
  /// Counts what takes memory before it is taken.
  [[nodiscard]] bool take_parts(std::uint32_t count);
  /// One level of nesting for as long as `content` is read.
  template <typename Content>
  [[nodiscard]] bool nested(Content content) {
    if (depth_ == limits::kNesting) return fail_nesting();
    ++depth_;
    const bool is_read = content();
    --depth_;
    return is_read;
  }
  [[nodiscard, gnu::cold]] bool fail_nesting();
  [[nodiscard, gnu::cold]] bool malformed(std::uint64_t at, std::string_view what, std::uint8_t code);
  [[nodiscard, gnu::cold]] bool unsupported(std::uint64_t at, std::string_view what);

  wasm::Reader reader_;  ///< within a section of that section alone
  std::uint32_t depth_ = 0;
  std::uint32_t parts_ = 0;
};

}  // namespace anew::component
