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
#include "artifact/saved_snapshot.hpp"
#include "codegen/code_memory.hpp"
#include "codegen/image.hpp"
#include "debug/gdb.hpp"
#include "debug/source_lines.hpp"
#include "runtime/tier_up.hpp"
#include "wasm/module.hpp"
#include "wasm/names.hpp"

namespace anew::detail {

struct ModuleState;

struct EngineState {
  EngineOptions options;
  std::optional<Error> refusal;  ///< why nothing can be compiled or run here; what every use of the engine returns
};

/// A snapshot file that was loaded, with its modules compiled.
struct SavedState {
  artifact::SavedSnapshot snapshot;
  std::vector<std::shared_ptr<const ModuleState>> modules;  ///< of its instances but the main one, which has this
};

struct ModuleState {
  std::shared_ptr<EngineState> engine;
  Hash hash{};
  std::shared_ptr<const void> owner;  ///< keeps what `module` and `image` look at: buffers or a mapped artifact
  wasm::Module module;                ///< with all features that it needs, its bodies included
  wasm::FunctionNames names;
  codegen::Options options;
  std::uint32_t stack_limit = 0;  ///< CompileOptions
  abi::CellLayout layout;
  codegen::ImageView image;  ///< text is code.text()
  codegen::CodeMemory code;
  std::span<const std::byte> binary;
  Ledger ledger = Ledger::kCards;  ///< never kAuto
  std::string ledger_reason;
  bool from_cache = false;
  std::string cache_note;
  std::optional<CachePlace> cache_place;    ///< if the code cache keeps it, or could
  Optimization optimization;                ///< with Tier::kOptimized; of code from a file, how much of it is optimized
  std::unique_ptr<TierUp> tier_up;          ///< with Tier::kAuto
  std::shared_ptr<const SavedState> saved;  ///< of a module from a snapshot file: the state that its pools start from

  ModuleState() = default;
  ModuleState(const ModuleState&) = delete;
  ModuleState& operator=(const ModuleState&) = delete;
  /// Puts what TierUp found in the code cache, if it is not there yet.
  ~ModuleState();

  /// @param asked  for which the options are.
  void set_ledger(Ledger asked);
  /// The module compiled for a memory 0 that is another instance's (codegen::Options::foreign_memory), made, or taken
  /// out of the code cache, when it is first asked for. Only for modules that import memory 0. Thread-safe.
  /// @return what compiling returns.
  [[nodiscard]] Result<std::shared_ptr<const ModuleState>> foreign_variant() const;
  /// The module's lines of source, read when they are first asked for; none if it has no DWARF, or there
  /// is no memory for them. Thread-safe.
  [[nodiscard]] const debug::SourceLines& source_lines() const;
  /// Tells the tools that EngineOptions names of the code. Called once, when the code is there. @return kIo.
  [[nodiscard]] Result<void> announce();

 private:
  mutable std::once_flag source_lines_read_;
  mutable debug::SourceLines source_lines_;
  std::unique_ptr<debug::GdbRegistration> gdb_;
  mutable std::mutex variant_mutex_;
  mutable std::shared_ptr<const ModuleState> variant_;
};

}  // namespace anew::detail
