// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include "os/background_thread.hpp"
#include "runtime/store_state.hpp"
#include "runtime/watchdog.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::detail {
namespace {

using Nanoseconds = std::chrono::nanoseconds;
constexpr std::int64_t kLongestWait = Nanoseconds(std::chrono::milliseconds(2)).count();  // while there are deadlines
constexpr std::int64_t kRepeatAfter = Nanoseconds(std::chrono::milliseconds(1)).count();
constexpr std::uint32_t kMaximumDoublings = 10;                                   // of kRepeatAfter: to a second
constexpr std::int64_t kAwakeFor = Nanoseconds(std::chrono::seconds(1)).count();  // after the last deadline it saw

/// All threads, and whoever signals one of them, so that none goes meanwhile.
struct ThreadList {
  std::mutex mutex;
  Thread* first = nullptr;
};
// Never destroyed: the watchdog uses it while the process ends. Nor has it a destructor that does anything.
constinit ThreadList threads;

std::int64_t steady_now() noexcept { return to_deadline(std::chrono::steady_clock::now()); }

struct Look {
  bool busy = false;                ///< there are deadlines about
  std::int64_t next = kNoDeadline;  ///< when to look again at the latest
};

Look look(std::int64_t now) noexcept {
  watch.now.store(now, std::memory_order_relaxed);
  Look result;
  const std::lock_guard lock(threads.mutex);
  for (Thread* thread = threads.first; thread != nullptr; thread = thread->next) {
    std::int64_t deadline = thread->watched.load(std::memory_order_acquire);
    if (deadline <= now || thread->attention.load(std::memory_order_acquire)) {
      const std::uint32_t unanswered = thread->unanswered.load(std::memory_order_relaxed);
      if (unanswered == 0 || thread->nudge_at <= now) {
        thread->unanswered.store(unanswered + 1, std::memory_order_relaxed);
        // A thread that masks the signal has each of them queued, and users have a limit on those (RLIMIT_SIGPENDING).
        thread->nudge_at = now + (kRepeatAfter << std::min(unanswered, kMaximumDoublings));
        (void)os::nudge(thread->id);  // if there is no room for the signal, again soon
      }
      deadline = thread->nudge_at;
    }
    result.busy = result.busy || deadline != kNoDeadline;
    result.next = std::min(result.next, deadline);
  }
  return result;
}

void run_watchdog() {
  std::int64_t busy_at = steady_now();
  for (;;) {
    const std::int64_t now = steady_now();
    const Look seen = look(now);
    if (seen.busy) busy_at = now;
    const bool asleep = watch.state.load(std::memory_order_relaxed) == WatchdogState::kAsleep;
    if (seen.busy && asleep) {
      watch.state.store(WatchdogState::kAwake, std::memory_order_relaxed);
    } else if (asleep) {
      watch.state.wait(WatchdogState::kAsleep, std::memory_order_relaxed);
      busy_at = steady_now();
      continue;
    } else if (now - busy_at >= kAwakeFor) {
      watch.state.store(WatchdogState::kAsleep, std::memory_order_seq_cst);  // and look once more: see needs_watchdog()
    }
    std::this_thread::sleep_for(Nanoseconds(std::clamp(seen.next - now, std::int64_t{0}, kLongestWait)));
  }
}

void lock_threads() noexcept { threads.mutex.lock(); }
void unlock_threads() noexcept { threads.mutex.unlock(); }
/// The other threads are gone, the watchdog too; what they had stays as it is.
void forget_other_threads() noexcept {
  threads.first = current_thread();
  if (threads.first != nullptr) {
    threads.first->next = threads.first->previous = nullptr;
    threads.first->sampled.store(Thread::kNotAsked, std::memory_order_relaxed);  // its signals are the parent's
  }
  watch.state.store(WatchdogState::kNotRunning, std::memory_order_relaxed);
  threads.mutex.unlock();
}

/// Makes sure that the watchdog looks. @return false if there is none and none can be made.
bool wake_watchdog() noexcept {
  auto state = WatchdogState::kAsleep;
  if (watch.state.compare_exchange_strong(state, WatchdogState::kAwake)) {
    watch.state.notify_one();
    return true;
  }
  if (state == WatchdogState::kAwake) return true;
  const std::lock_guard lock(threads.mutex);
  if (watch.state.load() != WatchdogState::kNotRunning) return true;
  watch.state.store(WatchdogState::kAwake);
  if (os::start_background_thread(run_watchdog)) return true;
  watch.state.store(WatchdogState::kNotRunning);
  return false;
}

/// Has the watchdog nudge the thread at that time. @return 0, or the trap if nobody can, with the reason in `pending`.
std::uint32_t have_watched(Thread& thread, std::int64_t time) noexcept {
  if (time < thread.watched.load(std::memory_order_relaxed)) thread.watched.store(time, std::memory_order_release);
  if (!needs_watchdog(time) || wake_watchdog()) return 0;
  thread.pending = make_bare_error(ErrorCode::kResource,
                                   "the system refused the thread that watches deadlines: nothing would stop the call");
  return static_cast<std::uint32_t>(TrapKind::kHostError);
}

/// Nudges each thread with activations of which `concerns` says that they are concerned.
template <typename Concerns>
void nudge_threads(Concerns&& concerns) noexcept {
  bool some = false;
  {
    const std::lock_guard lock(threads.mutex);
    for (Thread* thread = threads.first; thread != nullptr; thread = thread->next) {
      bool any = false;
      const std::uint32_t depth = thread->depth.load(std::memory_order_acquire);
      for (std::uint32_t i = 0; i < depth; ++i) any = concerns(thread->activations[i]) || any;
      if (!any) continue;
      thread->attention.store(true, std::memory_order_release);
      (void)os::nudge(thread->id);
      some = true;
    }
  }
  // It sees to threads for which there was no room for the signal, or that another signal's handler kept busy. Without
  // memory for a thread, nobody can.
  if (some) (void)wake_watchdog();
}

}  // namespace

