// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Waiting for time and for descriptors: `poll_oneoff`.
//
// A guest may subscribe to millions of things. They are read from its memory as often as needed rather than kept: what
// the host keeps is one entry for each descriptor that the system is asked about.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "host/wasi/preview1.hpp"
#include "host/wasi/transfers.hpp"
#include "os/sandbox/streams.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

enum EventType : std::uint8_t { kClock = 0, kRead = 1, kWrite = 2 };

struct Subscription {
  std::uint64_t user_data;
  std::uint8_t type;
  std::uint8_t padding[7];
  std::uint32_t number;  ///< a descriptor or a clock
  std::uint32_t more_padding;
  std::uint64_t timeout;
  std::uint64_t precision;
  std::uint16_t flags;
  std::uint8_t end_padding[6];
};
static_assert(sizeof(Subscription) == 48 && offsetof(Subscription, number) == 16 &&
              offsetof(Subscription, timeout) == 24 && offsetof(Subscription, flags) == 40);

struct Event {
  std::uint64_t user_data;
  std::uint16_t error;
  std::uint8_t type;
  std::uint8_t padding[5];
  std::uint64_t bytes;
  std::uint16_t flags;
  std::uint8_t end_padding[6];
};
static_assert(sizeof(Event) == 32 && offsetof(Event, type) == 10 && offsetof(Event, bytes) == 16);

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) noexcept { return a > kForever - b ? kForever : a + b; }

class Poll {
 public:
  Poll(Call& call, std::uint32_t subscriptions, std::uint32_t events, std::uint32_t count)
      : call_(call),
        subscriptions_(subscriptions),
        events_(events),
        count_(count),
        begin_(call.begin ? *call.begin : Begin{call.sandbox.clocks.real(), call.sandbox.clocks.monotonic()}) {
    call.begin = begin_;
  }

  /// @return how many events there are.
  Outcome<std::uint32_t> run() {
    TRY(look());
    for (;;) {
      TRY(wait());
      const std::uint32_t events = TRY(report());
      if (events > 0) return events;
    }
  }

