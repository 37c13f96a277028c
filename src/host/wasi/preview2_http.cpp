// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:http/types`.
#include "host/wasi/preview2_http.hpp"

#include <algorithm>
#include <limits>

#include "host/wasi/http_syntax.hpp"

namespace anew::wasi::detail::preview2 {
namespace {

using component::Bytes;
using component::Case;
using http::ErrorCode;
using http::Failure;

// Fields.

/// `header-error`.
enum class HeaderError : std::uint8_t { kInvalidSyntax, kForbidden, kImmutable };
Result<Value> to_value(Call& /*call*/, HeaderError&& error) { return Case(static_cast<std::uint32_t>(error)); }
template <typename T>
using FieldsAnswer = Answer<T, HeaderError>;
using Headers = std::shared_ptr<FieldsEntry>;

std::string to_string(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // bytes
}
Bytes to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
bool is_named(const http::Field& field, std::string_view name) { return http::are_equal_names(field.name, name); }

std::expected<void, HeaderError> check_name(std::string_view name) {
  if (!http::is_token(name)) return std::unexpected(HeaderError::kInvalidSyntax);
  if (http::is_forbidden(name)) return std::unexpected(HeaderError::kForbidden);
  return {};
}
std::expected<void, HeaderError> check_change(const FieldsEntry& fields, std::string_view name) {
  TRY(check_name(name));
  if (!fields.is_mutable) return std::unexpected(HeaderError::kImmutable);
  return {};
}
std::expected<http::Field, HeaderError> make_field(std::string_view name, const Bytes& value) {
  http::Field field{std::string(name), to_string(value)};
  if (!http::is_field_value(field.value)) return std::unexpected(HeaderError::kInvalidSyntax);
  return field;
}

Result<Headers> fields_constructor(Call& call) {
  auto list = TRY(make_fields(call.state, {}));
  return std::make_shared<FieldsEntry>(std::move(list), true);
}

FieldsAnswer<Headers> fields_from_list(Call& call, Values entries) {
  http::Fields fields;
  for (const Value& entry : entries) {
    const auto& pair = entry.as<Values>();
    const auto& name = pair.at(0).as<std::string>();
    TRY(check_name(name));
    http::Field field = TRY(make_field(name, pair.at(1).as<Bytes>()));
    fields.push_back(std::move(field));
  }
  auto list = TRY(make_fields(call.state, std::move(fields)));
  return std::make_shared<FieldsEntry>(std::move(list), true);
}

Values fields_get(Call& /*call*/, Headers fields, std::string name) {
  Values values;
  for (const http::Field& field : fields->list->all())
    if (is_named(field, name)) values.push_back(to_bytes(field.value));
  return values;
}

bool fields_has(Call& /*call*/, Headers fields, std::string name) {
  return std::ranges::any_of(fields->list->all(), [&](const http::Field& field) { return is_named(field, name); });
}

http::Fields without(const FieldsEntry& fields, std::string_view name) {
  http::Fields left = fields.list->all();
  std::erase_if(left, [&](const http::Field& field) { return is_named(field, name); });
  return left;
}

FieldsAnswer<void> fields_set(Call& /*call*/, Headers fields, std::string name, Values values) {
  TRY(check_change(*fields, name));
  http::Fields changed = without(*fields, name);
  for (const Value& value : values) {
    http::Field field = TRY(make_field(name, value.as<Bytes>()));
    changed.push_back(std::move(field));
  }
  TRY(fields->list->set(std::move(changed)));
  return {};
}

FieldsAnswer<void> fields_delete(Call& /*call*/, Headers fields, std::string name) {
  TRY(check_change(*fields, name));
  TRY(fields->list->set(without(*fields, name)));
  return {};
}

FieldsAnswer<void> fields_append(Call& /*call*/, Headers fields, std::string name, Bytes value) {
  TRY(check_change(*fields, name));
  http::Field field = TRY(make_field(name, value));
  TRY(fields->list->add(std::move(field)));
  return {};
}

Values fields_entries(Call& /*call*/, Headers fields) {
  Values entries;
  for (const http::Field& field : fields->list->all())
    entries.push_back(Values{to_utf8(field.name), to_bytes(field.value)});
  return entries;
}

Result<Headers> fields_clone(Call& call, Headers fields) {
  auto list = TRY(make_fields(call.state, fields->list->all()));
  return std::make_shared<FieldsEntry>(std::move(list), true);
}

/// Of a message: a child that cannot be changed.
template <typename Message>
Headers headers(Call& /*call*/, std::shared_ptr<Message> message) {
  return std::make_shared<FieldsEntry>(message->headers, false);
}

/// What a message's constructor takes over. A guest that lends the fields it gives away cannot change them any more.
std::shared_ptr<FieldList> taken(const Own<FieldsEntry>& fields) { return fields.entry->list; }

// `method` and `scheme`.

constexpr std::array<std::string_view, 9> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
constexpr std::array<std::string_view, 2> kSchemes = {"http", "https"};

/// One of the names is its case; all else is the last case, with the name.
template <std::size_t kCount>
Value to_case(const std::array<std::string_view, kCount>& names, std::string_view text) {
  const auto* const found = std::ranges::find(names, text);
  const auto index = static_cast<std::uint32_t>(found - names.begin());
  return found == names.end() ? Case(index, to_utf8(text)) : Case(index);
}
template <std::size_t kCount>
std::string from_case(const std::array<std::string_view, kCount>& names, const Case& value) {
  return value.index < kCount ? std::string(names[value.index]) : value.payload->as<std::string>();
}
std::optional<Value> to_scheme(const std::optional<std::string>& scheme) {
  if (!scheme) return std::nullopt;
  return to_case(kSchemes, *scheme);
}
std::optional<std::string> to_text(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return to_utf8(*text);
}

// Requests, of both kinds.

template <typename Request>
Value method(Call& /*call*/, std::shared_ptr<Request> request) {
  return to_case(kMethods, request->message.method);
}
template <typename Request>
std::optional<std::string> path_with_query(Call& /*call*/, std::shared_ptr<Request> request) {
  return to_text(request->message.path);
}
template <typename Request>
std::optional<Value> scheme(Call& /*call*/, std::shared_ptr<Request> request) {
  return to_scheme(request->message.scheme);
}
template <typename Request>
std::optional<std::string> authority(Call& /*call*/, std::shared_ptr<Request> request) {
  return to_text(request->message.authority);
}

using Checked = Answer<void, Nothing>;

Result<std::shared_ptr<OutgoingRequest>> outgoing_request(Call& /*call*/, Own<FieldsEntry> fields) {
  return std::make_shared<OutgoingRequest>(taken(fields));
}
Checked set_method(Call& /*call*/, std::shared_ptr<OutgoingRequest> request, Case method) {
  std::string name = from_case(kMethods, method);
  if (!http::is_token(name)) return refuse();
  request->message.method = std::move(name);
  return {};
}
/// Sets one of the strings of a request that may be absent.
Checked set_text(std::optional<std::string>& text, std::optional<std::string> value,
                 bool (*is_valid)(std::string_view) noexcept) {
  if (value && !is_valid(*value)) return refuse();
  text = std::move(value);
  return {};
}
Checked set_path_with_query(Call& /*call*/, std::shared_ptr<OutgoingRequest> request, std::optional<std::string> path) {
  return set_text(request->message.path, std::move(path), http::is_path_with_query);
}
Checked set_scheme(Call& /*call*/, std::shared_ptr<OutgoingRequest> request, std::optional<Case> scheme) {
  std::optional<std::string> name;
  if (scheme) name = from_case(kSchemes, *scheme);
  return set_text(request->message.scheme, std::move(name), http::is_scheme);
}
Checked set_authority(Call& /*call*/, std::shared_ptr<OutgoingRequest> request, std::optional<std::string> authority) {
  return set_text(request->message.authority, std::move(authority), http::is_authority);
}

// Responses.

std::uint16_t incoming_status(Call& /*call*/, std::shared_ptr<IncomingResponse> response) {
  return response->message.status;
}
std::shared_ptr<OutgoingResponse> outgoing_response(Call& /*call*/, Own<FieldsEntry> fields) {
  return std::make_shared<OutgoingResponse>(taken(fields));
}
std::uint16_t outgoing_status(Call& /*call*/, std::shared_ptr<OutgoingResponse> response) {
  return response->message.status;
}
Checked set_status(Call& /*call*/, std::shared_ptr<OutgoingResponse> response, std::uint16_t status) {
  constexpr std::uint16_t kFirst = 100;
  constexpr std::uint16_t kLast = 999;
  if (status < kFirst || status > kLast) return refuse();
  response->message.status = status;
  return {};
}

/// Informational responses are not sent.
Answer<void, Failure> send_informational(Call& /*call*/, std::shared_ptr<ResponseOutparam> /*outparam*/,
                                         std::uint16_t status, Own<FieldsEntry> /*headers*/) {
  constexpr std::uint16_t kFirst = 100;
  constexpr std::uint16_t kLast = 199;
  if (status < kFirst || status > kLast) return std::unexpected(Failure{.code = ErrorCode::kHttpProtocolError});
  return std::unexpected(Failure{.text = "informational responses are not sent"});
}

void set_response(Call& call, Own<ResponseOutparam> outparam, Case result) {
  if (result.index != 0) {
    outparam.entry->respond(std::unexpected(to_failure(result.payload->as<Case>())));
    return;
  }
  const auto response = Argument<Own<OutgoingResponse>>::of(call, *result.payload).entry;
  // A final one.
  constexpr std::uint16_t kFirstFinal = 200;
  if (response->message.status < kFirstFinal) {
    outparam.entry->respond(std::unexpected(
        Failure{.code = ErrorCode::kHttpProtocolError, .text = "a status of 1xx is no final response"}));
    return;
  }
  outparam.entry->respond(sent(*response));
}

// Bodies that are read.

class BodyInput final : public InputStream {
 public:
  explicit BodyInput(std::shared_ptr<BodyReader> reader) : reader_(std::move(reader)) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    waiting.for_waker();
    return reader_->body().available() > 0 || reader_->body().end() != http::Body::End::kOpen;
  }

