// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types of core items as the validator compares them: what core modules import and export.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "component/binary.hpp"
#include "component/effort.hpp"
#include "wasm/module.hpp"

namespace anew::component {

/// Equal types have equal numbers, those of all modules.
struct CoreFunction {
  std::uint32_t type;
  bool operator==(const CoreFunction&) const = default;
};
struct CoreTag {
  std::uint32_t type;
  bool operator==(const CoreTag&) const = default;
};
using CoreItem = std::variant<CoreFunction, TableType, MemoryType, GlobalType, CoreTag>;

/// What a core instance exports. Names are views of the binary, or of what it was decoded to.
using CoreExports = std::unordered_map<std::string_view, CoreItem>;

struct CoreModuleType {
  struct Import {
    std::string_view module;
    std::string_view name;
    CoreItem item;
  };
  std::vector<Import> imports;  ///< no two of the same names
  std::shared_ptr<const CoreExports> exports;
};

/// References to functions of a given type are taken for references to any: whether these types match is looked at when
/// the modules are linked.
class CoreTypes {
 public:
  explicit CoreTypes(Effort& effort) : effort_(&effort) {}

  [[nodiscard]] std::uint32_t add(const anew::FunctionType& type);
  [[nodiscard]] const anew::FunctionType& function(std::uint32_t type) const noexcept { return *functions_[type]; }

  /// @return its number.
  [[nodiscard]] Result<std::uint32_t> add_module(const wasm::Module& module);
  [[nodiscard]] Result<std::uint32_t> add_module(CoreModuleType type);
  [[nodiscard]] const CoreModuleType& module(std::uint32_t type) const noexcept { return modules_[type]; }

  /// Whether an item may stand where another one is expected.
  [[nodiscard]] static bool matches(const CoreItem& actual, const CoreItem& expected);
  /// The same of modules, by their numbers.
  [[nodiscard]] Result<void> match_modules(std::uint32_t actual, std::uint32_t expected);

 private:
  Effort* effort_;  ///< the validator's, which outlives this
  std::map<std::vector<std::uint32_t>, std::uint32_t> by_content_;
  std::vector<std::unique_ptr<const anew::FunctionType>> functions_;
  std::vector<CoreModuleType> modules_;
};

}  // namespace anew::component
