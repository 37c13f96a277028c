// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tier::kAuto: a module begins in the quick tier, and what turns out to run long is optimized while it runs.
//
// Compiled code counts nothing. A thread of the process's looks at the others now and then: one that runs a guest is
// nudged (watchdog.hpp), and its handler tells where it was. Each such sample is a unit of heat for the function and
// for its caller, which may be the one to compile it into. Functions that are hot are sent to the optimizer's process,
// the hottest first, by a second thread; what comes back is put behind the module's text, found by whoever walks stacks
// (ImageView::layers) from then on, and entered. Calls in flight end in the code that they are in, which stays.
//
// Nobody waits for any of this, and nothing depends on it: if threads, processes or memory are refused, quick code goes
// on.
#pragma once

#include <anew/engine.hpp>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "codegen/image.hpp"

namespace anew::detail {

struct ModuleState;

/// What is kept of a module that is optimized while it runs.
class TierUp {
 public:
  explicit TierUp(std::uint32_t functions) : heat_(functions), progress_(functions) {}
  ~TierUp();
  TierUp(const TierUp&) = delete;  // its layers are found by its address
  TierUp& operator=(const TierUp&) = delete;

  [[nodiscard]] const std::atomic<const codegen::OptimizedLayer*>& layers() const noexcept { return layers_; }
  /// Thread-safe.
  [[nodiscard]] Optimization statistics() const;

 private:
  friend class TierUpThreads;
  enum class Progress : std::uint8_t { kQuick, kWanted, kDone /* or never */ };

  std::atomic<const codegen::OptimizedLayer*> layers_ = nullptr;
  mutable std::mutex mutex_;         ///< what follows
  std::vector<std::uint32_t> heat_;  ///< samples, by defined function
  std::vector<Progress> progress_;
  Optimization statistics_;
};

/// Has a module optimized while it runs, from now on. @param state  with its code, entries filled.
void tier_up(const std::shared_ptr<ModuleState>& state);

}  // namespace anew::detail
