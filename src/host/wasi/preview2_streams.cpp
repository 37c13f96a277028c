// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/preview2_streams.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "host/wasi/transfers.hpp"
#include "os/sandbox/files.hpp"
#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail::preview2 {

bool Waiting::for_descriptor(int descriptor, short wanted) {
  const auto [place, is_new] = places_.try_emplace(descriptor, awaited_.size());
  if (is_new) awaited_.push_back({descriptor, 0, 0});
  os::Awaited& awaited = awaited_[place->second];
  awaited.wanted = static_cast<short>(awaited.wanted | wanted);
  return (awaited.found & (wanted | os::kFailed | os::kHungUp | os::kNotOpen)) != 0;
}

void Waiting::for_waker() {
  if (std::exchange(has_waker_, true)) return;
  if (call_.again != nullptr) return call_.state.waker->arm(call_.again->wake());
  event_ = call_.state.waker->arm();
  if (event_ >= 0) awaited_.push_back({event_, os::kCanRead, 0});
}

Result<void> Waiting::wait(bool only_look) {
  Clocks& clocks = call_.sandbox.clocks;
  for (;;) {
    if (call_.caller.stopping()) return trap("the call is to end");
    const std::uint64_t now = clocks.monotonic();
    const bool is_over = only_look || now >= earliest_ || (clocks.is_simulated() && earliest_ != kForever);
    const auto ready = os::wait_for(awaited_, is_over ? 0 : std::min(kSlice, earliest_ - now));
    if (!ready && ready.error() == std::errc::interrupted) continue;
    if (!ready) return trap("the system does not wait: " + std::make_error_code(ready.error()).message());
    if (*ready == 0 && is_over && !only_look && clocks.is_simulated()) clocks.advance_to(earliest_);
    // Without an event to wait for, what the waker is for is looked at once in a while.
    if (*ready > 0 || is_over || (has_waker_ && event_ < 0)) return {};
  }
}

bool Waiting::leave() {
  const std::function<void()> again = call_.again->wake();
  if (!awaited_.empty() || earliest_ != kForever) {
    // The guest's clock stands still within its resolution.
    const std::uint64_t resolution = call_.sandbox.clocks.resolution();
    const std::uint64_t rest = (resolution - earliest_ % resolution) % resolution;
    auto watch = Watch::begin(awaited_, earliest_ > kForever - rest ? kForever : earliest_ + rest, again);
    if (!watch) return false;
    call_.state.watch = std::move(watch);
  }
  is_left_ = true;
  return true;
}

namespace {

/// The waker was for one wait, and what the system found is of one.
class OneWait {
 public:
  explicit OneWait(Call& call) : call_(call) {}

  /// @param look  looks at everything, and returns whether something is ready.
  /// @return false if the call was left.
  [[nodiscard]] Result<bool> until(const auto& look /* -> bool (Waiting&) */) {
    // Where time is simulated nothing takes any.
    if (call_.sandbox.clocks.is_simulated()) call_.again = nullptr;
    for (;;) {
      Waiting waiting(call_);
      const bool is_ready = look(waiting);
      if (is_ready && !waiting.asks_system()) return true;
      const bool may_leave = call_.again != nullptr && !is_ready;
      if (!may_leave || waiting.asks_system()) TRY(waiting.wait(is_ready || may_leave));
      if (look(waiting)) return true;
      if (!may_leave) continue;
      if (waiting.leave()) return false;
      call_.again = nullptr;
    }
  }

 private:
  Call& call_;
};

}  // namespace

Result<bool> wait_for(Call& call, Awaitable& awaitable) {
  return OneWait(call).until([&](Waiting& waiting) { return awaitable.look(call, waiting); });
}

Result<std::vector<std::uint32_t>> wait_for_any(Call& call, std::span<const std::shared_ptr<Pollable>> pollables) {
  std::vector<std::uint32_t> ready;
  (void)TRY(OneWait(call).until([&](Waiting& waiting) {
    ready.clear();
    for (std::uint32_t i = 0; i < pollables.size(); ++i)
      if (pollables[i]->of().look(call, waiting)) ready.push_back(i);
    return !ready.empty();
  }));
  return ready;
}

