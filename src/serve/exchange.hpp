// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One request and its response, as an application has them: it reads the request's body and writes the response
// straight from and to the socket. Either on one thread, where it waits for as long as the client makes it; or without
// waiting (read_now, add), and it leaves the thread, parks the exchange, and is told when to go on (when_ready), or
// that the request is given up. So a slow client holds up its own guest and nobody else, and no more is in memory than
// a piece each way.
//
// What is written goes out in pieces of kPieceBytes, at the end, or when it has waited for a millisecond (tick): a
// short response is one message with its length, and a stream of events is a stream.
#pragma once

#include <anew/error.hpp>
#include <anew/pool.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::serve {

struct Incoming;
class Loop;

using Clock = std::chrono::steady_clock;

/// A field of a header, as it was sent.
struct Header {
  std::string name;
  std::string value;
};
/// Whether they are the same but for letters' case.
[[nodiscard]] bool is_same_name(std::string_view one, std::string_view other) noexcept;

struct RequestHead {
  std::string method;
  std::string target;     ///< a path with its query, "/a?b=c", or "*"
  std::string authority;  ///< the host that was asked for, with its port if that was given; or empty
  std::vector<Header> headers;
  bool is_http_1_0 = false;
  std::optional<std::uint64_t> content_length;
  std::string client_address;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;

  /// The first of that name, or nothing.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// How it went wrong.
enum class Failure : std::uint8_t {
  kNone,
  kClientGone,   ///< or sends what it said it would not
  kBadBody,      ///< 400
  kLargeBody,    ///< 413
  kTimedOut,     ///< 504
  kShutDown,     ///< 503
  kApplication,  ///< 500: it sent what is no response
};

class Exchange {
 public:
  static constexpr std::size_t kPieceBytes = 16 << 10;
  /// For how long a guest computes before others have their turn.
  static constexpr std::chrono::milliseconds kTimeSlice{1};

  /// Has a function called when a socket can be read or written, or has failed: by the thread that runs its loop.
  using WhenReady = std::function<void(short wanted, std::function<void()> then)>;

  /// @param socket    connected, and closed by the caller; does not block.
  /// @param incoming  behind the head. Both outlive this.
  /// @param loop      whose handler this runs in, on the thread that runs it.
  Exchange(Loop& loop, int socket, Incoming& incoming, RequestHead head, Clock::time_point deadline,
           WhenReady when_ready = {});
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  // For the application, on its thread.

  [[nodiscard]] const RequestHead& request() const noexcept { return head_; }
  /// When all is to be over.
  [[nodiscard]] Clock::time_point deadline() const noexcept { return deadline_; }
  /// What is to be cancelled if the client goes or the time is over.
  void set_canceller(Canceller canceller);
  void clear_canceller();
  /// The application leaves the thread. What it has written is sent as the client takes it.
  /// @param give_up  called, by any thread and maybe more than once, if the client goes or the time is over before
  ///                 unpark(): not if that has happened already (failure()).
  void park(std::function<void()> give_up);
  /// It goes on, on the thread that runs the loop.
  void unpark();

  /// More of the request's body: waits until there is some. @return how many bytes, 0 at the end.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> bytes);
  /// The same, of what is there: nothing if it would have to wait.
  [[nodiscard]] Result<std::optional<std::size_t>> read_now(std::span<std::byte> bytes);
  /// Behind all of it.
  [[nodiscard]] std::vector<Header> trailers() const;
  /// Whether all of it was read, or there is none.
  [[nodiscard]] bool is_body_read() const noexcept;
  /// Ends a read() that waits on another thread. The connection is closed behind this exchange.
  void stop_reading() noexcept;

  /// The response's head: once, before its body. Fields that belong to the connection are left out.
  /// @return kArgument for what is no head.
  [[nodiscard]] Result<void> respond(unsigned status, std::span<const Header> headers);
  [[nodiscard]] bool has_responded() const noexcept { return status_ != 0; }
  /// More of its body. Waits while the client does not take it. @return kArgument past the Content-Length that the head
  /// has.
  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
  /// The same without waiting. What the client does not take yet is kept: it is for the caller to add no more until
  /// push() has sent that.
  [[nodiscard]] Result<void> add(std::span<const std::byte> bytes);
  /// Sends what the client takes of that. @return whether it was all.
  [[nodiscard]] Result<bool> push();
  /// Nothing comes behind what was written, which is sent as the client takes it, but trailers: of a response in
  /// chunks, as it is if it has some and neither a Content-Length nor a client of HTTP/1.0. What cannot be one is left
  /// out.
  /// @return as push(), or as finish().
  [[nodiscard]] Result<bool> end(std::span<const Header> trailers = {});