 private:
  [[nodiscard]] StreamAnswer<Bytes> do_read(Call& /*call*/, std::size_t most) override {
    http::Body& body = reader_->body();
    Bytes bytes(std::min(most, body.available()));
    if (!bytes.empty()) {
      bytes.resize(body.read(bytes));
      return bytes;
    }
    switch (body.end()) {
      case http::Body::End::kOpen: break;
      case http::Body::End::kFinished: return std::unexpected(Closed());
      case http::Body::End::kFailed: return std::unexpected(body.failure());
    }
    return Bytes();
  }

  std::shared_ptr<BodyReader> reader_;
};

/// `incoming-body`.
class IncomingBody final : public Entry {
 public:
  explicit IncomingBody(std::shared_ptr<BodyReader> end) : reader(std::move(end)) {}
  const std::shared_ptr<BodyReader> reader;
  bool has_given_stream = false;
  std::weak_ptr<InputStream> stream;
};

/// `future-trailers`.
class FutureTrailers final : public Awaitable {
 public:
  explicit FutureTrailers(std::shared_ptr<BodyReader> reader) : reader_(std::move(reader)) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    waiting.for_waker();
    return has_ended();
  }
  /// Drops what the guest did not read, since the trailers are behind it.
  [[nodiscard]] bool has_ended() const {
    std::array<std::byte, 4096> dropped;
    while (reader_->body().read(dropped) > 0) {
    }
    return reader_->body().end() != http::Body::End::kOpen;
  }
  [[nodiscard]] http::Body& body() const noexcept { return reader_->body(); }
  bool was_taken = false;

