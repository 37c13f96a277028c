// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an engine and a compilation are asked for: whether it can be, and what it means for the code.
#pragma once

#include <anew/engine.hpp>
#include <optional>

#include "codegen/image.hpp"
#include "wasm/module.hpp"

namespace anew::detail {

/// Why an engine with these options cannot work on this machine.
[[nodiscard]] std::optional<Error> find_refusal(const EngineOptions& options);
[[nodiscard]] Result<void> check_options(const CompileOptions& options);
/// Who compiles what is asked for.
[[nodiscard]] codegen::Tier choose_tier(const CompileOptions& options) noexcept;
[[nodiscard]] codegen::Options to_code_options(const CompileOptions& options, const wasm::Module& module);

}  // namespace anew::detail
