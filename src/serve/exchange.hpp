// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One request and its response, as an application has them: it reads the request's body and writes the response on one
// thread, straight from and to the socket, and waits there for as long as the client makes it. So a slow client holds
// up its own guest and nobody else, and no more is in memory than a piece each way.
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
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

  /// @param socket    connected, and closed by the caller; does not block.
  /// @param incoming  behind the head. Both outlive this.
  /// @param loop      whose handler this runs in, on the thread that is at its `turn`.
  Exchange(Loop& loop, int socket, Incoming& incoming, RequestHead head, Clock::time_point deadline);
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

  /// More of the request's body: waits until there is some. @return how many bytes, 0 at the end.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> bytes);
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
  [[nodiscard]] std::uint64_t turn() const noexcept { return turn_; }
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
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

  Result<void> wait(short wanted);
  Result<void> fail_with(Failure failure, std::string message);
  Result<void> continue_if_expected();
  /// Makes what is held into what is sent. With the lock.
  void frame(bool is_last);
  void frame_head(bool is_last);
  /// Sends all that is framed. With the lock.
  Result<void> send_all();

  Loop& loop_;
  const std::uint64_t turn_;
  const int socket_;
  Incoming& incoming_;
  const RequestHead head_;
  const Clock::time_point begin_ = Clock::now();
  const Clock::time_point deadline_;
  std::atomic<Failure> failure_ = Failure::kNone;
  std::uint64_t read_ = 0;
  bool expects_continue_;

  /// Of all below, which the server's tick() looks at as well.
  std::mutex mutex_;
  std::optional<Canceller> canceller_;
  unsigned status_ = 0;
  std::vector<Header> headers_;
  std::optional<std::uint64_t> length_;  ///< that the head says
  std::uint64_t written_ = 0;
  bool is_framed_ = false;  ///< the head is in wire_ or sent
  Framing framing_ = Framing::kNone;
  std::string held_;  ///< of the body, not framed
  std::string wire_;  ///< framed, from sent_ on not sent
  std::size_t sent_ = 0;
  bool is_cut_ = false;
  bool keeps_alive_;
};

}  // namespace anew::serve