 private:
  std::shared_ptr<BodyReader> reader_;
};

template <typename Message>
Answer<std::shared_ptr<IncomingBody>, Nothing> consume(Call& /*call*/, std::shared_ptr<Message> message) {
  if (message->body == nullptr) return refuse();
  return std::make_shared<IncomingBody>(std::exchange(message->body, nullptr));
}

Answer<std::shared_ptr<InputStream>, Nothing> body_stream(Call& /*call*/, std::shared_ptr<IncomingBody> body) {
  if (std::exchange(body->has_given_stream, true)) return refuse();
  auto stream = std::make_shared<BodyInput>(body->reader);
  body->stream = stream;
  return stream;
}

Result<std::shared_ptr<FutureTrailers>> finish_incoming(Call& /*call*/, Own<IncomingBody> body) {
  if (!body.entry->stream.expired()) return trap("incoming-body.finish while its stream is there");
  return std::make_shared<FutureTrailers>(body.entry->reader);
}

template <typename T>
std::shared_ptr<Pollable> subscribe(Call& /*call*/, std::shared_ptr<T> future) {
  return std::make_shared<Pollable>(std::move(future));
}

/// An option of what can be taken once, a result of it; inside is a result again.
Value taken_already() { return component::some(component::error()); }
Value taken_now(Value result) { return component::some(component::ok(std::move(result))); }

