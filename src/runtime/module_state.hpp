// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an Engine and a Module hold.
#pragma once

#include <anew/engine.hpp>
#include <array>
#include <memory>
#include <mutex>
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
  wasm::Module module;
  wasm::FunctionNames names;
  codegen::Options options;
  abi::CellLayout layout;
  codegen::ImageView image;  ///< text is code.text()
  codegen::CodeMemory code;
  std::span<const std::byte> binary;
  Ledger ledger = Ledger::kCards;  ///< never kAuto
  std::string ledger_reason;
  bool from_cache = false;
  std::string cache_note;

  /// The module compiled for a memory 0 that is another instance's (codegen::Options::foreign_memory), made when it is
  /// first asked for. Only for modules that import memory 0. Thread-safe. @return what compiling returns.
  [[nodiscard]] Result<std::shared_ptr<const ModuleState>> foreign_variant() const;

 private:
  mutable std::mutex variant_mutex_;
  mutable std::shared_ptr<const ModuleState> variant_;
};

}  // namespace anew::detail
