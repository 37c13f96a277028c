// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/connection.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "os/sandbox/streams.hpp"

namespace anew::serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

/// For a client to read an answer and close, while what it still sends is dropped: closing at once would reset the
/// connection, and the answer might be lost.
constexpr Clock::duration kClosingTime = std::chrono::seconds(2);
constexpr std::uint64_t kMaximumDroppedBytes = 4 << 20;
constexpr std::size_t kMaximumHeaders = 256;

std::string_view to_std(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

/// The part of a host, of a target as RFC 9112, 3.2.2 has it: "http://host/path".
std::optional<std::pair<std::string_view, std::string_view>> split_absolute(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !is_same_name(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    return std::pair(rest.substr(0, slash), rest.substr(slash));
  }
  return std::nullopt;
}

/// What may stand in a Host: RFC 3986, 3.2.2, and a port.
bool is_authority(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~%!$&'()*+,;=:[]").contains(c);
  });
}

/// A status to refuse with, and why.
struct Refusal {
  unsigned status;
  std::string_view words;
};

/// Fills what the head says. @return why it is refused, if it is.
std::optional<Refusal> read_head(const Incoming::Parser& parser, RequestHead& head) {
  const auto& message = parser.get();
  if (message.version() != 10 && message.version() != 11) return Refusal{505, "HTTP/1.1 is spoken here"};
  head.is_http_1_0 = message.version() == 10;
  head.method = to_std(message.method_string());
  if (head.method == "CONNECT") return Refusal{501, "this is no proxy"};
  std::string_view target = to_std(message.target());
  std::optional<std::string_view> host;
  for (const auto& field : message) {
    if (head.headers.size() == kMaximumHeaders) return Refusal{431, "the header has too many fields"};
    Header& header = head.headers.emplace_back();
    header.name = to_std(field.name_string());
    header.value = to_std(field.value());
    if (is_same_name(header.name, "host")) {
      if (host || !is_authority(header.value)) return Refusal{400, "the request's Host is wrong"};
      host = to_std(field.value());
    }
    // Beast's parser has seen to it that there is no length beside it.
    if (is_same_name(header.name, "transfer-encoding") && (head.is_http_1_0 || !is_same_name(header.value, "chunked")))
      return Refusal{head.is_http_1_0 ? 400u : 501u, "the request's Transfer-Encoding is not chunked"};
  }
  if (!host && !head.is_http_1_0) return Refusal{400, "the request has no Host"};
  if (host) head.authority = *host;
  if (const auto parts = split_absolute(target)) {
    if (parts->first.empty() || !is_authority(parts->first)) return Refusal{400, "the request's target is wrong"};
    head.authority = parts->first;
    target = parts->second;
    if (!target.starts_with('/')) head.target = "/";
  } else if (!target.starts_with('/') && target != "*") {
    return Refusal{400, "the request's target is no path"};
  }
  head.target += target;
  if (const auto length = parser.content_length(); length && !parser.chunked()) head.content_length = *length;
  return std::nullopt;
}

/// Beast takes any byte within quotes. But others may take a line feed there for the end of the line, and what is
/// behind it for the chunk: a request within a request.
void check_extensions(std::uint64_t /*size*/, boost::beast::string_view extensions, error_code& error) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  if (std::ranges::any_of(extensions, is_control)) error = http::error::bad_chunk_extension;
}

Refusal refusal_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return {431, "the header is too large"};
  if (error == http::error::body_limit) return {413, "the request's body is too large"};
  if (error == http::error::bad_version) return {505, "HTTP/1.1 is spoken here"};
  return {400, "this is no request"};
}

}  // namespace

Connection::Connection(Host& host, Loop& loop, asio::ip::tcp::socket socket, bool is_admin)
    : host_(host),
      loop_(loop),
      socket_(std::move(socket)),
      is_admin_(is_admin),
      deadline_((Clock::now() + host.idle_time).time_since_epoch().count()) {
  const std::lock_guard lock(loop_.tenants.mutex);
  place_ = loop_.tenants.connections.insert(loop_.tenants.connections.end(), this);
}

