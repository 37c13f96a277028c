// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>  // which Asio's coroutines forget

#include "host/wasi/http_syntax.hpp"

namespace anew::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = asio::ssl;
namespace http = wasi::http;
using asio::ip::tcp;
using boost::system::error_code;
using Task = asio::awaitable<void>;
using Code = http::ErrorCode;
using Parser = beast::http::response_parser<beast::http::buffer_body>;

constexpr std::size_t kPieceBytes = 16 << 10;
constexpr std::uint32_t kMostHeaderBytes = 64 << 10;
/// For a guest to begin the body of a request that most often has none.
constexpr auto kBodyPatience = std::chrono::seconds(1);
constexpr unsigned kFirstFinalStatus = 200;

/// What a coroutine waits for and other threads tell. Told once or many times in between is the same.
class Signal : public std::enable_shared_from_this<Signal> {
 public:
  explicit Signal(asio::io_context& context) : context_(context), timer_(context) {}

  /// For Body::on_readable and on_writable.
  [[nodiscard]] std::function<void()> teller() {
    return [signal = shared_from_this()] {
      asio::post(signal->context_, [signal] {
        signal->is_told_ = true;
        signal->timer_.cancel();
      });
    };
  }
  /// @return whether it was told before the time was over.
  asio::awaitable<bool> wait(std::chrono::nanoseconds time) {
    if (!is_told_) {
      timer_.expires_after(time);
      error_code ignored;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return std::exchange(is_told_, false);
  }

 private:
  asio::io_context& context_;
  asio::steady_timer timer_;
  bool is_told_ = false;  ///< looked at by the client's thread alone
};

constexpr auto kForEver = std::chrono::hours(24 * 365);

/// What a request becomes when it fails.
struct Failed : std::exception {
  explicit Failed(http::Failure its) : failure(std::move(its)) {}
  http::Failure failure;
};
[[noreturn]] void fail_with(Code code) { throw Failed({code}); }

http::Failure to_failure(const error_code& error) {
  if (error.category() == asio::error::get_ssl_category()) return {Code::kTlsProtocolError};
  if (error == asio::error::connection_refused) return {Code::kConnectionRefused};
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable)
    return {Code::kDestinationIpUnroutable};
  // Without TLS's goodbye what ends with the connection may have been cut by anybody.
  if (error == beast::http::error::partial_message || error == ssl::error::stream_truncated)
    return {Code::kHttpResponseIncomplete};
  if (error == beast::http::error::header_limit) return {Code::kHttpResponseHeaderSectionSize};
  if (error.category() == make_error_code(beast::http::error::bad_value).category() &&
      error != beast::http::error::end_of_stream)
    return {Code::kHttpProtocolError};
  return {Code::kConnectionTerminated};
}

