// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names of imports and exports, and of parameters, fields and cases (component model, design/mvp/Explainer.md, "Import
// and Export Definitions" and "Name Uniqueness").
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace anew::component {

/// Whether it is words in kebab case: letters and digits, each word of lower or upper case, with hyphens between.
[[nodiscard]] bool is_label(std::string_view text) noexcept;

enum class NameKind : std::uint8_t {
  kLabel,        ///< "my-function"
  kConstructor,  ///< "[constructor]my-resource"
  kMethod,       ///< "[method]my-resource.my-function"
  kStatic,       ///< "[static]my-resource.my-function"
  kInterface,    ///< "wasi:http/types@0.2.0"
};
struct ExternalName {
  NameKind kind = NameKind::kLabel;
  std::string_view resource = {};  ///< of the middle three: a view of the text
};
/// Takes a name of an import or export apart. @return kInvalid if it is none; kUnsupported for accessors,
/// and for names of earlier drafts that say where an implementation is.
[[nodiscard]] Result<ExternalName> parse_external_name(std::string_view text);

/// What must differ between any two names that stand together: without case and hyphens, and without what tells methods
/// and static functions apart.
[[nodiscard]] std::string unique_key(std::string_view name);

}  // namespace anew::component
