// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tier_up.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "os/background_thread.hpp"
#include "runtime/module_artifact.hpp"
#include "runtime/module_state.hpp"
#include "runtime/watchdog.hpp"
#include "tier/optimized_code.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::detail {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Before the first look: a process that ends sooner pays for none.
constexpr milliseconds kGrace(10);
/// While guests run and functions become hot; longer if nothing comes of it.
constexpr milliseconds kShortestInterval(1);
constexpr milliseconds kLongestInterval(64);
/// Looks without a function that became hot, until the interval doubles.
constexpr int kPatience = 200;
/// Samples that make a function hot: about as many milliseconds as it takes to optimize a small one.
constexpr std::uint32_t kHot = 3;
/// Functions that are sent at once.
constexpr std::size_t kBatch = 32;
/// What a unit, and a batch, may take: they have the processor when nobody else wants it, and a tenth of it else.
constexpr std::chrono::minutes kUnitLimit(3);
constexpr std::chrono::minutes kBatchLimit(10);
/// Between two times that a module is written to the code cache, at least; its end aside.
constexpr std::chrono::seconds kKeepInterval(5);

}  // namespace

/// The process's threads, and the modules that they see to. Never destroyed: they run until the process ends.
class TierUpThreads {
 public:
  void add(const std::shared_ptr<ModuleState>& state) {
    const std::lock_guard lock(mutex_);
    TierUp& tiering = *state->tier_up;
    for (const codegen::OptimizedFunction& each : state->image.optimized)  // of a file
      tiering.done_[each.function - state->module.imported_functions] = true;
    const std::uint64_t begin = address_of(*state);
    modules_[begin] = {begin + std::max<std::uint64_t>(state->image.text.size(), state->image.reach), state};
    interval_ = kShortestInterval;
    if (!sampling_) sampling_ = os::start_background_thread([] { instance().sample(); });
    wake_.notify_all();
  }

  /// The module goes; its code is still there.
  void remove(const ModuleState& state) noexcept {
    {
      const std::lock_guard lock(mutex_);
      modules_.erase(address_of(state));
    }
    keep(state);
  }

  void keep_in_cache(TierUp& tiering, CachePlace&& place) {
    const std::lock_guard lock(mutex_);
    tiering.place_ = std::move(place);
  }

  /// Replaces the module's artifact if there is what it does not have. Where that fails, the next process finds out by
  /// itself.
  void keep(const ModuleState& state) noexcept {
    try {
      CachePlace place;
      {
        const std::lock_guard lock(mutex_);
        TierUp& tiering = *state.tier_up;
        if (!std::exchange(tiering.has_news_, false) || !tiering.place_) return;
        place = *tiering.place_;
      }
      if (auto cache = artifact::CodeCache::open(place.directory))
        (void)cache->store(place.key, encode(state), state.engine->options.cache_bytes);
    } catch (const std::exception&) {  // no memory
    }
  }

  /// Calls `look` with what became of the functions so far.
  template <typename Look>
  auto look_at(const TierUp& tiering, Look&& look) {
    const std::lock_guard lock(mutex_);
    return look(tiering.statistics_);
  }

