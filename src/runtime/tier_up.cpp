// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tier_up.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "os/background_thread.hpp"
#include "runtime/module_state.hpp"
#include "runtime/watchdog.hpp"
#include "tier/optimized_code.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::detail {
namespace {

using std::chrono::milliseconds;

/// While guests run and functions become hot; longer if nothing comes of it.
constexpr milliseconds kShortestInterval(1);
constexpr milliseconds kLongestInterval(64);
/// Looks without a function that became hot, until the interval doubles.
constexpr int kPatience = 200;
/// Samples that make a function hot: about as many milliseconds as it takes to optimize a small one.
constexpr std::uint32_t kHot = 3;
/// Functions that are sent at once.
constexpr std::size_t kBatch = 32;

}  // namespace

/// The process's threads, and the modules that they see to. Never destroyed: they run until the process ends.
class TierUpThreads {
 public:
  void add(const std::shared_ptr<ModuleState>& state) {
    const std::lock_guard lock(mutex_);
    std::erase_if(modules_, [](const Watched& each) { return each.state.expired(); });
    const auto begin = reinterpret_cast<std::uint64_t>(state->image.text.data());
    modules_.push_back({begin, begin + std::max<std::uint64_t>(state->image.text.size(), state->image.reach), state});
    if (!sampling_) sampling_ = os::start_background_thread([] { instance().sample(); });
    if (!compiling_) compiling_ = os::start_background_thread([] { instance().compile(); });
    wake_.notify_all();
  }

  static TierUpThreads& instance() {
    static auto* const threads = new TierUpThreads;  // see the class
    return *threads;
  }

 private:
  struct Watched {
    std::uint64_t begin, end;  ///< addresses of its code
    std::weak_ptr<ModuleState> state;
  };
  /// What one process optimizes.
  struct Batch {
    std::weak_ptr<ModuleState> state;
    std::shared_ptr<const void> owner;  ///< keeps the binary
    std::span<const std::byte> binary;
    Features accepted;
    codegen::Options options;
    std::uint32_t functions;
    std::vector<std::vector<std::uint32_t>> units;
  };

  [[nodiscard]] std::shared_ptr<ModuleState> find(std::uint64_t pc) const {
    for (const Watched& each : modules_)
      if (pc >= each.begin && pc < each.end) return each.state.lock();
    return nullptr;
  }

  /// @return whether a function became hot.
  static bool heat(ModuleState& state, std::uint64_t pc) {
    const auto offset = pc - reinterpret_cast<std::uint64_t>(state.image.text.data());
    const std::uint32_t imported = state.module.imported_functions;
    const auto position = codegen::find_position(state.image, imported, offset);
    if (!position || position->function_index < imported) return false;
    const std::uint32_t defined = position->function_index - imported;
    TierUp& tiering = *state.tier_up;
    const std::lock_guard lock(tiering.mutex_);
    if (tiering.progress_[defined] != TierUp::Progress::kQuick || ++tiering.heat_[defined] < kHot) return false;
    tiering.progress_[defined] = TierUp::Progress::kWanted;
    return true;
  }

  void sample() {
    std::vector<GuestSample> samples;
    milliseconds interval = kShortestInterval;
    int fruitless = 0;
    for (;;) {
      try {
        samples.clear();
        (void)sample_guests(samples);
        bool hot = false;
        {
          std::unique_lock lock(mutex_);
          std::erase_if(modules_, [](const Watched& each) { return each.state.expired(); });
          if (modules_.empty()) {
            wake_.wait(lock, [this] { return !modules_.empty(); });
            interval = kShortestInterval;
          }
          for (const GuestSample& each : samples) {
            // What a module was destroyed by must not be this thread's while it holds the lock: modules are many.
            if (const auto state = find(each.pc)) hot = heat(*state, each.pc) || hot;
            if (const auto state = find(each.caller)) hot = heat(*state, each.caller - 1) || hot;
          }
          if (hot) wake_.notify_all();
        }
        fruitless = hot ? 0 : fruitless + 1;
        if (hot) interval = kShortestInterval;
        if (fruitless >= kPatience) {
          interval = std::min(2 * interval, kLongestInterval);
          fruitless = 0;
        }
      } catch (const std::bad_alloc&) {  // another time
      }
      std::this_thread::sleep_for(interval);
    }
  }