bool is_ready_now(Call& call, Awaitable& awaitable) {
  Waiting waiting(call);
  if (awaitable.look(call, waiting)) return true;
  if (!waiting.asks_system()) return false;
  return waiting.wait(true) && awaitable.look(call, waiting);
}

StreamAnswer<component::Bytes> InputStream::read(Call& call, std::uint64_t most) {
  if (has_failed_) return std::unexpected(Closed());
  auto bytes = do_read(call, std::min(most, kMostRead));
  if (!bytes) {
    const auto* const error = std::get_if<StreamError>(&bytes.error().why);
    has_failed_ = error != nullptr && !std::holds_alternative<Closed>(*error);
  }
  return bytes;
}

template <typename T>
StreamAnswer<T> OutputStream::note(StreamAnswer<T> answer) {
  if (!answer) has_failed_ = true;
  return answer;
}

StreamAnswer<std::uint64_t> OutputStream::check_write(Call& call) {
  if (has_failed_) return std::unexpected(Closed());
  return note(do_check(call));
}

StreamAnswer<void> OutputStream::write(Call& call, std::span<const std::byte> bytes) {
  const std::uint64_t room = TRY(check_write(call));
  if (bytes.size() > room) return trap("a stream is written to more than check-write permits");
  return note(do_write(call, bytes));
}

bool Timer::look(Call& call, Waiting& waiting) {
  if (call.sandbox.clocks.monotonic() >= due_) return true;
  waiting.for_time(due_);
  return false;
}

namespace {

/// What a stream takes of a guest while the system takes nothing.
constexpr std::size_t kPending = 64 << 10;

[[nodiscard]] bool asks_system(const OpenDescriptor& open) noexcept {
  return open.backing == Backing::kStream || open.backing == Backing::kSocket;
}
[[nodiscard]] bool is_ready_at_once(int descriptor, short wanted) {
  os::Awaited awaited{descriptor, wanted, 0};
  return os::wait_for({&awaited, 1}, 0).value_or(0) > 0;
}

/// Bytes that are read, or nothing if none are there yet; 0 is the end.
using MaybeCount = std::optional<std::uint64_t>;

[[nodiscard]] Outcome<MaybeCount> without_waiting(os::SystemResult<std::uint64_t> count) {
  if (count) return *count;
  if (count.error() == std::errc::resource_unavailable_try_again || count.error() == std::errc::interrupted)
    return std::nullopt;
  return fail(to_errno(count.error()));
}

[[nodiscard]] os::SystemResult<std::uint64_t> received_bytes(const os::SystemResult<os::Received>& received) {
  if (!received) return std::unexpected(received.error());
  return received->bytes;
}

class DescriptorInput final : public InputStream {
 public:
  DescriptorInput(OpenDescriptor& open, std::shared_ptr<Entry> owner) : open_(open), owner_(std::move(owner)) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    return !asks_system(open_) || waiting.for_descriptor(open_.system, os::kCanRead);
  }

 private:
  [[nodiscard]] StreamAnswer<component::Bytes> do_read(Call& /*call*/, std::size_t most) override {
    if (most == 0) return component::Bytes();
    component::Bytes bytes(most);
    const MaybeCount count = TRY(read(bytes));
    if (count == 0) return std::unexpected(Closed());
    bytes.resize(count.value_or(0));
    return bytes;
  }

