// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an Engine and a Module hold.
#pragma once

#include <anew/engine.hpp>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "abi/cell.hpp"
#include "codegen/code_memory.hpp"
#include "codegen/image.hpp"
#include "wasm/module.hpp"
#include "wasm/names.hpp"

namespace anew::detail {

struct EngineState {
  EngineOptions options;
  std::optional<Error> refusal;  ///< why nothing can be compiled or run here; what every use of the engine returns
};

struct ModuleState {
  std::shared_ptr<EngineState> engine;
  std::array<std::uint8_t, 32> hash{};
  std::shared_ptr<const void> owner;  ///< keeps what `module` and `image` look at: buffers or a mapped artifact
  wasm::Module module;                ///< without function bodies
  wasm::FunctionNames names;
  codegen::Options options;
  abi::CellLayout layout;
  codegen::ImageView image;  ///< text is code.text()
  codegen::CodeMemory code;
  std::span<const std::byte> stripped;  ///< the binary without its code section (see wasm::without_code_section)
  bool from_cache = false;
  std::string cache_note;
};

}  // namespace anew::detail
