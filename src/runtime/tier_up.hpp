// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tier::kAuto: a module begins in the quick tier, and what turns out to run long is optimized while it runs.
//
// Compiled code counts nothing. A thread of the process's looks at the others now and then: one that runs a guest is
// nudged (watchdog.hpp), and its handler tells where it was. Each such sample is a unit of heat for the function and
// for its caller, which may be the one to compile it into. Functions that are hot are sent to the optimizer's process,
// the hottest first, by a second thread; what comes back is put behind the module's text, found by whoever walks stacks
// (ImageView::layers) from then on, and entered. Calls in flight end in the code that they are in, which stays.
//
// Of a module that the code cache keeps, all that is optimized by now goes there as well: a while after some of it was,
// and when the module goes. The next process begins with it.
//
// Nobody waits for any of this, and nothing depends on it: if threads, processes or memory are refused, quick code goes
// on. A child that was forked has threads of its own once it compiles a module.
#pragma once

#include <anew/engine.hpp>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "artifact/code_cache.hpp"
#include "codegen/image.hpp"

namespace anew::detail {

struct ModuleState;

/// Where the code cache keeps a module.
struct CachePlace {
  std::filesystem::path directory;
  artifact::CacheKey key;
};

/// What is kept of a module that is optimized while it runs.
class TierUp {
 public:
  /// @param functions  how many are defined.
  /// @param program    that optimizes.
  /// @param so_far     what is optimized already, of a file.
  TierUp(std::uint32_t functions, std::filesystem::path program, Optimization so_far)
      : program_(std::move(program)), heat_(functions), done_(functions), statistics_(std::move(so_far)) {}
  ~TierUp();
  TierUp(const TierUp&) = delete;  // its layers are found by its address
  TierUp& operator=(const TierUp&) = delete;

  [[nodiscard]] const std::atomic<const codegen::OptimizedLayer*>& layers() const noexcept { return layers_; }
  /// Thread-safe, both.
  [[nodiscard]] Optimization statistics() const;
  [[nodiscard]] std::uint32_t optimized() const noexcept;

 private:
  friend class TierUpThreads;

  const std::filesystem::path program_;
  std::atomic<const codegen::OptimizedLayer*> layers_ = nullptr;
  // Under the mutex of TierUpThreads:
  std::vector<std::uint32_t> heat_;    ///< samples, by defined function
  std::vector<bool> done_;             ///< optimized, about to be, or never
  std::vector<std::uint32_t> wanted_;  ///< are to be optimized
  Optimization statistics_;
  std::optional<CachePlace> place_;
  bool has_news_ = false;  ///< there is what the cache does not have
};

/// Has a module optimized while it runs, from now on, if there is a program that can. @param state  with its code,
/// entries filled.
void tier_up(const std::shared_ptr<ModuleState>& state);

/// Has what is optimized from now on put there, too.
void keep_in_cache(TierUp& tiering, CachePlace place);

}  // namespace anew::detail
