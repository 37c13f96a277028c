// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <ctime>
#include <iterator>
#include <utility>

#include "os/sandbox/streams.hpp"
#include "os/try.hpp"
#include "serve/incoming.hpp"
#include "serve/loop.hpp"

namespace anew::serve {
namespace {

namespace http = boost::beast::http;

/// A wait looks this often whether it was cancelled.
constexpr std::chrono::nanoseconds kSlice = std::chrono::milliseconds(50);
/// Of a body that nobody wanted, so much is read for the sake of the connection.
constexpr std::size_t kSkippedBytes = 64 << 10;
constexpr std::size_t kMaximumHeaders = 256;
constexpr unsigned kNoContent = 204;
constexpr unsigned kNotModified = 304;
constexpr unsigned kClientClosedRequest = 499;  // as others log it; never sent

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || kMarks.contains(c);
  });
}

/// RFC 9110, 5.5: none of these could begin another field, or end the head.
bool is_field_value(std::string_view text) noexcept {
  return std::ranges::all_of(text,
                             [](char c) { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\t'; });
}

/// Fields that say how a message travels, which is the server's to say. RFC 9110, 7.6.1.
bool belongs_to_connection(std::string_view name) noexcept {
  static constexpr std::string_view kNames[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                                "upgrade",    "te",         "trailer"};
  return std::ranges::any_of(kNames, [&](std::string_view each) { return is_same_name(name, each); });
}

void append_field(std::string& text, const Header& field) {
  text += field.name;
  text += ": ";
  text += field.value;
  text += "\r\n";
}

/// "Sun, 06 Nov 1994 08:49:37 GMT": RFC 9110, 5.6.7.
void append_date(std::string& text) {
  thread_local std::time_t shown = 0;
  thread_local std::string date;
  const std::time_t now = std::time(nullptr);
  if (now != shown) {
    static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::sys_seconds seconds = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto days = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day day(days);
    const std::chrono::hh_mm_ss time(seconds - days);
    date =
        fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(days).c_encoding()],
                    static_cast<unsigned>(day.day()), kMonths[static_cast<unsigned>(day.month()) - 1],
                    static_cast<int>(day.year()), time.hours().count(), time.minutes().count(), time.seconds().count());
    shown = now;
  }
  text += date;
}

}  // namespace

bool is_same_name(std::string_view one, std::string_view other) noexcept {
  return std::ranges::equal(one, other, {}, lower, lower);
}

