// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// wasi:http of WASI 0.2: what a component handles requests with, and makes them with. The model alone (fields,
// requests, responses, bodies): who speaks HTTP gives requests to handle() and gets the responses. Of libanew_wasi.
//
//   anew::component::Linker linker;
//   anew::wasi::define(linker, {}).value();        // streams, clocks and so on
//   anew::wasi::http::define(linker);
//   anew::component::Pool pool = anew::component::Pool::create(component, linker).value();
//   anew::component::Function handler = anew::wasi::http::find_handler(pool).value();
//   anew::component::Lease lease = pool.acquire().value();
//   auto body = std::make_shared<anew::wasi::http::Body>();
//   body->finish();
//   auto done = anew::wasi::http::handle(lease, handler, {.method = "GET", .path = "/", .body = body},
//                                        [](anew::wasi::http::Outcome<anew::wasi::http::Response> response) { ... });
#pragma once

#include <anew/component/component.hpp>
#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::wasi::http {

/// A field of a header or trailer: a name in whatever letters, and a value of bytes. They keep their order.
struct Field {
  std::string name;
  std::string value;
  bool operator==(const Field&) const = default;
};
using Fields = std::vector<Field>;

/// `error-code` of wasi:http/types, in its order.
enum class ErrorCode : std::uint8_t {
  kDnsTimeout,
  kDnsError,
  kDestinationNotFound,
  kDestinationUnavailable,
  kDestinationIpProhibited,
  kDestinationIpUnroutable,
  kConnectionRefused,
  kConnectionTerminated,
  kConnectionTimeout,
  kConnectionReadTimeout,
  kConnectionWriteTimeout,
  kConnectionLimitReached,
  kTlsProtocolError,
  kTlsCertificateError,
  kTlsAlertReceived,
  kHttpRequestDenied,
  kHttpRequestLengthRequired,
  kHttpRequestBodySize,
  kHttpRequestMethodInvalid,
  kHttpRequestUriInvalid,
  kHttpRequestUriTooLong,
  kHttpRequestHeaderSectionSize,
  kHttpRequestHeaderSize,
  kHttpRequestTrailerSectionSize,
  kHttpRequestTrailerSize,
  kHttpResponseIncomplete,
  kHttpResponseHeaderSectionSize,
  kHttpResponseHeaderSize,
  kHttpResponseBodySize,
  kHttpResponseTrailerSectionSize,
  kHttpResponseTrailerSize,
  kHttpResponseTransferCoding,
  kHttpResponseContentCoding,
  kHttpResponseTimeout,
  kHttpUpgradeFailed,
  kHttpProtocolError,
  kLoopDetected,
  kConfigurationError,
  kInternalError,
};
/// As WIT has it: "HTTP-request-denied".
[[nodiscard]] ANEW_API std::string_view to_string(ErrorCode code) noexcept;

/// Why there is no response, or a body is cut off. Payloads of the code that are no text are left out.
struct Failure {
  ErrorCode code = ErrorCode::kInternalError;
  std::optional<std::string> text = std::nullopt;  ///< of kInternalError and the like
};
template <typename T>
using Outcome = std::expected<T, Failure>;

/// A body on its way: a bounded stream of bytes between two threads, a guest's and the host's, and the trailers behind
/// it. One side writes and ends it, the other reads; none of its functions waits. Thread-safe.
class ANEW_API Body {
 public:
  enum class End : std::uint8_t {
    kOpen,      ///< more may come
    kFinished,  ///< all bytes were read, and trailers() is good
    kFailed,    ///< failure() says why; bytes that were not read are gone
  };
  static constexpr std::size_t kCapacity = 64 << 10;

  /// @param capacity  bytes that are kept at most.
  explicit Body(std::size_t capacity = kCapacity) noexcept : capacity_(capacity) {}
  /// One that is finished, and holds these bytes, however many.
  explicit Body(std::string bytes, Fields trailers = {});
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body() = default;