Connection::~Connection() {
  const std::lock_guard lock(loop_.tenants.mutex);
  loop_.tenants.connections.erase(place_);
}

void Connection::begin() {
  error_code error;
  const auto remote = socket_.remote_endpoint(error);
  if (error) return;  // gone already
  const auto local = socket_.local_endpoint(error);
  if (error) return;
  client_address_ = remote.address().to_string();
  client_port_ = remote.port();
  server_port_ = local.port();
  socket_.non_blocking(true, error);
  // What is written is whole pieces: none is to wait for another.
  if (!error) socket_.set_option(asio::ip::tcp::no_delay(true), error);
  is_idle_ = true;
  if (!error && !host_.is_draining()) receive_more();
}

bool Connection::set_deadline(Clock::time_point deadline) noexcept {
  return deadline_.exchange(deadline == Clock::time_point::max() ? kServing : deadline.time_since_epoch().count()) !=
         kExpired;
}

bool Connection::expire(Clock::rep seen) noexcept {
  if (!deadline_.compare_exchange_strong(seen, kExpired)) return false;
  static_cast<void>(os::shut_down(socket_.native_handle(), true, false));  // its wait ends
  return true;
}

void Connection::look(Clock::time_point now) noexcept {
  const Clock::rep deadline = deadline_.load();
  if (deadline != kExpired && deadline <= now.time_since_epoch().count()) static_cast<void>(expire(deadline));
}

void Connection::close_if_idle() noexcept {
  const Clock::rep deadline = deadline_.load();
  if (is_idle_ && deadline != kExpired && deadline != kServing) static_cast<void>(expire(deadline));
}

void Connection::receive_more() {
  const std::lock_guard lock(socket_mutex_);
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    if (error) return;  // the last one to know of it: the connection closes
    try {
      if (self->is_closing_)
        self->drop_rest();
      else
        self->on_readable();
    } catch (const std::exception&) {
      // No memory for this one.
    }
  });
}

void Connection::on_readable() {
  const std::size_t room = std::min(kReceiveBytes, incoming_.buffer.max_size() - incoming_.buffer.size());
  const auto space = incoming_.buffer.prepare(room);
  const os::Buffer buffer{static_cast<std::byte*>(space.data()), space.size()};
  const auto received = os::receive(socket_.native_handle(), {&buffer, 1}, false);
  if (!received) {
    const bool again =
        received.error() == std::errc::resource_unavailable_try_again || received.error() == std::errc::interrupted;
    if (again) receive_more();
    return;
  }
  incoming_.buffer.commit(received->bytes);
  if (received->bytes == 0) {
    const bool is_late = deadline_.load() == kExpired;
    if (is_late && !is_idle_) refuse(408, "the request's header took too long");
    return;
  }
  if (is_idle_.exchange(false) && !set_deadline(Clock::now() + host_.header_time)) return;
  advance();
}

void Connection::advance() {
  auto& buffer = incoming_.buffer;
  if (!incoming_.parser) {
    // RFC 9112, 2.2: an empty line before a request is none.
    const auto begin = [&buffer] {
      return std::string_view(static_cast<const char*>(buffer.data().data()), buffer.size());
    };
    while (begin().starts_with("\r\n")) buffer.consume(2);
    if (begin().empty() || begin() == "\r") return receive_more();
    incoming_.parser.emplace();
    incoming_.parser->header_limit(static_cast<std::uint32_t>(kMaximumHeadBytes));  // it fits
    incoming_.parser->body_limit(host_.maximum_body_bytes);
    incoming_.parser->eager(false);
    incoming_.parser->on_chunk_header(check_extensions);
  }
  error_code error;
  buffer.consume(incoming_.parser->put(buffer.data(), error));
  if (error == http::error::need_more || (!error && !incoming_.parser->is_header_done())) {
    if (buffer.size() >= kMaximumHeadBytes) return refuse(431, "the header is too large");
    return receive_more();
  }
  if (error) {
    const Refusal refusal = refusal_of(error);
    return refuse(refusal.status, refusal.words);
  }
  serve();
}