Result<Value> get_trailers(Call& call, std::shared_ptr<FutureTrailers> future) {
  if (!future->has_ended()) return component::none();
  if (std::exchange(future->was_taken, true)) return taken_already();
  if (future->body().end() == http::Body::End::kFailed) {
    Value failure = TRY(to_value(call, future->body().failure()));
    return taken_now(component::error(std::move(failure)));
  }
  http::Fields fields = permitted(future->body().trailers());
  if (fields.empty()) return taken_now(component::ok(component::none()));
  auto list = TRY(make_fields(call.state, std::move(fields)));
  Value trailers = TRY(to_value(call, std::make_shared<FieldsEntry>(std::move(list), false)));
  return taken_now(component::ok(component::some(std::move(trailers))));
}

// Bodies that are written.

class BodyOutput final : public OutputStream {
 public:
  explicit BodyOutput(std::shared_ptr<BodyWriter> writer) : writer_(std::move(writer)) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    waiting.for_waker();
    return writer_->body()->is_abandoned() || writer_->body()->room() > 0;
  }

 private:
  [[nodiscard]] StreamAnswer<std::uint64_t> do_check(Call& /*call*/) override {
    if (writer_->body()->is_abandoned()) return std::unexpected(Closed());
    return writer_->body()->room();
  }
  [[nodiscard]] StreamAnswer<void> do_write(Call& /*call*/, std::span<const std::byte> bytes) override {
    TRY(writer_->write(bytes));
    return {};
  }

  std::shared_ptr<BodyWriter> writer_;
};

/// `outgoing-body`.
class OutgoingBody final : public Entry {
 public:
  explicit OutgoingBody(std::shared_ptr<BodyWriter> end) : writer(std::move(end)) {}
  const std::shared_ptr<BodyWriter> writer;
  bool has_given_stream = false;
  std::weak_ptr<OutputStream> stream;
};

template <typename Message, ErrorCode kWrongLength>
Answer<std::shared_ptr<OutgoingBody>, Nothing> body(Call& call, std::shared_ptr<Message> message) {
  if (message->body != nullptr) return refuse();
  const http::ContentLength length = http::content_length(message->headers->all());
  if (!length.is_valid) return refuse();
  auto writer = std::make_shared<BodyWriter>(call.state, length.bytes, kWrongLength);
  if (!writer->has_room()) return trap("the instance has too many bodies");
  message->body = writer->body();
  return std::make_shared<OutgoingBody>(std::move(writer));
}

Answer<std::shared_ptr<OutputStream>, Nothing> body_write(Call& /*call*/, std::shared_ptr<OutgoingBody> body) {
  if (std::exchange(body->has_given_stream, true)) return refuse();
  auto stream = std::make_shared<BodyOutput>(body->writer);
  body->stream = stream;
  return stream;
}

Answer<void, Failure> finish_outgoing(Call& /*call*/, Own<OutgoingBody> body,
                                      std::optional<Own<FieldsEntry>> trailers) {
  if (!body.entry->stream.expired()) return trap("outgoing-body.finish while its stream is there");
  TRY(body.entry->writer->finish(trailers ? trailers->entry->list->all() : http::Fields()));
  return {};
}

// Options of requests: durations in nanoseconds.

class RequestOptions final : public Entry {
 public:
  http::RequestTimes times;
};
std::shared_ptr<RequestOptions> request_options(Call& /*call*/) { return std::make_shared<RequestOptions>(); }
using Time = std::optional<std::chrono::nanoseconds> http::RequestTimes::*;
template <Time kTime>
std::optional<std::uint64_t> time(Call& /*call*/, std::shared_ptr<RequestOptions> options) {
  const auto& set = options->times.*kTime;
  if (!set) return std::nullopt;
  return static_cast<std::uint64_t>(set->count());  // not negative
}
template <Time kTime>
Checked set_time(Call& /*call*/, std::shared_ptr<RequestOptions> options, std::optional<std::uint64_t> duration) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  auto& set = options->times.*kTime;
  set.reset();
  if (duration) set = std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(*duration, kMost)));
  return {};
}

std::optional<Failure> http_error_code(Call& /*call*/, std::shared_ptr<StreamFailure> failure) {
  const auto* const reason = std::get_if<Failure>(&failure->reason());
  if (reason == nullptr) return std::nullopt;
  return *reason;
}

// Requests that guests make.