  static TierUpThreads& instance() {
    static auto* const threads = [] {
      auto* const made = new TierUpThreads;  // see the class
      // Without this a child may not compile modules: whatever held the lock is not there.
      (void)os::call_at_fork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                             [] { instance().forget_threads(); });
      return made;
    }();
    return *threads;
  }

 private:
  struct Watched {
    std::uint64_t end = 0;  ///< of its code's addresses
    std::weak_ptr<ModuleState> state = {};
  };
  struct ToKeep {
    Clock::time_point at;
    std::weak_ptr<ModuleState> state;
  };
  /// What one process optimizes.
  struct Batch {
    std::weak_ptr<ModuleState> state;
    std::shared_ptr<const void> owner;  ///< keeps the binary
    std::filesystem::path program;
    std::span<const std::byte> binary;
    Features accepted;
    codegen::Options options;
    std::uint32_t functions;
    std::uint64_t memory_limit;
    std::vector<std::vector<std::uint32_t>> units;
  };

  /// In a child, which has none of them, with the lock held.
  void forget_threads() noexcept {
    sampling_ = compiling_ = false;
    // It counts threads that wait which are not there. Nothing is lost with it: it holds no memory of its own.
    std::construct_at(&wake_);
    mutex_.unlock();
  }

  [[nodiscard]] static std::uint64_t address_of(const ModuleState& state) noexcept {
    return reinterpret_cast<std::uint64_t>(state.image.text.data());
  }

  [[nodiscard]] std::shared_ptr<ModuleState> find(std::uint64_t pc) const {
    const auto behind = modules_.upper_bound(pc);
    if (behind == modules_.begin()) return nullptr;
    const Watched& before = std::prev(behind)->second;
    return pc < before.end ? before.state.lock() : nullptr;
  }

  /// @return whether a function became hot.
  bool heat(const std::shared_ptr<ModuleState>& state, std::uint64_t pc) {
    const std::uint64_t offset = pc - address_of(*state);
    const std::uint32_t imported = state->module.imported_functions;
    const auto position = codegen::find_position(state->image, imported, offset);
    if (!position || position->function_index < imported) return false;
    const std::uint32_t defined = position->function_index - imported;
    TierUp& tiering = *state->tier_up;
    if (tiering.done_[defined] || ++tiering.heat_[defined] < kHot) return false;
    if (tiering.wanted_.empty()) waiting_.push_back(state);
    tiering.wanted_.push_back(defined);
    tiering.done_[defined] = true;
    if (!compiling_) compiling_ = os::start_background_thread([] { instance().compile(); });
    return true;
  }

  void sample() {
    std::vector<GuestSample> samples;
    std::vector<std::shared_ptr<ModuleState>> looked_at;  // the last that holds a module is to go without the lock
    int fruitless = 0;
    for (milliseconds interval = kGrace;;) {
      std::this_thread::sleep_for(interval);
      interval = kLongestInterval;
      try {
        samples.clear();
        looked_at.clear();
        sample_guests(samples);
        looked_at.reserve(2 * samples.size());
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !modules_.empty(); });
        bool hot = false;
        for (const GuestSample& each : samples) {
          // A call is before its return address.
          for (const std::uint64_t pc : {each.pc, each.caller - 1}) {
            auto state = find(pc);
            if (state == nullptr) continue;
            hot = heat(looked_at.emplace_back(std::move(state)), pc) || hot;
          }
        }
        if (hot) wake_.notify_all();
        fruitless = hot ? 0 : fruitless + 1;
        if (hot) interval_ = kShortestInterval;
        if (fruitless >= kPatience) {
          interval_ = std::min(2 * interval_, kLongestInterval);
          fruitless = 0;
        }
        interval = interval_;
      } catch (const std::exception&) {  // no memory: another time
      }
    }
  }

  /// The functions of the first module that waits, the hottest first; none if it went or was given up.
  /// @param state  gets the module, which is to go without the lock.
  [[nodiscard]] std::optional<Batch> next(std::shared_ptr<ModuleState>& state) {
    if (waiting_.empty()) return std::nullopt;
    state = waiting_.front().lock();
    waiting_.pop_front();
    if (state == nullptr || state->tier_up->wanted_.empty()) return std::nullopt;
    TierUp& tiering = *state->tier_up;
    std::vector<std::uint32_t> wanted = std::exchange(tiering.wanted_, {});
    const auto key = [&](std::uint32_t i) { return std::pair(tiering.heat_[i], ~i); };  // of equal ones the first
    std::ranges::sort(wanted, std::ranges::greater(), key);
    if (wanted.size() > kBatch) {
      waiting_.push_back(state);
      tiering.wanted_.assign(wanted.begin() + kBatch, wanted.end());
      wanted.resize(kBatch);
    }
    Batch batch{state,
                state->owner,
                tiering.program_,
                state->binary,
                state->module.accepted,
                state->options,
                static_cast<std::uint32_t>(state->module.functions.size()),  // limits::kFunctions
                std::min(tier::OptimizeJob{}.memory_limit, state->engine->options.maximum_compile_bytes),
                {}};
    for (const std::uint32_t defined : wanted) batch.units.push_back({state->module.imported_functions + defined});
    return batch;
  }

  /// A module that is to be put in the cache by now, if there is one.
  [[nodiscard]] std::shared_ptr<ModuleState> next_to_keep() {
    if (to_keep_.empty() || to_keep_.front().at > Clock::now()) return nullptr;
    auto state = to_keep_.front().state.lock();
    to_keep_.pop_front();
    return state;
  }

  void compile() {
    for (;;) {
      try {
        std::optional<Batch> batch;
        while (!batch) {
          std::shared_ptr<ModuleState> to_keep;
          std::shared_ptr<ModuleState> looked_at;
          std::unique_lock lock(mutex_);
          const Clock::time_point keep_at = to_keep_.empty() ? Clock::time_point::max() : to_keep_.front().at;
          wake_.wait_until(lock, keep_at, [this] { return !waiting_.empty(); });
          to_keep = next_to_keep();
          batch = next(looked_at);
          lock.unlock();
          if (to_keep != nullptr) keep(*to_keep);
        }
        auto optimized = tier::optimize({.binary = batch->binary,
                                         .accepted = batch->accepted,
                                         .options = batch->options,
                                         .functions = batch->functions,
                                         .units = batch->units,
                                         .program = batch->program,
                                         .threads = 1,
                                         .unit_limit = kUnitLimit,
                                         .limit = kBatchLimit,
                                         .memory_limit = batch->memory_limit,
                                         .in_background = true});
        if (const auto state = batch->state.lock()) put(state, std::move(optimized));
      } catch (const std::exception&) {  // no memory: these functions keep their quick code
      }
    }
  }

  /// There is nobody to optimize the module's functions, or nowhere to put them.
  void give_up(ModuleState& state, Error&& why) {
    {
      const std::lock_guard lock(mutex_);
      state.tier_up->statistics_.note = std::move(why.message);
      state.tier_up->wanted_.clear();
      modules_.erase(address_of(state));
    }
    keep(state);
  }

  void put(const std::shared_ptr<ModuleState>& state,
           Result<std::vector<codegen::optimizing::FunctionCode>>&& optimized) {
    TierUp& tiering = *state->tier_up;
    if (!optimized) return give_up(*state, std::move(optimized.error()));
    std::ranges::sort(*optimized, {}, &codegen::optimizing::FunctionCode::function);
    auto layer = tier::make_layer(state->code, state->module.functions.size(), *optimized);
    if (!layer) return give_up(*state, std::move(layer.error()));
    const std::lock_guard lock(mutex_);
    for (codegen::optimizing::FunctionCode& each : *optimized)
      if (each.code.empty())
        tiering.statistics_.not_optimized.push_back({each.function, std::move(each.not_compiled), each.for_now});
    (*layer)->older = tiering.layers_.load(std::memory_order_relaxed);
    // First it is found, then entered: whoever meets its code on a stack finds what it is.
    const codegen::OptimizedLayer* const made = layer->release();  // ~TierUp's
    tiering.layers_.store(made, std::memory_order_release);
    tier::enter(state->code, *made);
    tiering.statistics_.optimized += static_cast<std::uint32_t>(made->functions.size());  // at most all functions
    if (made->functions.empty() || tiering.has_news_) return;
    to_keep_.push_back({Clock::now() + kKeepInterval, state});
    tiering.has_news_ = true;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  // Whatever a look costs does not grow with the modules that there are.
  std::map<std::uint64_t, Watched> modules_;        ///< by the address at which their code begins
  std::deque<std::weak_ptr<ModuleState>> waiting_;  ///< those with functions that are wanted
  std::deque<ToKeep> to_keep_;                      ///< those with news for the code cache, the earliest first
  milliseconds interval_ = kShortestInterval;
  bool sampling_ = false;
  bool compiling_ = false;
};

