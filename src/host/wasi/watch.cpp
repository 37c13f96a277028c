// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/watch.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "os/background_thread.hpp"

namespace anew::wasi::detail {
namespace {

constexpr std::uint64_t kForever = Watch::kForever;

/// What the thread and those that wait share. Each step takes the time of the logarithm of how many there are; a look
/// that of how many wait for descriptors.
class Watcher {
 public:
  /// Never destroyed: the thread uses it while the process ends.
  static Watcher& instance() {
    static Watcher& made = *new Watcher;
    return made;
  }

  /// @return its number; 0 if nobody can watch.
  std::uint64_t add(std::span<const os::Awaited> descriptors, std::uint64_t time, std::function<void()> tell) {
    const std::lock_guard lock(mutex_);
    if (!start()) return 0;
    const std::uint64_t number = ++last_;
    const auto [place, is_new] = watched_.try_emplace(number);
    try {
      place->second = {{descriptors.begin(), descriptors.end()}, time, std::move(tell)};
      if (time != kForever) times_.emplace(time, number);
      if (!descriptors.empty()) with_descriptors_.insert(number);
    } catch (...) {
      forget(number);
      throw;
    }
    if (!descriptors.empty() || time < sleeps_until_) os::signal_event(event_.number());
    return number;
  }

  void remove(std::uint64_t number) noexcept {
    const std::lock_guard lock(mutex_);
    forget(number);
  }

 private:
  struct Watched {
    std::vector<os::Awaited> descriptors;
    std::uint64_t time = kForever;
    std::function<void()> tell;
  };

  Watcher() {
    // Without it calls of a child that was forked would wait for ever.
    (void)os::call_at_fork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                           [] {
                             // The thread is the parent's, and so is the event: both have their own from now on.
                             instance().is_running_ = false;
                             instance().event_ = {};
                             instance().mutex_.unlock();
                           });
  }

  bool start() {
    if (is_running_) return true;
    if (!event_.is_open()) {
      auto made = os::make_event();
      if (!made) return false;
      event_ = std::move(*made);
    }
    is_running_ = os::start_background_thread([] { instance().run(); });
    return is_running_;
  }

  void forget(std::uint64_t number) noexcept {
    const auto found = watched_.find(number);
    if (found == watched_.end()) return;
    times_.erase({found->second.time, number});
    with_descriptors_.erase(number);
    watched_.erase(found);
  }

  void run() noexcept {
    std::vector<os::Awaited> awaited;
    std::vector<std::uint64_t> numbers;  ///< whose each of `awaited` is, but of the first
    std::vector<std::function<void()>> told;
    for (;;) {
      try {
        look(awaited, numbers, told);
      } catch (const std::exception&) {
        // No memory to wait: again, for a moment without.
        (void)os::wait_for({}, kPause);
      }
      for (const auto& tell : told) tell();
      told.clear();
    }
  }

  void look(std::vector<os::Awaited>& awaited, std::vector<std::uint64_t>& numbers,
            std::vector<std::function<void()>>& told) {
    std::uint64_t until = kForever;
    {
      const std::lock_guard lock(mutex_);
      awaited.assign(1, {event_.number(), os::kCanRead, 0});
      numbers.clear();
      for (const std::uint64_t number : with_descriptors_) {
        for (const os::Awaited& each : watched_.at(number).descriptors) {
          awaited.push_back({each.descriptor, each.wanted, 0});
          numbers.push_back(number);
        }
      }
      if (!times_.empty()) until = times_.begin()->first;
      sleeps_until_ = until;
    }
    const std::uint64_t begin = os::monotonic_time();
    const auto ready =
        os::wait_for(awaited, until == kForever ? kLongest : std::min(kLongest, until - std::min(until, begin)));
    const std::uint64_t now = os::monotonic_time();
    const std::lock_guard lock(mutex_);
    if (ready && awaited[0].found != 0) os::clear_event(event_.number());
    for (std::size_t i = 0; ready && i < numbers.size(); ++i)
      if (awaited[i + 1].found != 0) end(numbers[i], told);
    while (!times_.empty() && times_.begin()->first <= now) end(times_.begin()->second, told);
  }

  void end(std::uint64_t number, std::vector<std::function<void()>>& told) {
    const auto found = watched_.find(number);
    if (found == watched_.end()) return;  // gone meanwhile, or told already
    told.push_back(std::move(found->second.tell));
    forget(number);
  }

  static constexpr std::uint64_t kPause = 1'000'000;         // a millisecond
  static constexpr std::uint64_t kLongest = 60'000'000'000;  // a minute

  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Watched> watched_;                 ///< by number
  std::set<std::pair<std::uint64_t, std::uint64_t>> times_;  ///< and numbers
  std::set<std::uint64_t> with_descriptors_;
  std::uint64_t sleeps_until_ = 0;
  os::Descriptor event_;
  bool is_running_ = false;
};

}  // namespace

std::optional<Watch> Watch::begin(std::span<const os::Awaited> descriptors, std::uint64_t time,
                                  std::function<void()> tell) {
  try {
    const std::uint64_t number = Watcher::instance().add(descriptors, time, std::move(tell));
    if (number == 0) return std::nullopt;
    return Watch(number);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Watch::~Watch() {
  if (number_ != 0) Watcher::instance().remove(number_);
}

}  // namespace anew::wasi::detail