/// What a client's thread and the guest's share.
class Arrival {
 public:
  explicit Arrival(std::shared_ptr<Waker> waker) : waker_(std::move(waker)) {}
  void take(http::Outcome<http::Response> response) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(has_arrived_, true)) return;
      if (!is_abandoned_) {
        response_ = std::move(response);
        response = std::unexpected(http::Failure());
      }
    }
    drop(response);
    waker_->wake();
  }
  [[nodiscard]] bool has_arrived() const {
    const std::lock_guard lock(mutex_);
    return has_arrived_;
  }
  /// Once.
  [[nodiscard]] http::Outcome<http::Response> response() {
    const std::lock_guard lock(mutex_);
    return *std::exchange(response_, std::nullopt);
  }
  void abandon() {
    std::optional<http::Outcome<http::Response>> dropped;
    {
      const std::lock_guard lock(mutex_);
      is_abandoned_ = true;
      dropped.swap(response_);
    }
    if (dropped) drop(*dropped);
  }

 private:
  /// Without the lock: who writes the body is told.
  static void drop(const http::Outcome<http::Response>& response) {
    if (response && response->body != nullptr) response->body->abandon();
  }

  mutable std::mutex mutex_;
  bool has_arrived_ = false;
  bool is_abandoned_ = false;
  std::optional<http::Outcome<http::Response>> response_;
  std::shared_ptr<Waker> waker_;
};

/// `future-incoming-response`.
class FutureResponse final : public Awaitable {
 public:
  explicit FutureResponse(std::shared_ptr<Arrival> of) : arrival(std::move(of)) {}
  ~FutureResponse() override { arrival->abandon(); }
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    waiting.for_waker();
    return arrival->has_arrived();
  }
  const std::shared_ptr<Arrival> arrival;
  bool was_taken = false;
};

Result<Value> get_response(Call& call, std::shared_ptr<FutureResponse> future) {
  if (!future->arrival->has_arrived()) return component::none();
  if (std::exchange(future->was_taken, true)) return taken_already();
  http::Outcome<http::Response> response = future->arrival->response();
  if (!response) {
    Value failure = TRY(to_value(call, std::move(response.error())));
    return taken_now(component::error(std::move(failure)));
  }
  auto incoming = TRY(make_incoming(call.state, std::move(*response)));
  Value taken = TRY(to_value(call, std::move(incoming)));
  return taken_now(component::ok(std::move(taken)));
}

Answer<std::shared_ptr<FutureResponse>, Failure> send(Call& call, const http::Options& options,
                                                      Own<OutgoingRequest> request,
                                                      std::optional<Own<RequestOptions>> request_options) {
  http::Request message = sent(*request.entry);
  if (!message.scheme) message.scheme = "https";
  if (*message.scheme != kSchemes[0] && *message.scheme != kSchemes[1])
    return std::unexpected(Failure{.code = ErrorCode::kHttpProtocolError, .text = std::nullopt});
  if (!message.authority) return std::unexpected(Failure{.code = ErrorCode::kHttpRequestUriInvalid});
  if (options.client == nullptr || !http::is_allowed(options, *message.scheme, *message.authority))
    return std::unexpected(Failure{.code = ErrorCode::kHttpRequestDenied});
  auto arrival = std::make_shared<Arrival>(call.state.waker);
  options.client->send(std::move(message), request_options ? request_options->entry->times : http::RequestTimes(),
                       [arrival](http::Outcome<http::Response> response) { arrival->take(std::move(response)); });
  return std::make_shared<FutureResponse>(std::move(arrival));
}

void define_fields(Interface& types) {
  types.resource("fields");
  types.function<fields_constructor>("[constructor]fields");
  types.function<fields_from_list>("[static]fields.from-list");
  types.function<fields_get>("[method]fields.get");
  types.function<fields_has>("[method]fields.has");
  types.function<fields_set>("[method]fields.set");
  types.function<fields_delete>("[method]fields.delete");
  types.function<fields_append>("[method]fields.append");
  types.function<fields_entries>("[method]fields.entries");
  types.function<fields_clone>("[method]fields.clone");
}

void define_incoming(Interface& types) {
  types.resource("incoming-request");
  types.function<method<IncomingRequest>>("[method]incoming-request.method");
  types.function<path_with_query<IncomingRequest>>("[method]incoming-request.path-with-query");
  types.function<scheme<IncomingRequest>>("[method]incoming-request.scheme");
  types.function<authority<IncomingRequest>>("[method]incoming-request.authority");
  types.function<headers<IncomingRequest>>("[method]incoming-request.headers");
  types.function<consume<IncomingRequest>>("[method]incoming-request.consume");
  types.resource("incoming-response");
  types.function<incoming_status>("[method]incoming-response.status");
  types.function<headers<IncomingResponse>>("[method]incoming-response.headers");
  types.function<consume<IncomingResponse>>("[method]incoming-response.consume");
  types.resource("incoming-body");
  types.function<body_stream>("[method]incoming-body.stream");
  types.function<finish_incoming>("[static]incoming-body.finish");
  types.resource("future-trailers");
  types.function<subscribe<FutureTrailers>>("[method]future-trailers.subscribe");
  types.function<get_trailers>("[method]future-trailers.get");
}

