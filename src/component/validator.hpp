// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Validates a component (component model, design/mvp/Explainer.md and the rules of Binary.md): every index, the types
// of what is aliased, instantiated, lifted and lowered, names, resources.
#pragma once

#include "component/binary.hpp"
#include "wasm/module.hpp"

namespace anew::component {

/// @param core_modules  all of the component's and its nested ones, in the order of their bytes in the binary: decoded
///                      and validated as core modules.
/// @return kInvalid with the offset; kLimit, also if types take too long to compare.
[[nodiscard]] Result<void> validate(const binary::Component& component,
                                    std::span<const wasm::Module* const> core_modules);

}  // namespace anew::component
