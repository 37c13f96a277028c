// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/value.hpp>
#include <cstdint>

namespace anew::detail {

/// The identity of a function type in this process: equal types have equal ids, in all modules. Never 0. Thread-safe.
[[nodiscard]] std::uint32_t type_identity(const FunctionType& type);

}  // namespace anew::detail