  [[nodiscard]] Answer<MaybeCount, Errno> read(std::span<std::byte> bytes) {
    const os::Buffer buffer{bytes.data(), bytes.size()};
    switch (open_.backing) {
      case Backing::kNull: return 0;
      case Backing::kBytes: {
        const std::size_t count = std::min<std::size_t>(bytes.size(), open_.bytes.size() - open_.position);
        std::memcpy(bytes.data(), open_.bytes.data() + open_.position, count);
        open_.position += count;
        return count;
      }
      case Backing::kReader: {
        const auto count = (*open_.reader)(bytes);
        if (!count) return trap("standard input: " + count.error().message);
        if (*count > bytes.size()) return trap("standard input: the callback read more than there is room for");
        return *count;
      }
      case Backing::kSharedFile: {
        const MaybeCount count = TRY(without_waiting(os::read_at(open_.system, {&buffer, 1}, open_.position)));
        open_.position += count.value_or(0);
        return count;
      }
      case Backing::kFile: return without_waiting(os::read(open_.system, {&buffer, 1}));
      case Backing::kStream:
        if (open_.waits && !is_ready_at_once(open_.system, os::kCanRead)) return std::nullopt;
        return without_waiting(os::read(open_.system, {&buffer, 1}));
      case Backing::kSocket: return without_waiting(received_bytes(os::receive(open_.system, {&buffer, 1}, false)));
      case Backing::kNone:
      case Backing::kDirectory:
      case Backing::kCapture:
      case Backing::kWriter: break;
    }
    return fail(Errno::kBadf);
  }

  OpenDescriptor& open_;
  std::shared_ptr<Entry> owner_;
};

/// What the system does not take at once is kept, a little; the guest waits until that is gone.
class DescriptorOutput final : public OutputStream {
 public:
  DescriptorOutput(Call& call, OpenDescriptor& open, std::shared_ptr<Entry> owner)
      : open_(open), owner_(std::move(owner)), charge_(call.state.bytes) {}
  [[nodiscard]] bool has_room() noexcept { return !asks_system(open_) || charge_.set(kPending); }
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    if (pending_.empty() || failure_) return true;
    if (!waiting.for_descriptor(open_.system, os::kCanWrite)) return false;
    push();
    return pending_.empty() || failure_;
  }

 private:
  [[nodiscard]] StreamAnswer<std::uint64_t> do_check(Call& /*call*/) override {
    push();
    if (failure_) return std::unexpected(*failure_);
    return pending_.empty() ? kPending : 0;
  }

  [[nodiscard]] StreamAnswer<void> do_write(Call& /*call*/, std::span<const std::byte> bytes) override {
    switch (open_.backing) {
      case Backing::kNull: return {};
      case Backing::kCapture: {
        const std::uint64_t room = open_.maximum_captured_bytes -
                                   std::min<std::uint64_t>(open_.maximum_captured_bytes, open_.captured->size());
        const std::size_t count = std::min<std::size_t>(bytes.size(), room);
        open_.captured->append(reinterpret_cast<const char*>(bytes.data()), count);  // bytes
        if (count < bytes.size()) return std::unexpected(Errno::kNospc);
        return {};
      }
      case Backing::kWriter:
        if (const auto done = (*open_.writer)(bytes); !done) return trap("an output stream: " + done.error().message);
        return {};
      case Backing::kFile:
      case Backing::kStream:
      case Backing::kSocket:
        pending_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());  // bytes
        push();
        if (failure_) return std::unexpected(*failure_);
        return {};
      case Backing::kNone:
      case Backing::kDirectory:
      case Backing::kSharedFile:
      case Backing::kBytes:
      case Backing::kReader: break;
    }
    return std::unexpected(Errno::kBadf);
  }

  void do_finish() override {
    is_last_ = true;
    push();
  }

  /// Gives the system what it takes without waiting.
  void push() {
    while (first_ < pending_.size()) {
      if (open_.waits && !is_ready_at_once(open_.system, os::kCanWrite)) return;
      const std::size_t left = pending_.size() - first_;
      const std::size_t part = open_.waits ? std::min(left, kPipeBytes) : left;
      const os::Buffer buffer{reinterpret_cast<std::byte*>(pending_.data() + first_), part};  // bytes
      const auto count =
          without_waiting(open_.backing == Backing::kSocket ? os::send(open_.system, {&buffer, 1})
                                                            : os::write(open_.system, {&buffer, 1}, open_.kind));
      if (!count) {
        failure_ = count.error();
        break;
      }
      if (!*count) return;
      first_ += **count;
    }
    pending_.clear();
    first_ = 0;
    // It fails where the connection is gone: then the other side knows.
    if (std::exchange(is_last_, false) && open_.backing == Backing::kSocket)
      (void)os::shut_down(open_.system, false, true);
  }

  OpenDescriptor& open_;
  std::shared_ptr<Entry> owner_;
  Charge charge_;
  std::string pending_;
  std::size_t first_ = 0;  ///< of pending_, that is not written
  bool is_last_ = false;   ///< nothing comes behind pending_
  std::optional<Errno> failure_;
};