void Connection::serve() {
  if (!set_deadline(Clock::time_point::max())) return;
  RequestHead head;
  head.client_address = client_address_;
  head.client_port = client_port_;
  head.server_port = server_port_;
  const auto refusal = read_head(*incoming_.parser, head);
  incoming_.parser->get().base().clear();  // what comes into it from here on are trailers
  Exchange& exchange =
      exchange_.emplace(loop_, socket_.native_handle(), incoming_, std::move(head), Clock::now() + host_.timeout,
                        [weak = weak_from_this()](short wanted, std::function<void()> then) {
                          if (const auto self = weak.lock()) self->when_ready(wanted, std::move(then));
                        });
  if (refusal) {
    exchange.close_behind_it();
    exchange.refuse(refusal->status, refusal->words);
    static_cast<void>(exchange.finish());
    loop_.metrics.add_response(refusal->status, Clock::now() - exchange.begin());
    return answered();
  }
  if (host_.is_draining()) exchange.close_behind_it();
  host_.answer(exchange, is_admin_, [self = shared_from_this()] { self->answered(); });
}

void Connection::answered() {
  exchange_->skip_body();
  const bool keeps_alive = exchange_->keeps_alive();
  const bool is_cut = exchange_->is_cut();
  exchange_.reset();
  after(keeps_alive, is_cut);
}

void Connection::when_ready(short wanted, std::function<void()> then) {
  // In the loop, for whoever asks may be in a guest on another thread.
  asio::post(loop_.context(), [self = shared_from_this(), wanted, then = std::move(then)]() mutable {
    const auto kind = wanted == os::kCanRead ? asio::ip::tcp::socket::wait_read : asio::ip::tcp::socket::wait_write;
    const std::lock_guard lock(self->socket_mutex_);
    self->socket_.async_wait(kind, [self, then = std::move(then)](const error_code&) { then(); });
  });
}

void Connection::refuse(unsigned status, std::string_view words) {
  // The parser may be in any state: it is asked for nothing but whether the connection goes on.
  if (!incoming_.parser) incoming_.parser.emplace();
  {
    Exchange exchange(loop_, socket_.native_handle(), incoming_, {}, Clock::now() + kClosingTime);
    exchange.close_behind_it();
    exchange.refuse(status, words);
    static_cast<void>(exchange.finish());
    loop_.metrics.add_response(status, Clock::now() - exchange.begin());
  }
  after(false, false);
}

void Connection::after(bool keeps_alive, bool is_cut) {
  incoming_.parser.reset();
  error_code ignored;
  if (is_cut) {
    // Reset, so that the client does not take what came for the whole.
    const std::lock_guard lock(socket_mutex_);
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
    return;
  }
  if (!keeps_alive || host_.is_draining()) {
    is_closing_ = true;
    incoming_.buffer.clear();
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    deadline_ = (Clock::now() + kClosingTime).time_since_epoch().count();
    return drop_rest();
  }
  if (incoming_.buffer.size() > 0) {
    // Another request is there already: behind what others have to do.
    deadline_ = (Clock::now() + host_.header_time).time_since_epoch().count();
    asio::post(loop_.context(), [self = shared_from_this()] {
      try {
        self->advance();
      } catch (const std::exception&) {
        // No memory for this one.
      }
    });
    return;
  }
  if (incoming_.buffer.capacity() > kReceiveBytes) incoming_.buffer.shrink_to_fit();
  deadline_ = (Clock::now() + host_.idle_time).time_since_epoch().count();
  is_idle_ = true;
  receive_more();
}

void Connection::drop_rest() {
  std::byte bytes[4096];
  const os::Buffer buffer{bytes, sizeof bytes};
  for (;;) {
    const auto received = os::receive(socket_.native_handle(), {&buffer, 1}, false);
    if (received && received->bytes == 0) return;
    if (received) {
      dropped_bytes_ += received->bytes;
      if (dropped_bytes_ > kMaximumDroppedBytes) return;
    } else if (received.error() == std::errc::resource_unavailable_try_again) {
      return receive_more();
    } else if (received.error() != std::errc::interrupted) {
      return;
    }
  }
}

}  // namespace anew::serve
