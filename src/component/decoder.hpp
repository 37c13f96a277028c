// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Decodes a component's binary.
#pragma once

#include "component/binary.hpp"

namespace anew::component {

/// Whether the bytes begin as a component does, not as a core module.
[[nodiscard]] bool is_component(std::span<const std::byte> bytes) noexcept;

/// Decodes and checks what a binary must be to be read at all: lengths, UTF-8, nesting, the number of items. Time and
/// memory are bounded by a multiple of the bytes.
/// @param bytes  the result has views of it.
/// @return kMalformed with the offset; kUnsupported, by name, for what is not of WASI 0.2's features.
[[nodiscard]] Result<std::unique_ptr<binary::Component>> decode(std::span<const std::byte> bytes);

}  // namespace anew::component