constinit Watch watch;

std::uint32_t arm(Thread& thread, std::int64_t deadline) noexcept {
  if (deadline == kCancelled) {
    thread.interruption = Interruption::kCancel;
    return static_cast<std::uint32_t>(TrapKind::kInterrupted);
  }
  const bool may_have_passed = needs_watchdog(deadline);
  if (const std::uint32_t trap = have_watched(thread, deadline); trap != 0) return trap;
  if (!may_have_passed || deadline > steady_now()) return 0;
  thread.interruption = Interruption::kDeadline;
  return static_cast<std::uint32_t>(TrapKind::kInterrupted);
}

std::uint32_t arm_slice(Thread& thread, std::int64_t time_slice) noexcept {
  const std::int64_t end = deadline_in(std::chrono::nanoseconds(time_slice));
  thread.activations[thread.depth.load(std::memory_order_relaxed) - 1].slice_end.store(end, std::memory_order_relaxed);
  return have_watched(thread, end);
}

__attribute__((no_sanitize("thread"))) bool take_slice_end(Thread& thread) noexcept {
  const std::uint32_t depth = thread.depth.load(std::memory_order_relaxed);
  if (depth == 0) return false;
  Activation& innermost = thread.activations[depth - 1];
  const std::int64_t now = watch.now.load(std::memory_order_relaxed);
  if (innermost.slice_end.load(std::memory_order_relaxed) > now) return false;
  const std::int64_t time_slice = innermost.store.load(std::memory_order_relaxed)->time_slice;
  innermost.slice_end.store(deadline_behind(now, time_slice), std::memory_order_relaxed);
  return true;
}

