// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host that generated modules are linked to. It has states of its own for each instance, which are reset with it.
#pragma once

#include <anew/anew.hpp>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace anew::fairness {

struct HostFunction {
  std::string name;
  FunctionType type;
};

/// What defines in module "host", in this order; besides, a memory, a table and globals of the types below.
enum HostIndex : std::uint32_t {
  kHostNext,    ///< () -> i64: counts, in the host's state
  kHostKeep,    ///< (i64) -> i64: keeps a value there, and gives back the one before
  kHostWrite,   ///< (i32 address, i32 value) -> i32: writes to memory 0; an error if that is out of bounds
  kHostGrow,    ///< (i32 pages) -> i64: grows memory 0
  kHostFail,    ///< (i32) -> i32: an error for 1, an exception for 2
  kHostObject,  ///< (i64) -> externref
  kHostFunctions
};
[[nodiscard]] const std::vector<HostFunction>& host_functions();
inline const MemoryType kHostMemory{.limits = {1, 4}};
inline const TableType kHostTable{.element = ValueType::kFuncRef, .limits = {4, 12}};
inline constexpr GlobalType kHostGlobal{ValueType::kI64, false};
/// Mutable ones, 0 or null at first.
inline constexpr std::array<std::pair<const char*, GlobalType>, 5> kHostVariables = {
    {{"own_number", {ValueType::kI64, true}},
     {"own_vector", {ValueType::kV128, true}},
     {"own_function", {ValueType::kFuncRef, true}},
     {"own_object", {ValueType::kExternRef, true}},
     {"own_exception", {ValueType::kExnRef, true}}}};

[[nodiscard]] Linker make_host();

}  // namespace anew::fairness
