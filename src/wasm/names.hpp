// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wasm/module.hpp"

namespace anew::wasm {

/// Function names for messages: from the "name" section (specification, appendix "Custom Sections"), else from an
/// import ("module.name") or an export. A malformed name section is ignored from the first bad byte on.
class FunctionNames {
 public:
  FunctionNames() = default;
  explicit FunctionNames(const Module& module);
  /// @return the name, or "" where none is known.
  [[nodiscard]] std::string_view operator[](std::uint32_t function) const noexcept;

 private:
  std::vector<std::string> names_;  ///< by function index
};

/// "module.name" of an imported function.
[[nodiscard]] std::string import_name(const Module& module, std::uint32_t function);

/// Puts before an error's message which function it is about.
void name_function(Error& error, const FunctionNames& names, std::uint32_t function);

/// Names of globals by index: from subsection 7 of the "name" section (the extended name section of LLVM and others),
/// else from an import ("module.name") or an export. What is malformed is passed over, like everything in a custom
/// section.
[[nodiscard]] ANEW_DETAIL_API std::map<std::uint32_t, std::string> find_global_names(const Module& module);

}  // namespace anew::wasm
