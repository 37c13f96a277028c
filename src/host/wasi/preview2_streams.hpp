// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Streams of WASI 0.2, and waiting for them: what `wasi:io` shows of the other interfaces.
#pragma once

#include <anew/wasi_http.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "host/wasi/descriptors.hpp"
#include "host/wasi/preview2.hpp"

namespace anew::wasi::detail::preview2 {

/// What a thread waits for, and what it found.
class Waiting {
 public:
  static constexpr std::uint64_t kForever = Watch::kForever;

  explicit Waiting(Call& call) noexcept : call_(call) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (!is_left_) call_.state.waker->disarm();
  }

  /// Waits for a descriptor of the system. @return whether the last wait found it ready.
  [[nodiscard]] bool for_descriptor(int descriptor, short wanted);
  /// Waits for a time of the guest's monotonic clock.
  void for_time(std::uint64_t time) noexcept { earliest_ = std::min(earliest_, time); }
  /// Waits for the waker: whatever is looked at behind this does not change unnoticed.
  void for_waker();

  /// Waits until something may be ready; or only asks the system. @return what ends the call.
  [[nodiscard]] Result<void> wait(bool only_look);
  /// Has the call tried again when something may be ready (Call::again). @return false if nobody can see to that.
  [[nodiscard]] bool leave();
  /// Whether something is asked of the system.
  [[nodiscard]] bool asks_system() const noexcept { return !awaited_.empty(); }

 private:
  Call& call_;
  std::uint64_t earliest_ = kForever;
  std::vector<os::Awaited> awaited_;
  std::unordered_map<int, std::size_t> places_;  ///< in awaited_, by descriptor
  int event_ = -1;
  bool has_waker_ = false;
  bool is_left_ = false;
};

/// What a pollable is of.
class Awaitable : public Entry {
 public:
  /// Whether it is ready; if not, tells what to wait for. Asked once before and once after a wait.
  [[nodiscard]] virtual bool look(Call& call, Waiting& waiting) = 0;
};

class Pollable final : public Entry {
 public:
  explicit Pollable(std::shared_ptr<Awaitable> of) noexcept : of_(std::move(of)) {}
  [[nodiscard]] Awaitable& of() const noexcept { return *of_; }

 private:
  std::shared_ptr<Awaitable> of_;
};

/// Waits until something is ready, or leaves the call. @return false if it is left: then the function is to return
/// nothing; what ends the call.
[[nodiscard]] Result<bool> wait_for(Call& call, Awaitable& awaitable);
/// Waits until one of them is ready, or leaves the call. @return the places of those that are, none if it is left; what
/// ends the call.
[[nodiscard]] Result<std::vector<std::uint32_t>> wait_for_any(Call& call,
                                                              std::span<const std::shared_ptr<Pollable>> pollables);
[[nodiscard]] bool is_ready_now(Call& call, Awaitable& awaitable);

/// What went wrong with a stream. The functions of filesystem and http know theirs again.
struct Closed {};
using StreamError = std::variant<Closed, Errno, http::Failure>;
using StreamReason = std::variant<Errno, http::Failure>;
/// `stream-error`.
[[nodiscard]] Result<Value> to_value(Call& call, StreamError&& error);

/// `wasi:io/error`.
class StreamFailure final : public Entry {
 public:
  explicit StreamFailure(StreamReason reason) noexcept : reason_(std::move(reason)) {}
  [[nodiscard]] const StreamReason& reason() const noexcept { return reason_; }

 private:
  StreamReason reason_;
};

/// Bytes at once, at most, whatever a guest asks for.
inline constexpr std::uint64_t kMostRead = 128 << 10;

template <typename T>
using StreamAnswer = Answer<T, StreamError>;

class InputStream : public Awaitable {
 public:
  /// Does not wait. @return what is there, none if nothing is yet; Closed at the end, and after an error.
  [[nodiscard]] StreamAnswer<component::Bytes> read(Call& call, std::uint64_t most);

 private:
  [[nodiscard]] virtual StreamAnswer<component::Bytes> do_read(Call& call, std::size_t most) = 0;
  bool has_failed_ = false;
};

class OutputStream : public Awaitable {
 public:
  /// Bytes that write() takes at once; 0 if the guest has to wait.
  [[nodiscard]] StreamAnswer<std::uint64_t> check_write(Call& call);
  /// Does not wait. Traps if it is more than check_write() says.
  [[nodiscard]] StreamAnswer<void> write(Call& call, std::span<const std::byte> bytes);
  /// Takes no more. Of a socket: the other side finds the end behind what was written.
  void finish() {
    has_failed_ = true;
    do_finish();
  }

 private:
  [[nodiscard]] virtual StreamAnswer<std::uint64_t> do_check(Call& call) = 0;
  /// @param bytes  no more than do_check() said just now.
  [[nodiscard]] virtual StreamAnswer<void> do_write(Call& call, std::span<const std::byte> bytes) = 0;
  virtual void do_finish() {}
  template <typename T>
  [[nodiscard]] StreamAnswer<T> note(StreamAnswer<T> answer);
  bool has_failed_ = false;
};

/// Of a descriptor that is no file with a position of the guest's: standard input, a pipe.
/// @param owner  keeps the descriptor; null if that is the Sandbox's, which lives as long as the table.
[[nodiscard]] std::shared_ptr<InputStream> make_input(OpenDescriptor& open, std::shared_ptr<Entry> owner);
/// @return null past the budget.
[[nodiscard]] std::shared_ptr<OutputStream> make_output(Call& call, OpenDescriptor& open, std::shared_ptr<Entry> owner);
/// Of a file, from a position on.
[[nodiscard]] std::shared_ptr<InputStream> make_file_input(OpenDescriptor& open, std::shared_ptr<Entry> owner,
                                                           std::uint64_t position);
/// @param position  nothing: at the end.
[[nodiscard]] std::shared_ptr<OutputStream> make_file_output(OpenDescriptor& open, std::shared_ptr<Entry> owner,
                                                             std::optional<std::uint64_t> position);

/// Time, of the guest's monotonic clock.
class Timer final : public Awaitable {
 public:
  explicit Timer(std::uint64_t due) noexcept : due_(due) {}
  [[nodiscard]] bool look(Call& call, Waiting& waiting) override;

 private:
  std::uint64_t due_;
};

}  // namespace anew::wasi::detail::preview2