 private:
  /// Calls f(Subscription) for each. @return kIntr if the call is to end.
  Outcome<void> for_each(const auto& f) {
    constexpr std::uint32_t kBetweenLooks = 4096;
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (i % kBetweenLooks == 0 && call_.caller.stopping()) return fail(Errno::kIntr);
      // Inside the memory, so no sum overflows.
      TRY(f(TRY(call_.load<Subscription>(subscriptions_ + i * static_cast<std::uint32_t>(sizeof(Subscription))))));
    }
    return {};
  }

  /// When a clock's subscription is due, by the monotonic clock. @return nothing if there is no such clock.
  [[nodiscard]] std::optional<std::uint64_t> due(const Subscription& each) const noexcept {
    constexpr std::uint32_t kRealtime = 0;
    constexpr std::uint32_t kMonotonic = 1;
    constexpr std::uint16_t kAbsolute = 1;
    if (each.number > kMonotonic) return std::nullopt;
    std::uint64_t wait = each.timeout;
    if ((each.flags & kAbsolute) != 0) {
      const std::uint64_t now = each.number == kRealtime ? begin_.real : begin_.monotonic;
      wait = each.timeout > now ? each.timeout - now : 0;
    }
    return saturating_sum(begin_.monotonic, wait);
  }

  /// What a descriptor's subscription is about. @return kBadf, kNotcapable.
  [[nodiscard]] Outcome<OpenDescriptor*> find(const Subscription& each) const {
    return call_.find(each.number, right::kPollFdReadwrite | (each.type == kRead ? right::kFdRead : right::kFdWrite));
  }

  /// Whether the system is asked. All else is always ready.
  [[nodiscard]] static bool is_awaited(const OpenDescriptor& open) noexcept {
    return open.backing == Backing::kStream || open.backing == Backing::kSocket;
  }

  /// Finds out what is waited for.
  Outcome<void> look() {
    return for_each([this](const Subscription& each) -> Outcome<void> {
      if (each.type > kWrite) return fail(Errno::kInval);
      if (each.type == kClock) {
        const auto time = due(each);
        is_ready_ = is_ready_ || !time;
        if (time) earliest_ = std::min(earliest_, *time);
        return {};
      }
      const auto open = find(each);
      if (!open || !is_awaited(**open)) {
        is_ready_ = true;
        return {};
      }
      if (places_.empty()) places_.resize(call_.sandbox.descriptors.size());
      std::uint32_t& place = places_[each.number];
      if (place == 0) {
        awaited_.push_back({(*open)->system, 0, 0});
        place = static_cast<std::uint32_t>(awaited_.size());  // as many as there are descriptors, at most
      }
      short& wanted = awaited_[place - 1].wanted;
      wanted = static_cast<short>(wanted | (each.type == kRead ? os::kCanRead : os::kCanWrite));
      return {};
    });
  }

  /// Waits until something is ready or due.
  Outcome<void> wait() {
    Clocks& clocks = call_.sandbox.clocks;
    for (;;) {
      if (call_.caller.stopping()) return fail(Errno::kIntr);
      const std::uint64_t now = clocks.monotonic();
      const bool is_over = is_ready_ || now >= earliest_ || (clocks.is_simulated() && earliest_ != kForever);
      Attempt* const attempt = Attempt::current();
      const bool waits = !is_over && attempt == nullptr;
      const auto ready = os::wait_for(awaited_, waits ? std::min(kSlice, earliest_ - now) : 0);
      if (!ready && ready.error() != std::errc::interrupted) return fail(to_errno(ready.error()));
      if (ready && *ready > 0) return {};
      if (ready && is_over) {
        if (clocks.is_simulated() && !is_ready_) clocks.advance_to(earliest_);
        return {};
      }
      if (waits || is_over) continue;
      const std::uint64_t time =
          earliest_ == kForever ? kForever : saturating_sum(os::monotonic_time(), earliest_ - now);
      if (attempt->again_when(awaited_, time)) return fail(Errno::kLeft);
      // Nobody can tell.
      (void)os::wait_for(awaited_, std::min(kSlice, earliest_ - now));
    }
  }

  /// Writes the events.
  Outcome<std::uint32_t> report() {
    const std::uint64_t now = call_.sandbox.clocks.monotonic();
    std::uint32_t events = 0;
    TRY(for_each([&](const Subscription& each) -> Outcome<void> {
      const auto event = event_of(each, now);
      if (!event) return {};
      return call_.store(events_ + events++ * static_cast<std::uint32_t>(sizeof(Event)), *event);
    }));
    return events;
  }

  [[nodiscard]] std::optional<Event> event_of(const Subscription& each, std::uint64_t now) const {
    Event event{.user_data = each.user_data,
                .error = 0,
                .type = each.type,
                .padding = {},
                .bytes = 0,
                .flags = 0,
                .end_padding = {}};
    if (each.type == kClock) {
      const auto time = due(each);
      if (!time) event.error = static_cast<std::uint16_t>(Errno::kInval);
      if (time && now < *time) return std::nullopt;
      return event;
    }
    const auto open = find(each);
    if (!open) {
      event.error = static_cast<std::uint16_t>(open.error());
      return event;
    }
    if (is_awaited(**open)) {
      // Not there if the events were written over the subscriptions.
      const std::uint32_t place = each.number < places_.size() ? places_[each.number] : 0;
      const short found = place == 0 ? short{0} : awaited_[place - 1].found;
      const short wanted = each.type == kRead ? os::kCanRead : os::kCanWrite;
      if ((found & (wanted | os::kFailed | os::kHungUp | os::kNotOpen)) == 0) return std::nullopt;
      constexpr std::uint16_t kHangup = 1;
      if ((found & (os::kHungUp | os::kFailed)) != 0) event.flags = kHangup;
    }
    event.bytes = each.type == kRead ? readable_bytes(**open) : 1;
    return event;
  }

  [[nodiscard]] static std::uint64_t readable_bytes(const OpenDescriptor& open) {
    switch (open.backing) {
      case Backing::kStream:
      case Backing::kSocket: return os::readable_bytes(open.system);
      case Backing::kBytes: return open.bytes.size() - open.position;
      case Backing::kFile:
      case Backing::kSharedFile: {
        const auto status = os::status_of(open.system);
        const std::uint64_t position =
            open.backing == Backing::kFile ? os::seek(open.system, 0, os::Whence::kCurrent).value_or(0) : open.position;
        return status && status->bytes > position ? status->bytes - position : 0;
      }
      default: return 0;
    }
  }

  Call& call_;
  std::uint32_t subscriptions_;
  std::uint32_t events_;
  std::uint32_t count_;
  Begin begin_;
  std::uint64_t earliest_ = kForever;
  bool is_ready_ = false;              ///< something needs no waiting
  std::vector<std::uint32_t> places_;  ///< by descriptor, one more than its place in awaited_; 0: none
  std::vector<os::Awaited> awaited_;
};

Outcome<void> poll_oneoff(Call& call, std::uint32_t subscriptions, std::uint32_t events, std::uint32_t count,
                          std::uint32_t event_count) {
  if (count == 0) return fail(Errno::kInval);
  TRY(call.check(subscriptions, std::uint64_t{count} * sizeof(Subscription)));
  TRY(call.check(events, std::uint64_t{count} * sizeof(Event)));
  TRY(call.check(event_count, sizeof(std::uint32_t)));
  const std::uint32_t found = TRY(Poll(call, subscriptions, events, count).run());
  return call.store(event_count, found);
}

}  // namespace

void define_poll(Linker& linker) { define<poll_oneoff>(linker, "poll_oneoff"); }

}  // namespace anew::wasi::detail