__attribute__((no_sanitize("thread"))) void decide(Thread& thread) noexcept {
  // Before the activations are looked at: whoever interrupts one now sets it again.
  thread.attention.store(false, std::memory_order_relaxed);
  thread.unanswered.store(0, std::memory_order_relaxed);
  const std::int64_t now = watch.now.load(std::memory_order_relaxed);
  const std::uint32_t depth = thread.depth.load(std::memory_order_relaxed);
  std::int64_t earliest = kNoDeadline;
  for (std::uint32_t i = 0; i < depth; ++i) {
    const Activation& activation = thread.activations[i];
    const std::int64_t deadline = activation.deadline.load(std::memory_order_relaxed);
    const bool shut_down =
        activation.interrupted.load(std::memory_order_relaxed) == activation.serial.load(std::memory_order_relaxed);
    // This thread's own call runs in that store, so it is there.
    const StoreState& store = *activation.store.load(std::memory_order_relaxed);
    const bool cancelled = store.deadline.load(std::memory_order_relaxed) == kCancelled;
    if (shut_down || cancelled || deadline <= now) {
      thread.kill_depth = i;
      thread.kill_reason = shut_down   ? Interruption::kShutdown
                           : cancelled ? Interruption::kCancel
                                       : Interruption::kDeadline;
      thread.kill = 1;
      break;
    }
    earliest = std::min(earliest, deadline);
    if (i + 1 == depth) earliest = std::min(earliest, activation.slice_end.load(std::memory_order_relaxed));
  }
  thread.watched.store(earliest, std::memory_order_relaxed);
}

std::uint32_t end_killed(Thread& thread, std::uint32_t depth, std::uint32_t trap) noexcept {
  thread.interruption = thread.kill_reason;
  if (thread.kill_depth < depth) return trap;  // it is an outer one's
  thread.kill = 0;
  // What the handler does before this line is lost, and done again here.
  decide(thread);
  // A host function that was at work then may have failed because of the signal. If it passed on the error of a call of
  // its own that was stopped with this one, that has more to tell.
  if (trap == static_cast<std::uint32_t>(TrapKind::kHostError) && thread.pending &&
      thread.pending->trap != TrapKind::kInterrupted) {
    thread.pending.reset();
    return static_cast<std::uint32_t>(TrapKind::kInterrupted);
  }
  return trap;
}

void sample_guests(std::vector<GuestSample>& samples) {
  const std::lock_guard lock(threads.mutex);
  for (Thread* thread = threads.first; thread != nullptr; thread = thread->next) {
    if (const std::uint64_t pc = thread->sampled.load(std::memory_order_acquire); pc > Thread::kAsked) {
      samples.push_back({pc, thread->sampled_caller.load(std::memory_order_relaxed)});
      thread->sampled.store(Thread::kNotAsked, std::memory_order_relaxed);
    }
    // Whatever it is a moment later: the thread itself decides whether it was in a guest.
    if (__atomic_load_n(&thread->state, __ATOMIC_RELAXED) != static_cast<std::uint32_t>(abi::ThreadState::kGuest))
      continue;
    if (thread->sampled.load(std::memory_order_relaxed) == Thread::kAsked) continue;  // it has not answered yet
    thread->sampled.store(Thread::kAsked, std::memory_order_release);
    // If there is no room for the signal, another time.
    if (!os::nudge(thread->id)) thread->sampled.store(Thread::kNotAsked, std::memory_order_relaxed);
  }
}

void watch_thread(Thread& thread) noexcept {
  static const bool forks = os::call_at_fork(lock_threads, unlock_threads, forget_other_threads);
  (void)forks;  // without it deadlines do not work in children
  const std::lock_guard lock(threads.mutex);
  thread.next = threads.first;
  if (thread.next != nullptr) thread.next->previous = &thread;
  threads.first = &thread;
}

void forget_thread(Thread& thread) noexcept {
  const std::lock_guard lock(threads.mutex);
  (thread.previous != nullptr ? thread.previous->next : threads.first) = thread.next;
  if (thread.next != nullptr) thread.next->previous = thread.previous;
}

void interrupt_calls(const void* owner) noexcept {
  nudge_threads([owner](Activation& activation) {
    const std::uint64_t serial = activation.serial.load(std::memory_order_acquire);
    if (activation.owner.load(std::memory_order_relaxed) != owner) return false;
    activation.interrupted.store(serial, std::memory_order_release);
    return true;
  });
}

void nudge_calls_in(const StoreState& store) noexcept {
  // Of an activation that has ended or is another one by now: a nudge for nothing.
  nudge_threads(
      [&store](const Activation& activation) { return activation.store.load(std::memory_order_relaxed) == &store; });
}

}  // namespace anew::detail