  /// Has a function called when the socket can be read (os::kCanRead) or written, or has failed: by the thread that
  /// runs the loop, when this may be gone.
  void when_ready(short wanted, std::function<void()> then) { when_ready_(wanted, std::move(then)); }

  // For the server.

  /// Sends what is left.
  [[nodiscard]] Result<void> finish();
  /// In place of any response that was not begun to be sent: a few words. If one was, the connection is to be cut.
  void refuse(unsigned status, std::string_view words, std::span<const Header> headers = {});
  /// There is nobody to answer.
  void cut() noexcept;
  /// Reads on until the request's end if that is there already.
  void skip_body();
  /// What waits is over.
  void cancel(Failure why) noexcept;
  /// Sends what it can of what waits, without waiting; may be called from another thread.
  void tick() noexcept;

  [[nodiscard]] int socket() const noexcept { return socket_; }
  [[nodiscard]] Loop& loop() noexcept { return loop_; }
  [[nodiscard]] std::uint64_t turn() const noexcept { return turn_.load(std::memory_order_relaxed); }
  /// Since when it has been at work without a pause.
  [[nodiscard]] Clock::time_point at_work_since() const noexcept {
    return Clock::time_point(Clock::duration(at_work_since_.load(std::memory_order_relaxed)));
  }
  [[nodiscard]] bool is_parked() const noexcept { return turn() == kNobodys; }
  [[nodiscard]] Clock::time_point begin() const noexcept { return begin_; }
  [[nodiscard]] Failure failure() const noexcept { return failure_.load(std::memory_order_relaxed); }
  /// Of what was sent, or is to be.
  [[nodiscard]] unsigned status() const noexcept { return status_; }
  [[nodiscard]] std::uint64_t body_bytes_read() const noexcept { return read_; }
  [[nodiscard]] std::uint64_t body_bytes_written() const noexcept { return written_; }
  [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
  void close_behind_it() noexcept { keeps_alive_ = false; }
  /// Whether the response is incomplete, and the client has to see that.
  [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }

 private:
  static constexpr std::uint64_t kNobodys = ~std::uint64_t{0};  ///< no turn of a loop has that number
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

  Result<std::optional<std::size_t>> read(std::span<std::byte> bytes, bool waits);
  Result<void> write(std::span<const std::byte> bytes, bool waits);
  Result<void> wait(short wanted);
  Result<void> fail_with(Failure failure, std::string message);
  Result<void> continue_if_expected();
  /// Makes what is held into what is sent. With the lock.
  void frame(bool is_last);
  void frame_head(bool is_last);
  /// Frames the end, once. With the lock.
  Result<void> frame_end();
  /// Sends all that is framed, or without waiting what goes. With the lock. @return whether it is all.
  Result<bool> send(bool waits);

  Loop& loop_;
  std::atomic<std::uint64_t> turn_;
  const int socket_;
  Incoming& incoming_;
  const RequestHead head_;
  const Clock::time_point begin_ = Clock::now();
  const Clock::time_point deadline_;
  std::atomic<Clock::rep> at_work_since_ = begin_.time_since_epoch().count();
  std::atomic<Failure> failure_ = Failure::kNone;
  std::uint64_t read_ = 0;
  bool expects_continue_;
  const WhenReady when_ready_;

  /// Of all below, which the server's tick() looks at as well.
  std::mutex mutex_;
  std::optional<Canceller> canceller_;
  std::function<void()> give_up_;  ///< while it is parked
  unsigned status_ = 0;
  std::vector<Header> headers_;
  std::vector<Header> trailers_;
  std::optional<std::uint64_t> length_;  ///< that the head says
  std::uint64_t written_ = 0;
  bool is_framed_ = false;  ///< the head is in wire_ or sent
  bool is_ended_ = false;   ///< and the end
  Framing framing_ = Framing::kNone;
  std::string held_;  ///< of the body, not framed
  std::string wire_;  ///< framed, from sent_ on not sent
  std::size_t sent_ = 0;
  bool is_cut_ = false;
  bool keeps_alive_;
};

}  // namespace anew::serve