void define_outgoing(Interface& types) {
  types.resource("outgoing-request");
  types.function<outgoing_request>("[constructor]outgoing-request");
  types.function<body<OutgoingRequest, ErrorCode::kHttpRequestBodySize>>("[method]outgoing-request.body");
  types.function<method<OutgoingRequest>>("[method]outgoing-request.method");
  types.function<set_method>("[method]outgoing-request.set-method");
  types.function<path_with_query<OutgoingRequest>>("[method]outgoing-request.path-with-query");
  types.function<set_path_with_query>("[method]outgoing-request.set-path-with-query");
  types.function<scheme<OutgoingRequest>>("[method]outgoing-request.scheme");
  types.function<set_scheme>("[method]outgoing-request.set-scheme");
  types.function<authority<OutgoingRequest>>("[method]outgoing-request.authority");
  types.function<set_authority>("[method]outgoing-request.set-authority");
  types.function<headers<OutgoingRequest>>("[method]outgoing-request.headers");
  types.resource("request-options");
  types.function<request_options>("[constructor]request-options");
  types.function<time<&http::RequestTimes::connect>>("[method]request-options.connect-timeout");
  types.function<set_time<&http::RequestTimes::connect>>("[method]request-options.set-connect-timeout");
  types.function<time<&http::RequestTimes::first_byte>>("[method]request-options.first-byte-timeout");
  types.function<set_time<&http::RequestTimes::first_byte>>("[method]request-options.set-first-byte-timeout");
  types.function<time<&http::RequestTimes::between_bytes>>("[method]request-options.between-bytes-timeout");
  types.function<set_time<&http::RequestTimes::between_bytes>>("[method]request-options.set-between-bytes-timeout");
  types.resource("response-outparam");
  types.function<send_informational>("[method]response-outparam.send-informational");
  types.function<set_response>("[static]response-outparam.set");
  types.resource("outgoing-response");
  types.function<outgoing_response>("[constructor]outgoing-response");
  types.function<outgoing_status>("[method]outgoing-response.status-code");
  types.function<set_status>("[method]outgoing-response.set-status-code");
  types.function<headers<OutgoingResponse>>("[method]outgoing-response.headers");
  types.function<body<OutgoingResponse, ErrorCode::kHttpResponseBodySize>>("[method]outgoing-response.body");
  types.resource("outgoing-body");
  types.function<body_write>("[method]outgoing-body.write");
  types.function<finish_outgoing>("[static]outgoing-body.finish");
  types.resource("future-incoming-response");
  types.function<subscribe<FutureResponse>>("[method]future-incoming-response.subscribe");
  types.function<get_response>("[method]future-incoming-response.get");
}

}  // namespace

void define_http(component::Linker& linker, const http::Options& options) {
  Interface types(linker, "wasi:http/types@0.2.0");
  define_fields(types);
  define_incoming(types);
  define_outgoing(types);
  types.function<http_error_code>("http-error-code");
  Interface(linker, "wasi:http/outgoing-handler@0.2.0")
      .function("handle", [options](Call& call, Own<OutgoingRequest> request,
                                    std::optional<Own<RequestOptions>> request_options) {
        return send(call, options, std::move(request), std::move(request_options));
      });
}

}  // namespace anew::wasi::detail::preview2

namespace anew::wasi::http {

Result<void> define(component::Linker& linker, const Options& options) {
  for (const std::string& host : options.allowed_hosts)
    if (!is_host_pattern(host))
      return anew::fail(
          anew::ErrorCode::kArgument,
          "the allowed host \"" + host + "\": write a name, maybe with a port or \"*.\" before it, or \"*\"");
  if (!options.allowed_hosts.empty() && options.client == nullptr)
    return anew::fail(anew::ErrorCode::kArgument, "hosts are allowed without a client that makes requests to them");
  detail::preview2::define_http(linker, options);
  return {};
}

}  // namespace anew::wasi::http