/// One request, on its connection.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(asio::io_context& context, ssl::context& tls, const HttpClientOptions& options, http::Request request,
           const http::RequestTimes& times, http::TakeResponse take)
      : context_(context),
        tls_(tls),
        request_(std::move(request)),
        take_(std::move(take)),
        connect_time_(std::min(times.connect.value_or(options.connect_timeout), options.connect_timeout)),
        answer_time_(std::min(times.first_byte.value_or(options.answer_timeout), options.answer_timeout)),
        body_time_(std::min(times.between_bytes.value_or(options.body_timeout), options.body_timeout)),
        timer_(context),
        resolver_(context),
        readable_(std::make_shared<Signal>(context)),
        writable_(std::make_shared<Signal>(context)) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  /// The bodies may last longer than the client.
  ~Exchange() {
    if (request_.body) request_.body->on_readable({});
    if (response_body_) response_body_->on_writable({});
  }

  Task run() {
    const auto self = shared_from_this();
    http::Failure failure;
    try {
      co_await exchange();
      finish();
      co_return;
    } catch (const Failed& failed) {
      failure = failed.failure;
    } catch (const boost::system::system_error& error) {
      failure = expired_ ? http::Failure{*expired_} : to_failure(error.code());
    } catch (const std::exception& exception) {
      failure = {Code::kInternalError, exception.what()};
    }
    finish();
    if (response_body_) response_body_->fail(failure);
    if (const auto take = std::exchange(take_, nullptr)) take(std::unexpected(failure));
  }

 private:
  void finish() noexcept {
    timer_.cancel();
    error_code ignored;
    if (socket_) socket_->close(ignored);
    is_over_ = true;
    if (request_.body) request_.body->abandon();
  }

  /// From now on for so long; then all that waits for the connection fails with this.
  void expect_within(std::chrono::nanoseconds time, Code code) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this(), code](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->expired_ = code;
      self->resolver_.cancel();
      error_code ignored;
      if (self->socket_) self->socket_->close(ignored);
    });
  }

  Task exchange() {
    const auto authority = http::split_authority(*request_.authority);
    if (!authority) fail_with(Code::kHttpRequestUriInvalid);
    const bool is_secure = *request_.scheme == "https";
    std::string host(authority->host);
    if (host.starts_with('['))
      host = host.substr(1, host.size() - 2);  // it is an authority: the other bracket is there
    const std::string port(authority->port.empty() ? (is_secure ? "443" : "80") : authority->port);

    expect_within(connect_time_, Code::kConnectionTimeout);
    error_code error;
    const auto addresses =
        co_await resolver_.async_resolve(host, port, asio::redirect_error(asio::use_awaitable, error));
    if (error) fail_with(expired_ ? Code::kDnsTimeout : Code::kDnsError);
    tcp::socket socket(context_);
    socket_ = &socket;
    const Detach detach{*this};
    co_await asio::async_connect(socket, addresses, asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    if (!is_secure) co_return co_await speak(socket);

    ssl::stream<tcp::socket&> stream(socket, tls_);
    stream.set_verify_mode(ssl::verify_peer);
    stream.set_verify_callback(ssl::host_name_verification(host));
    // Of names only (RFC 6066, 3).
    error_code is_name;
    asio::ip::make_address(host, is_name);
    if (is_name && SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1)
      fail_with(Code::kTlsProtocolError);
    co_await stream.async_handshake(ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
    if (error && SSL_get_verify_result(stream.native_handle()) != X509_V_OK) fail_with(Code::kTlsCertificateError);
    if (error) throw boost::system::system_error(error);
    co_await speak(stream);
  }

  template <typename Stream>
  Task speak(Stream& stream) {
    expect_within(answer_time_, Code::kConnectionReadTimeout);
    beast::http::request<beast::http::buffer_body> message;
    message.version(11);
    message.method_string(request_.method);
    message.target(request_.path.value_or("/"));
    message.set(beast::http::field::host, *request_.authority);
    for (const http::Field& field : request_.headers) message.insert(field.name, field.value);
    message.set(beast::http::field::connection, "close");
    co_await decide_framing(message);

    // The answer may come before all of the body is sent, and end it.
    const auto is_sent = std::make_shared<Signal>(context_);
    bool is_sending = true;
    asio::co_spawn(
        context_,
        [this, self = shared_from_this(), &stream, &message, &is_sending, is_sent]() -> Task {
          try {
            co_await send(stream, message);
          } catch (const Failed& failed) {
            upload_failure_ = failed.failure;
            error_code ignored;
            if (socket_) socket_->close(ignored);
          } catch (const std::exception&) {
            // The response says what the server makes of it, or is missing as well.
          }
          is_sending = false;
          is_sent->teller()();
        },
        asio::detached);
    std::exception_ptr thrown;
    try {
      co_await receive(stream);
    } catch (...) {
      thrown = std::current_exception();
    }
    finish();  // so that sending ends
    readable_->teller()();
    while (is_sending) co_await is_sent->wait(kForEver);
    if (thrown && upload_failure_) throw Failed(*upload_failure_);
    if (thrown) std::rethrow_exception(thrown);
  }

  /// A length that the guest gave, chunks, or no body at all.
  template <typename Message>
  Task decide_framing(Message& message) {
    message.body().data = nullptr;
    message.body().more = true;
    if (request_.body == nullptr) {
      message.body().more = false;
      co_return;
    }
    request_.body->on_readable(readable_->teller());
    if (message.has_content_length()) co_return;
    if (is_body_untold()) co_await readable_->wait(kBodyPatience);
    if (request_.body->end() == http::Body::End::kFinished && request_.body->trailers().empty()) {
      message.body().more = false;
      if (request_.method != "GET" && request_.method != "HEAD") message.content_length(0);
      co_return;
    }
    message.chunked(true);
  }
  [[nodiscard]] bool is_body_untold() const {
    return request_.body->end() == http::Body::End::kOpen && request_.body->available() == 0;
  }

  template <typename Stream, typename Message>
  Task send(Stream& stream, Message& message) {
    beast::http::request_serializer<beast::http::buffer_body> serializer(message);
    const bool has_body = message.body().more;
    error_code error;
    co_await beast::http::async_write_header(stream, serializer, asio::use_awaitable);
    std::array<std::byte, kPieceBytes> piece;
    if (message.chunked()) {
      while (const std::size_t count = co_await next_piece(piece)) {
        const auto chunk = beast::http::make_chunk(asio::buffer(piece.data(), count));
        co_await asio::async_write(stream, chunk, asio::use_awaitable);
      }
      if (is_over_) co_return;
      beast::http::fields trailers;
      for (const http::Field& field : request_.body->trailers()) trailers.insert(field.name, field.value);
      co_await asio::async_write(stream, beast::http::make_chunk_last(trailers), asio::use_awaitable);
      co_return;
    }
    while (has_body && !serializer.is_done()) {
      const std::size_t count = co_await next_piece(piece);
      if (is_over_) co_return;
      message.body().data = count == 0 ? nullptr : piece.data();
      message.body().size = count;
      message.body().more = count != 0;
      co_await beast::http::async_write(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
      if (error && error != beast::http::error::need_buffer) co_return;
    }
  }
  /// Of the request's body. @return 0 at its end, and if all is over.
  asio::awaitable<std::size_t> next_piece(std::span<std::byte> piece) {
    for (;;) {
      const std::size_t count = request_.body->read(piece);
      const http::Body::End end = request_.body->end();
      if (count > 0 || end == http::Body::End::kFinished) co_return count;
      if (end == http::Body::End::kFailed) fail_with(Code::kInternalError);
      co_await readable_->wait(kForEver);
      if (is_over_) co_return 0;
    }
  }

  template <typename Stream>
  Task receive(Stream& stream) {
    beast::flat_buffer buffer(kMostHeaderBytes);
    std::optional<Parser> parser;
    do {  // others are news, such as 100
      parser.emplace();
      parser->header_limit(kMostHeaderBytes);
      parser->body_limit(std::numeric_limits<std::uint64_t>::max());  // Beast 1.74 takes none for 0
      parser->skip(request_.method == "HEAD");
      co_await beast::http::async_read_header(stream, buffer, *parser, asio::use_awaitable);
    } while (parser->get().result_int() < kFirstFinalStatus);

    http::Response response{.status = static_cast<std::uint16_t>(parser->get().result_int())};  // three digits
    for (const auto& field : parser->get()) response.headers.push_back(to_field(field));
    std::erase_if(response.headers, [](const http::Field& field) { return http::is_forbidden(field.name); });
    parser->get().base().clear();  // what comes into it from here on are trailers
    response_body_ = response.body = std::make_shared<http::Body>();
    response_body_->on_writable(writable_->teller());
    std::exchange(take_, nullptr)(std::move(response));

    std::array<std::byte, kPieceBytes> piece;
    while (!parser->is_done() && !response_body_->is_abandoned()) {
      expect_within(body_time_, Code::kConnectionReadTimeout);
      auto& body = parser->get().body();
      body.data = piece.data();
      body.size = piece.size();
      body.more = true;
      error_code error;
      co_await beast::http::async_read_some(stream, buffer, *parser, asio::redirect_error(asio::use_awaitable, error));
      if (error && error != beast::http::error::need_buffer) throw boost::system::system_error(error);
      timer_.cancel();  // the guest may take its time
      std::span<const std::byte> rest(piece.data(), piece.size() - body.size);
      while (!rest.empty()) {
        rest = rest.subspan(response_body_->write(rest));
        if (!rest.empty()) co_await writable_->wait(kForEver);
      }
    }
    http::Fields trailers;
    for (const auto& field : parser->get()) trailers.push_back(to_field(field));
    std::erase_if(trailers, [](const http::Field& field) { return http::is_forbidden(field.name); });
    response_body_->finish(std::move(trailers));
  }

  template <typename Field>
  static http::Field to_field(const Field& field) {
    const auto name = field.name_string();
    const auto value = field.value();
    return {std::string(name.data(), name.size()), std::string(value.data(), value.size())};
  }

  /// Nobody closes a socket that is gone.
  struct Detach {
    Exchange& exchange;
    ~Detach() { exchange.socket_ = nullptr; }
  };

  asio::io_context& context_;
  ssl::context& tls_;
  const http::Request request_;
  http::TakeResponse take_;  ///< empty once it was called
  const std::chrono::nanoseconds connect_time_;
  const std::chrono::nanoseconds answer_time_;
  const std::chrono::nanoseconds body_time_;
  asio::steady_timer timer_;
  tcp::resolver resolver_;
  tcp::socket* socket_ = nullptr;  ///< while there is one
  std::optional<Code> expired_;
  std::optional<http::Failure> upload_failure_;
  bool is_over_ = false;
  const std::shared_ptr<Signal> readable_;  ///< of the request's body
  const std::shared_ptr<Signal> writable_;  ///< of the response's
  std::shared_ptr<http::Body> response_body_;
};

class HttpClient final : public http::Client {
 public:
  explicit HttpClient(const HttpClientOptions& options) : options_(options) {
    tls_.set_default_verify_paths();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~HttpClient() override {
    context_.stop();
    thread_.join();
  }

  void send(http::Request request, const http::RequestTimes& times, http::TakeResponse take) override {
    if (connections_.fetch_add(1) >= options_.maximum_connections) {
      --connections_;
      return take(std::unexpected(http::Failure{Code::kConnectionLimitReached}));
    }
    const auto exchange =
        std::make_shared<Exchange>(context_, tls_, options_, std::move(request), times, std::move(take));
    asio::post(context_, [this, exchange] {
      asio::co_spawn(
          context_, [exchange] { return exchange->run(); }, [this](const std::exception_ptr&) { --connections_; });
    });
  }

 private:
  const HttpClientOptions options_;
  std::atomic<std::uint32_t> connections_ = 0;
  ssl::context tls_{ssl::context::tls_client};
  asio::io_context context_{1};  ///< behind what its handlers refer to
  asio::executor_work_guard<asio::io_context::executor_type> goes_on_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace

Result<std::shared_ptr<http::Client>> make_http_client(const HttpClientOptions& options) {
  try {
    return std::make_shared<HttpClient>(options);
  } catch (const std::exception& exception) {
    return fail(ErrorCode::kResource, fmt::format("a client for the guests' requests: {}", exception.what()));
  }
}

}  // namespace anew::serve
