// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <span>

namespace anew::component {

/// Decodes and validates a component, its core modules included.
[[nodiscard]] Result<void> check(std::span<const std::byte> bytes);

}  // namespace anew::component
