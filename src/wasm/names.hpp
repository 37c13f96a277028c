// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

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

}  // namespace anew::wasm
