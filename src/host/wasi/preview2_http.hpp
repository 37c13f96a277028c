// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What `wasi:http` keeps for a lease: fields, requests and responses with their bodies.
#pragma once

#include <anew/wasi_http.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/wasi/preview2_streams.hpp"

namespace anew::wasi::detail::preview2 {

[[nodiscard]] Result<Value> to_value(Call& call, http::Failure&& failure);
[[nodiscard]] http::Failure to_failure(const component::Case& error);

/// Fields, which count against what a lease may hold.
class FieldList {
 public:
  explicit FieldList(Budget& budget) noexcept : charge_(budget) {}
  /// Makes them others. @return what ends the call: there are too many.
  [[nodiscard]] Result<void> set(http::Fields fields);
  [[nodiscard]] const http::Fields& all() const noexcept { return fields_; }
  [[nodiscard]] Result<void> add(http::Field field);

 private:
  http::Fields fields_;
  Charge charge_;
};

/// `fields`.
class FieldsEntry final : public Entry {
 public:
  FieldsEntry(std::shared_ptr<FieldList> fields, bool can_change) : list(std::move(fields)), is_mutable(can_change) {}
  const std::shared_ptr<FieldList> list;
  const bool is_mutable;
};
[[nodiscard]] Result<std::shared_ptr<FieldList>> make_fields(Preview2& state, http::Fields fields);
/// Without what guests do not see.
[[nodiscard]] http::Fields permitted(http::Fields fields);

/// The guest's end of a body that it reads: what nobody holds any more is abandoned.
class BodyReader {
 public:
  BodyReader(Preview2& state, std::shared_ptr<http::Body> body);
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  ~BodyReader();
  [[nodiscard]] http::Body& body() const noexcept { return *body_; }

 private:
  std::shared_ptr<http::Body> body_;
};

/// The guest's end of a body that it writes: what nobody holds any more, and was not finished, has failed.
class BodyWriter {
 public:
  /// @param length  of `content-length`. @param wrong_length  what it is to write another number of bytes.
  BodyWriter(Preview2& state, std::optional<std::uint64_t> length, http::ErrorCode wrong_length);
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;
  ~BodyWriter();
  /// @return whether the lease may hold one more.
  [[nodiscard]] bool has_room() noexcept { return charge_.set(http::Body::kCapacity); }
  [[nodiscard]] const std::shared_ptr<http::Body>& body() const noexcept { return body_; }
  /// As much as there is room for.
  [[nodiscard]] http::Outcome<void> write(std::span<const std::byte> bytes);
  [[nodiscard]] http::Outcome<void> finish(http::Fields trailers);

 private:
  std::shared_ptr<http::Body> body_ = std::make_shared<http::Body>();
  std::optional<std::uint64_t> length_;
  std::uint64_t written_ = 0;
  http::ErrorCode wrong_length_;
  Charge charge_;
};

/// `incoming-request`, `incoming-response`.
template <typename Message>
class Incoming final : public Entry {
 public:
  Incoming(Message rest, std::shared_ptr<FieldList> fields, std::shared_ptr<BodyReader> reader)
      : message(std::move(rest)), headers(std::move(fields)), body(std::move(reader)) {}
  const Message message;  ///< its headers and body are the others
  const std::shared_ptr<FieldList> headers;
  std::shared_ptr<BodyReader> body;  ///< null once it was consumed
};
using IncomingRequest = Incoming<http::Request>;
using IncomingResponse = Incoming<http::Response>;

template <typename Message>
[[nodiscard]] Result<std::shared_ptr<Incoming<Message>>> make_incoming(Preview2& state, Message message) {
  auto headers = TRY(make_fields(state, permitted(std::exchange(message.headers, {}))));
  auto body = std::exchange(message.body, nullptr);
  if (body == nullptr) body = std::make_shared<http::Body>(std::string());
  return std::make_shared<Incoming<Message>>(std::move(message), std::move(headers),
                                             std::make_shared<BodyReader>(state, std::move(body)));
}

/// `outgoing-request`, `outgoing-response`.
template <typename Message>
class Outgoing final : public Entry {
 public:
  explicit Outgoing(std::shared_ptr<FieldList> fields) : headers(std::move(fields)) {}
  Message message;  ///< its headers and body are the others
  const std::shared_ptr<FieldList> headers;
  std::shared_ptr<http::Body> body;  ///< null until the guest took it
};
using OutgoingRequest = Outgoing<http::Request>;
using OutgoingResponse = Outgoing<http::Response>;

/// What goes out. A body that the guest did not take is none.
template <typename Message>
[[nodiscard]] Message sent(Outgoing<Message>& outgoing) {
  Message message = std::move(outgoing.message);
  message.headers = outgoing.headers->all();
  message.body = outgoing.body != nullptr ? std::move(outgoing.body) : std::make_shared<http::Body>(std::string());
  return message;
}

/// What handle() and the guest's response-outparam share.
struct Exchange {
  http::Respond respond;                       ///< empty once it was called, or handle() is over
  std::shared_ptr<http::Body> body = nullptr;  ///< of the response
};

/// `response-outparam`.
class ResponseOutparam final : public Entry {
 public:
  explicit ResponseOutparam(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  void respond(http::Outcome<http::Response> response) {
    if (!exchange_->respond) return;
    if (response) exchange_->body = response->body;
    std::exchange(exchange_->respond, nullptr)(std::move(response));
  }

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace anew::wasi::detail::preview2