  /// The functions of one module that wait, the hottest first; those of a module that has some.
  [[nodiscard]] std::optional<Batch> next() {
    for (const Watched& each : modules_) {
      const auto state = each.state.lock();
      if (state == nullptr) continue;
      TierUp& tiering = *state->tier_up;
      const std::lock_guard lock(tiering.mutex_);
      std::vector<std::uint32_t> wanted;
      for (std::uint32_t i = 0; i < tiering.progress_.size(); ++i)
        if (tiering.progress_[i] == TierUp::Progress::kWanted) wanted.push_back(i);
      if (wanted.empty()) continue;
      std::ranges::sort(wanted, std::ranges::greater(), [&](std::uint32_t i) { return tiering.heat_[i]; });
      wanted.resize(std::min(wanted.size(), kBatch));
      Batch batch{state,
                  state->owner,
                  state->binary,
                  state->module.accepted,
                  state->options,
                  static_cast<std::uint32_t>(state->module.functions.size()),  // limits::kFunctions
                  {}};
      for (const std::uint32_t defined : wanted) {
        tiering.progress_[defined] = TierUp::Progress::kDone;
        batch.units.push_back({state->module.imported_functions + defined});
      }
      return batch;
    }
    return std::nullopt;
  }

  void compile() {
    for (;;) {
      try {
        std::optional<Batch> batch;
        {
          std::unique_lock lock(mutex_);
          wake_.wait(lock, [&] { return (batch = next()).has_value(); });
        }
        auto optimized = tier::optimize({.binary = batch->binary,
                                         .accepted = batch->accepted,
                                         .options = batch->options,
                                         .functions = batch->functions,
                                         .units = batch->units,
                                         .threads = 1});
        if (const auto state = batch->state.lock()) put(*state, std::move(optimized));
      } catch (const std::bad_alloc&) {  // these functions keep their quick code
      }
    }
  }

  static void put(ModuleState& state, Result<std::vector<codegen::optimizing::FunctionCode>>&& optimized) {
    TierUp& tiering = *state.tier_up;
    if (!optimized) {
      const std::lock_guard lock(tiering.mutex_);
      tiering.statistics_.note = std::move(optimized.error().message);
      std::ranges::fill(tiering.progress_, TierUp::Progress::kDone);  // there is nobody to optimize them
      return;
    }
    std::ranges::sort(*optimized, {}, &codegen::optimizing::FunctionCode::function);
    auto layer = tier::make_layer(state.code, state.module.functions.size(), *optimized);
    const std::lock_guard lock(tiering.mutex_);
    for (codegen::optimizing::FunctionCode& each : *optimized)
      if (each.code.empty()) tiering.statistics_.not_optimized.push_back({each.function, std::move(each.not_compiled)});
    if (!layer) {
      tiering.statistics_.note = std::move(layer.error().message);
      return;
    }
    (*layer)->older = tiering.layers_.load(std::memory_order_relaxed);
    // First it is found, then entered: whoever meets its code on a stack finds what it is.
    const codegen::OptimizedLayer* const made = layer->release();  // ~TierUp's
    tiering.layers_.store(made, std::memory_order_release);
    tier::enter(state.code, *made);
    tiering.statistics_.optimized += static_cast<std::uint32_t>(made->functions.size());  // at most all functions
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Watched> modules_;
  bool sampling_ = false;
  bool compiling_ = false;
};

TierUp::~TierUp() {
  for (const codegen::OptimizedLayer* layer = layers_.load(std::memory_order_relaxed); layer != nullptr;)
    delete std::exchange(layer, layer->older);  // released to it
}

Optimization TierUp::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

void tier_up(const std::shared_ptr<ModuleState>& state) {
  state->tier_up = std::make_unique<TierUp>(state->module.defined_functions());
  state->image.reach = state->code.reach();
  state->image.layers = &state->tier_up->layers();
  TierUpThreads::instance().add(state);
}

}  // namespace anew::detail