ModuleState::~ModuleState() {
  if (tier_up != nullptr) TierUpThreads::instance().remove(*this);
}

TierUp::~TierUp() {
  for (const codegen::OptimizedLayer* layer = layers_.load(std::memory_order_relaxed); layer != nullptr;)
    delete std::exchange(layer, layer->older);  // released to it
}

Optimization TierUp::statistics() const {
  return TierUpThreads::instance().look_at(*this, [](const Optimization& so_far) { return so_far; });
}

std::uint32_t TierUp::optimized() const noexcept {
  return TierUpThreads::instance().look_at(*this, [](const Optimization& so_far) { return so_far.optimized; });
}

void keep_in_cache(TierUp& tiering, CachePlace place) {
  TierUpThreads::instance().keep_in_cache(tiering, std::move(place));
}

void tier_up(const std::shared_ptr<ModuleState>& state) {
  if (const EngineOptions& asked = state->engine->options; asked.perf_map || asked.jitdump || asked.gdb) {
    state->optimization.note =
        "perf and gdb are told of code once, when it is compiled, so nothing is optimized while it runs: "
        "Tier::kOptimized (--tier optimized) has them told of optimized code";
    return;
  }
  // Here, and not on a thread of ours: the host may be changing its environment when that runs.
  auto program = tier::find_optimizer();
  if (!program) {
    state->optimization.note = std::move(program.error().message);
    return;
  }
  state->tier_up =
      std::make_unique<TierUp>(state->module.defined_functions(), *std::move(program), state->optimization);
  state->image.reach = state->code.reach();
  state->image.layers = &state->tier_up->layers();
  TierUpThreads::instance().add(state);
}

}  // namespace anew::detail