  // For the side that writes.
  /// @return how many bytes it took: no more than there is room for, all (and drops them) if nobody reads any more.
  std::size_t write(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t room() const;
  /// No more bytes come. Nothing if it has ended already.
  void finish(Fields trailers = {});
  /// Whether the reader takes no more: what is written is dropped.
  [[nodiscard]] bool is_abandoned() const;

  // For the side that reads.
  /// @return how many bytes it filled: none at the end, or if none are there yet.
  std::size_t read(std::span<std::byte> bytes);
  /// Bytes that read() has now.
  [[nodiscard]] std::size_t available() const;
  [[nodiscard]] End end() const;
  /// At kFinished.
  [[nodiscard]] Fields trailers() const;
  /// At kFailed.
  [[nodiscard]] Failure failure() const;
  /// Reads no more: the other side finds it abandoned.
  void abandon();

  /// For both: it ends here, cut off. Nothing if it has ended already.
  void fail(Failure failure);

  /// What is called when bytes, the end or a failure came where the reader had found nothing: on the writer's thread,
  /// without a lock, and maybe once more than needed. It must not throw. An empty one ends that; the function that was
  /// there may still be running then.
  void on_readable(std::function<void()> function);
  /// The same for the writer: there is room where there was none, or nobody reads any more; on the reader's thread.
  void on_writable(std::function<void()> function);

 private:
  using Notify = std::function<void()>;

  [[nodiscard]] std::size_t unread() const noexcept { return bytes_.size() - first_; }

  mutable std::mutex mutex_;
  std::string bytes_;      ///< from first_ on
  std::size_t first_ = 0;  ///< bytes that were read
  std::size_t capacity_ = kCapacity;
  End end_ = End::kOpen;  ///< as the writer has it: kFinished while there are bytes left
  bool is_abandoned_ = false;
  Fields trailers_;
  Failure failure_;
  std::shared_ptr<const Notify> on_readable_;
  std::shared_ptr<const Notify> on_writable_;
};

/// A request, to a component or by one. Fields that say how a message travels (`connection`, `transfer-encoding`,
/// `upgrade`, `host` and the like: is_forbidden) are no part of it; those of a request to a component are left out.
struct Request {
  std::string method = "GET";
  std::optional<std::string> scheme = std::nullopt;  ///< "http", "https"
  std::optional<std::string> authority = std::nullopt;
  std::optional<std::string> path = std::nullopt;  ///< with the query: "/a?b=c"
  Fields headers = {};
  std::shared_ptr<Body> body = nullptr;  ///< never null of a component's; null is empty
};

/// A response, of a component or to one.
struct Response {
  std::uint16_t status = 200;
  Fields headers = {};
  std::shared_ptr<Body> body = nullptr;  ///< never null of a component's; null is empty
};

/// Whether guests cannot set, and do not see, fields of that name.
[[nodiscard]] ANEW_API bool is_forbidden(std::string_view name) noexcept;

/// Takes the response of a handler, on the guest's thread, as soon as the guest has one: once at most. The guest goes
/// on meanwhile, and writes the body: what is not finished when its lease goes is a body that failed.
using Respond = std::function<void(Outcome<Response>)>;

/// What a component's `wasi:http/incoming-handler` is. @return kNotFound if it exports none.
[[nodiscard]] ANEW_API Result<component::Function> find_handler(const component::Pool& pool);
[[nodiscard]] ANEW_API Result<component::Function> find_handler(const component::Lease& lease);

/// Has a component handle a request: returns when the guest's function has. Bodies that it did not end have failed by
/// then. A deadline, a Canceller (Lease::core) or Pool::shutdown ends it, also while it waits for a body.
/// @return what it trapped with, whether it responded before or not; kArgument if the linker of its pool has no
/// wasi:http. A guest that returns without a response is no error: `respond` was not called.
[[nodiscard]] ANEW_API Result<void> handle(component::Lease& lease, const component::Function& handler, Request request,
                                           Respond respond);

/// handle() of a lease that goes with it: the guest's call is left while it waits (component::Lease::start). Resume the
/// call until it is done, or let this go to give it up.
class ANEW_API Handling {
 public:
  /// @return kArgument as handle().
  [[nodiscard]] static Result<Handling> begin(component::Lease lease, const component::Function& handler,
                                              Request request, Respond respond);
  Handling(Handling&&) noexcept;
  Handling& operator=(Handling&&) noexcept;
  ~Handling();

  [[nodiscard]] component::Call& call() noexcept { return call_; }
  /// Of a call that is done. @return as handle(); the lease, to be used again.
  [[nodiscard]] Result<component::Lease> end();

 private:
  struct Bodies;
  friend Result<void> handle(component::Lease& lease, const component::Function& handler, Request request,
                             Respond respond);
  Handling(std::unique_ptr<Bodies> bodies, component::Call call) noexcept;
  std::unique_ptr<Bodies> bodies_;
  component::Call call_;  ///< goes before the bodies, which end what the guest has left open
};

/// Times that a guest gives to a request; the client may have shorter ones.
struct RequestTimes {
  std::optional<std::chrono::nanoseconds> connect = std::nullopt;
  std::optional<std::chrono::nanoseconds> first_byte = std::nullopt;
  std::optional<std::chrono::nanoseconds> between_bytes = std::nullopt;
};

/// Takes the response to a request that a guest made: once, from any thread. May be kept for longer than the lease.
using TakeResponse = std::function<void(Outcome<Response>)>;

/// Makes requests for guests. send() is called by the threads of all leases and does not wait. A guest that gives up
/// abandons the response's body, and fails the request's.
class ANEW_API Client {
 public:
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;
  virtual void send(Request request, const RequestTimes& times, TakeResponse take) = 0;
};

/// What define() gives. The defaults let guests handle requests and make none.
struct Options {
  /// "example.org", "example.org:8443", "*.example.org", "*": to all others `HTTP-request-denied`. A name without a
  /// port is for the port of the scheme; "*" for all.
  std::vector<std::string> allowed_hosts = {};
  std::shared_ptr<Client> client = nullptr;  ///< needed if hosts are allowed
};

/// Defines `wasi:http/types` and `wasi:http/outgoing-handler`, behind wasi::define with the same linker.
/// @return kArgument for hosts without a client, or names that are none.
[[nodiscard]] ANEW_API Result<void> define(component::Linker& linker, const Options& options = {});

}  // namespace anew::wasi::http
