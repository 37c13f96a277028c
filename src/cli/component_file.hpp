// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// FILE on the command line as a component.
#pragma once

#include <anew/component/component.hpp>
#include <cstdint>
#include <string>

#include "cli/command.hpp"

namespace anew::cli {

/// Whether a file holds a component, or the snapshot of one. Of standard input, "-": no, for it can be read once only.
/// @return kNotFound or kIo.
[[nodiscard]] Result<bool> is_component_file(const std::string& file);

/// Reads a component and compiles it, with progress on a terminal. Says on standard error why nothing is optimized that
/// was to be.
[[nodiscard]] Result<component::Component> load_component(const std::string& file, const CompileOptions& compile = {},
                                                          EngineOptions options = {});

/// How many functions of all its modules have optimized code by now.
[[nodiscard]] std::uint32_t optimized_functions(const component::Component& component);

}  // namespace anew::cli