std::string_view RequestHead::header(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(headers, [&](const Header& each) { return is_same_name(each.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

Exchange::Exchange(Loop& loop, int socket, Incoming& incoming, RequestHead head, Clock::time_point deadline,
                   WhenReady when_ready)
    : loop_(loop),
      turn_(Loop::turn()),
      socket_(socket),
      incoming_(incoming),
      head_(std::move(head)),
      deadline_(deadline),
      expects_continue_(is_same_name(head_.header("expect"), "100-continue")),
      when_ready_(std::move(when_ready)),
      keeps_alive_(incoming.parser->is_header_done() && incoming.parser->keep_alive()) {}

Exchange::~Exchange() = default;

void Exchange::set_canceller(Canceller canceller) {
  const std::lock_guard lock(mutex_);
  canceller_ = std::move(canceller);
  if (failure() != Failure::kNone) canceller_->cancel();
}

void Exchange::clear_canceller() {
  const std::lock_guard lock(mutex_);
  canceller_.reset();
}

void Exchange::park(std::function<void()> give_up) {
  {
    const std::lock_guard lock(mutex_);
    give_up_ = std::move(give_up);
  }
  turn_.store(kNobodys, std::memory_order_relaxed);
}

void Exchange::unpark() {
  turn_.store(Loop::turn(), std::memory_order_relaxed);
  at_work_since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  give_up_ = nullptr;
}

void Exchange::cancel(Failure why) noexcept {
  Failure none = Failure::kNone;
  failure_.compare_exchange_strong(none, why);
  // Whoever holds it waits, and looks at failure_: or is about to cancel.
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) {
    if (canceller_) canceller_->cancel();
    if (give_up_) give_up_();
  }
}

Result<void> Exchange::fail_with(Failure failure, std::string message) {
  Failure none = Failure::kNone;
  failure_.compare_exchange_strong(none, failure);
  return fail(anew::ErrorCode::kIo, std::move(message));
}

Result<void> Exchange::wait(short wanted) {
  loop_.pass_on(turn());
  for (;;) {
    if (failure() != Failure::kNone) return fail(anew::ErrorCode::kIo, "the request was given up");
    const Clock::duration left = deadline_ - Clock::now();
    if (left <= Clock::duration::zero()) return fail_with(Failure::kTimedOut, "the request took too long");
    os::Awaited awaited{socket_, wanted, 0};
    const auto slice = std::min<std::chrono::nanoseconds>(left, kSlice);
    const auto ready = os::wait_for({&awaited, 1}, static_cast<std::uint64_t>(slice.count()));  // not negative
    if (ready && *ready > 0) return {};
    if (!ready && ready.error() != std::errc::interrupted)
      return fail_with(Failure::kClientGone, "the client's connection failed");
  }
}

// --- The request's body ---

bool Exchange::is_body_read() const noexcept { return incoming_.parser->is_done(); }

std::vector<Header> Exchange::trailers() const {
  std::vector<Header> result;
  // The head's fields were taken out when they had been read.
  for (const auto& field : incoming_.parser->get())
    result.push_back({std::string(field.name_string()), std::string(field.value())});
  return result;
}

void Exchange::stop_reading() noexcept {
  static_cast<void>(os::shut_down(socket_, true, false));  // a socket that is not connected any more reads nothing
  keeps_alive_ = false;
}

Result<void> Exchange::continue_if_expected() {
  if (!std::exchange(expects_continue_, false) || head_.is_http_1_0) return {};
  const std::lock_guard lock(mutex_);
  if (is_framed_) return {};
  wire_ = "HTTP/1.1 100 Continue\r\n\r\n";
  (void)TRY(send(true));
  return {};
}

Result<std::size_t> Exchange::read(std::span<std::byte> bytes) {
  const auto count = TRY(read(bytes, true));
  return *count;  // it waits until there is one
}

Result<std::optional<std::size_t>> Exchange::read_now(std::span<std::byte> bytes) { return read(bytes, false); }

Result<std::optional<std::size_t>> Exchange::read(std::span<std::byte> bytes, bool waits) {
  Incoming::Parser& parser = *incoming_.parser;
  auto& body = parser.get().body();
  while (!bytes.empty() && !parser.is_done()) {
    if (incoming_.buffer.size() > 0) {
      body.data = bytes.data();
      body.size = bytes.size();
      body.more = true;
      boost::system::error_code error;
      const std::size_t used = parser.put(incoming_.buffer.data(), error);
      incoming_.buffer.consume(used);
      const std::size_t count = bytes.size() - body.size;
      read_ += count;
      if (error == http::error::body_limit)
        TRY(fail_with(Failure::kLargeBody, "the request's body is too large"));
      else if (error && error != http::error::need_buffer && error != http::error::need_more)
        TRY(fail_with(Failure::kBadBody, fmt::format("the request's body is malformed: {}", error.message())));
      if (count > 0) return count;
      if (error != http::error::need_more) continue;
    }
    TRY(continue_if_expected());
    const auto room =
        incoming_.buffer.prepare(std::min(kReceiveBytes, incoming_.buffer.max_size() - incoming_.buffer.size()));
    if (room.size() == 0) TRY(fail_with(Failure::kBadBody, "a piece of the request's body has too long a head"));
    const os::Buffer buffer{static_cast<std::byte*>(room.data()), room.size()};
    const auto received = os::receive(socket_, {&buffer, 1}, false);
    if (received) {
      if (received->bytes == 0) TRY(fail_with(Failure::kClientGone, "the request's body was cut off"));
      incoming_.buffer.commit(received->bytes);
    } else if (received.error() == std::errc::resource_unavailable_try_again) {
      if (!waits) return std::nullopt;
      TRY(wait(os::kCanRead));
    } else if (received.error() != std::errc::interrupted) {
      TRY(fail_with(Failure::kClientGone, "the client's connection failed"));
    }
  }
  return 0;
}

void Exchange::skip_body() {
  // Nothing of a body that the client was never asked to send is on its way.
  if (expects_continue_ || failure() != Failure::kNone) keeps_alive_ = keeps_alive_ && is_body_read();
  std::byte bytes[4096];
  std::size_t skipped = 0;
  while (keeps_alive_ && !is_body_read()) {
    const bool is_there = incoming_.buffer.size() > 0 || os::readable_bytes(socket_) > 0;
    const auto count = is_there && skipped < kSkippedBytes ? read(bytes) : fail(anew::ErrorCode::kIo, "there is more");
    if (!count)
      keeps_alive_ = false;
    else
      skipped += *count;
  }
}

// --- The response ---

Result<void> Exchange::respond(unsigned status, std::span<const Header> headers) {
  const auto refuse_it = [](std::string message) { return fail(anew::ErrorCode::kArgument, std::move(message)); };
  if (has_responded()) return refuse_it("there was a response already");
  if (status < 200 || status > 599)
    return refuse_it(fmt::format("{} is no status of a response: 200 to 599 are", status));
  if (headers.size() > kMaximumHeaders) return refuse_it("the response has too many fields in its header");
  std::vector<Header> kept;
  std::optional<std::uint64_t> length;
  for (const Header& header : headers) {
    if (!is_token(header.name) || !is_field_value(header.value))
      return refuse_it("the response has a field in its header that is none of HTTP's");
    if (belongs_to_connection(header.name)) continue;
    if (!is_same_name(header.name, "content-length")) {
      kept.push_back(header);
      continue;
    }
    std::uint64_t number = 0;
    const char* const end = header.value.data() + header.value.size();
    const auto [rest, error] = std::from_chars(header.value.data(), end, number);
    if (error != std::errc() || rest != end || (length && *length != number))
      return refuse_it("the response's Content-Length is no number");
    length = number;
  }
  const std::lock_guard lock(mutex_);
  headers_ = std::move(kept);
  length_ = length;
  status_ = status;
  return {};
}

void Exchange::refuse(unsigned status, std::string_view words, std::span<const Header> headers) {
  const std::lock_guard lock(mutex_);
  if (is_framed_) {
    is_cut_ = true;
    keeps_alive_ = false;
    return;
  }
  status_ = status;
  headers_.assign(headers.begin(), headers.end());
  headers_.push_back({"Content-Type", "text/plain; charset=utf-8"});
  held_ = fmt::format("{}\n", words);
  length_.reset();
  written_ = held_.size();
}

void Exchange::cut() noexcept {
  const std::lock_guard lock(mutex_);
  if (status_ == 0) status_ = kClientClosedRequest;
  is_cut_ = true;
  keeps_alive_ = false;
}

void Exchange::frame_head(bool is_last) {
  is_framed_ = true;
  const std::string_view reason = {http::obsolete_reason(http::int_to_status(status_)).data(),
                                   http::obsolete_reason(http::int_to_status(status_)).size()};
  fmt::format_to(std::back_inserter(wire_), "HTTP/1.1 {} {}\r\n", status_, reason);
  bool has_date = false;
  for (const Header& header : headers_) {
    has_date = has_date || is_same_name(header.name, "date");
    append_field(wire_, header);
  }
  if (!has_date) {
    wire_ += "Date: ";
    append_date(wire_);
    wire_ += "\r\n";
  }
  if (status_ == kNoContent || status_ == kNotModified) {
    framing_ = Framing::kNone;
  } else if (length_ || (is_last && (trailers_.empty() || head_.is_http_1_0))) {
    framing_ = Framing::kLength;
    fmt::format_to(std::back_inserter(wire_), "Content-Length: {}\r\n", length_ ? *length_ : written_);
  } else if (!head_.is_http_1_0) {
    framing_ = Framing::kChunked;
    wire_ += "Transfer-Encoding: chunked\r\n";
  } else {
    framing_ = Framing::kUntilClose;
    keeps_alive_ = false;
  }
  if (head_.method == "HEAD") framing_ = Framing::kNone;
  if (!keeps_alive_)
    wire_ += "Connection: close\r\n";
  else if (head_.is_http_1_0)
    wire_ += "Connection: keep-alive\r\n";
  wire_ += "\r\n";
  headers_.clear();
}

void Exchange::frame(bool is_last) {
  if (!is_framed_) frame_head(is_last);
  switch (framing_) {
    case Framing::kNone: break;
    case Framing::kLength:
    case Framing::kUntilClose: wire_ += held_; break;
    case Framing::kChunked:
      if (!held_.empty()) {
        fmt::format_to(std::back_inserter(wire_), "{:x}\r\n", held_.size());
        wire_ += held_;
        wire_ += "\r\n";
      }
      if (is_last) {
        wire_ += "0\r\n";
        for (const Header& trailer : trailers_) append_field(wire_, trailer);
        wire_ += "\r\n";
      }
      break;
  }
  held_.clear();
}

Result<bool> Exchange::send(bool waits) {
  while (sent_ < wire_.size()) {
    // It is only read.
    const os::Buffer buffer{reinterpret_cast<std::byte*>(wire_.data()) + sent_, wire_.size() - sent_};
    const auto sent = os::send(socket_, {&buffer, 1});
    if (sent) {
      sent_ += *sent;
    } else if (sent.error() == std::errc::resource_unavailable_try_again) {
      if (!waits) return false;
      TRY(wait(os::kCanWrite));
    } else if (sent.error() != std::errc::interrupted) {
      TRY(fail_with(Failure::kClientGone, "the client takes no more"));
    }
  }
  wire_.clear();
  sent_ = 0;
  return true;
}

Result<void> Exchange::write(std::span<const std::byte> bytes) { return write(bytes, true); }
Result<void> Exchange::add(std::span<const std::byte> bytes) { return write(bytes, false); }

Result<void> Exchange::write(std::span<const std::byte> bytes, bool waits) {
  if (!has_responded()) return fail(anew::ErrorCode::kArgument, "the response's body comes before its head");
  if (failure() != Failure::kNone) return fail(anew::ErrorCode::kIo, "the request was given up");
  const std::lock_guard lock(mutex_);
  if (length_ && head_.method != "HEAD" && bytes.size() > *length_ - written_)
    return fail(anew::ErrorCode::kArgument,
                fmt::format("the response is longer than its Content-Length, {}", *length_));
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kPieceBytes - std::min(held_.size(), kPieceBytes - 1));
    held_.append(reinterpret_cast<const char*>(bytes.data()), count);
    written_ += count;
    bytes = bytes.subspan(count);
    if (held_.size() < kPieceBytes) break;
    frame(false);
    (void)TRY(send(waits));
  }
  return {};
}

Result<bool> Exchange::push() {
  if (failure() != Failure::kNone) return fail(anew::ErrorCode::kIo, "the request was given up");
  const std::lock_guard lock(mutex_);
  return send(false);
}

Result<void> Exchange::frame_end() {
  const bool has_body = head_.method != "HEAD" && status_ != kNoContent && status_ != kNotModified;
  if (length_ && has_body && written_ != *length_) {
    is_cut_ = is_framed_;
    keeps_alive_ = keeps_alive_ && !is_cut_;
    return fail(anew::ErrorCode::kArgument,
                fmt::format("the response's Content-Length is {}, and its body had {} bytes", *length_, written_));
  }
  if (!std::exchange(is_ended_, true)) frame(true);
  return {};
}

Result<bool> Exchange::end(std::span<const Header> trailers) {
  const std::lock_guard lock(mutex_);
  if (!is_ended_) {
    for (const Header& each : trailers)
      if (is_token(each.name) && is_field_value(each.value) && !belongs_to_connection(each.name) &&
          !is_same_name(each.name, "content-length") && !is_same_name(each.name, "host"))
        trailers_.push_back(each);
  }
  TRY(frame_end());
  return send(false);
}

Result<void> Exchange::finish() {
  const std::lock_guard lock(mutex_);
  TRY(frame_end());
  const auto sent = send(true);
  if (sent) return {};
  is_cut_ = true;
  keeps_alive_ = false;
  return std::unexpected(sent.error());
}

void Exchange::tick() noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;  // it is being written to
  if (failure() != Failure::kNone) {
    if (canceller_) canceller_->cancel();
    if (give_up_) give_up_();
  }
  if (!has_responded() || failure() != Failure::kNone) return;
  try {
    if (sent_ >= wire_.size() && (!is_framed_ || !held_.empty())) frame(false);
    if (sent_ >= wire_.size()) return;
    const os::Buffer buffer{reinterpret_cast<std::byte*>(wire_.data()) + sent_, wire_.size() - sent_};  // only read
    const auto sent = os::send(socket_, {&buffer, 1});
    if (sent) sent_ += *sent;  // else the application finds out
    if (sent_ < wire_.size()) return;
    wire_.clear();
    sent_ = 0;
  } catch (const std::exception&) {
    // No memory: what is held goes with the next piece.
  }
}

}  // namespace anew::serve