class FileInput final : public InputStream {
 public:
  FileInput(OpenDescriptor& open, std::shared_ptr<Entry> owner, std::uint64_t position)
      : open_(open), owner_(std::move(owner)), position_(position) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& /*waiting*/) override { return true; }

 private:
  [[nodiscard]] StreamAnswer<component::Bytes> do_read(Call& /*call*/, std::size_t most) override {
    if (most == 0) return component::Bytes();
    component::Bytes bytes(most);
    const os::Buffer buffer{bytes.data(), bytes.size()};
    const MaybeCount count = TRY(without_waiting(os::read_at(open_.system, {&buffer, 1}, position_)));
    if (count == 0) return std::unexpected(Closed());
    bytes.resize(count.value_or(0));
    position_ += bytes.size();  // the system has no positions past 2^63
    return bytes;
  }

  OpenDescriptor& open_;
  std::shared_ptr<Entry> owner_;
  std::uint64_t position_;
};

class FileOutput final : public OutputStream {
 public:
  FileOutput(OpenDescriptor& open, std::shared_ptr<Entry> owner, std::optional<std::uint64_t> position)
      : open_(open), owner_(std::move(owner)), position_(position) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& /*waiting*/) override { return true; }

 private:
  [[nodiscard]] StreamAnswer<std::uint64_t> do_check(Call& /*call*/) override {
    constexpr std::uint64_t kAtOnce = 1 << 20;
    return kAtOnce;
  }
  [[nodiscard]] StreamAnswer<void> do_write(Call& call, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      // What is written is read from there alone.
      const os::Buffer buffer{const_cast<std::byte*>(bytes.data()), bytes.size()};
      const auto count = TRY(without_waiting(position_ ? os::write_at(open_.system, {&buffer, 1}, *position_)
                                                       : os::append(open_.system, {&buffer, 1})));
      if (!count && call.caller.stopping()) return trap("the call is to end");
      if (position_) *position_ += count.value_or(0);
      bytes = bytes.subspan(count.value_or(0));
    }
    return {};
  }

  OpenDescriptor& open_;
  std::shared_ptr<Entry> owner_;
  std::optional<std::uint64_t> position_;  ///< nothing: at the end
};

}  // namespace

std::shared_ptr<InputStream> make_input(OpenDescriptor& open, std::shared_ptr<Entry> owner) {
  return std::make_shared<DescriptorInput>(open, std::move(owner));
}
std::shared_ptr<OutputStream> make_output(Call& call, OpenDescriptor& open, std::shared_ptr<Entry> owner) {
  auto made = std::make_shared<DescriptorOutput>(call, open, std::move(owner));
  if (!made->has_room()) return nullptr;
  return made;
}
std::shared_ptr<InputStream> make_file_input(OpenDescriptor& open, std::shared_ptr<Entry> owner,
                                             std::uint64_t position) {
  return std::make_shared<FileInput>(open, std::move(owner), position);
}
std::shared_ptr<OutputStream> make_file_output(OpenDescriptor& open, std::shared_ptr<Entry> owner,
                                               std::optional<std::uint64_t> position) {
  return std::make_shared<FileOutput>(open, std::move(owner), position);
}

}  // namespace anew::wasi::detail::preview2
