// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bodies and errors of `wasi:http`, beneath its functions.
#include <algorithm>

#include "host/wasi/http_syntax.hpp"
#include "host/wasi/preview2_http.hpp"

namespace anew::wasi::detail::preview2 {

using http::ErrorCode;
using http::Failure;

Result<Value> to_value(Call& /*call*/, Failure&& failure) {
  const auto text = [&] { return failure.text ? component::some(to_utf8(*failure.text)) : component::none(); };
  const auto index = static_cast<std::uint32_t>(failure.code);
  switch (failure.code) {
    case ErrorCode::kDnsError: return component::Case(index, Values{text(), component::none()});
    case ErrorCode::kTlsAlertReceived: return component::Case(index, Values{component::none(), text()});
    case ErrorCode::kHttpRequestBodySize:
    case ErrorCode::kHttpRequestHeaderSectionSize:
    case ErrorCode::kHttpRequestHeaderSize:
    case ErrorCode::kHttpRequestTrailerSectionSize:
    case ErrorCode::kHttpResponseHeaderSectionSize:
    case ErrorCode::kHttpResponseBodySize:
    case ErrorCode::kHttpResponseTrailerSectionSize: return component::Case(index, component::none());
    case ErrorCode::kHttpRequestTrailerSize:
    case ErrorCode::kHttpResponseHeaderSize:
    case ErrorCode::kHttpResponseTrailerSize:
      return component::Case(index, Values{component::none(), component::none()});
    case ErrorCode::kHttpResponseTransferCoding:
    case ErrorCode::kHttpResponseContentCoding:
    case ErrorCode::kInternalError: return component::Case(index, text());
    default: return component::Case(index);
  }
}

Failure to_failure(const component::Case& error) {
  Failure failure{.code = static_cast<ErrorCode>(error.index), .text = std::nullopt};  // the same order
  if (failure.code == ErrorCode::kInternalError || failure.code == ErrorCode::kHttpResponseTransferCoding ||
      failure.code == ErrorCode::kHttpResponseContentCoding) {
    const auto& option = error.payload->as<component::Case>();
    if (option.index == 1) failure.text = option.payload->as<std::string>();
  }
  return failure;
}

namespace {

std::uint64_t bytes_of(const http::Field& field) noexcept {
  constexpr std::uint64_t kBeside = 64;
  return field.name.size() + field.value.size() + kBeside;
}
std::unexpected<Error> too_many_fields() { return trap("the instance holds too many bytes of header fields"); }

}  // namespace

Result<void> FieldList::set(http::Fields fields) {
  std::uint64_t bytes = 0;
  for (const http::Field& field : fields) bytes += bytes_of(field);
  if (!charge_.set(bytes)) return too_many_fields();
  fields_ = std::move(fields);
  return {};
}

Result<void> FieldList::add(http::Field field) {
  if (!charge_.set(charge_.amount() + bytes_of(field))) return too_many_fields();
  fields_.push_back(std::move(field));
  return {};
}

Result<std::shared_ptr<FieldList>> make_fields(Preview2& state, http::Fields fields) {
  auto list = std::make_shared<FieldList>(state.bytes);
  TRY(list->set(std::move(fields)));
  return list;
}

http::Fields permitted(http::Fields fields) {
  std::erase_if(fields, [](const http::Field& field) { return http::is_forbidden(field.name); });
  return fields;
}

BodyReader::BodyReader(Preview2& state, std::shared_ptr<http::Body> body) : body_(std::move(body)) {
  body_->on_readable([waker = state.waker] { waker->wake(); });
}
BodyReader::~BodyReader() {
  body_->on_readable({});
  body_->abandon();
}

BodyWriter::BodyWriter(Preview2& state, std::optional<std::uint64_t> length, ErrorCode wrong_length)
    : length_(length), wrong_length_(wrong_length), charge_(state.bytes) {
  body_->on_writable([waker = state.waker] { waker->wake(); });
}
BodyWriter::~BodyWriter() {
  body_->on_writable({});
  body_->fail({.code = ErrorCode::kInternalError, .text = "the component did not finish the body"});
}

http::Outcome<void> BodyWriter::write(std::span<const std::byte> bytes) {
  if (length_ && bytes.size() > *length_ - written_) {
    const Failure failure{.code = wrong_length_};
    body_->fail(failure);
    return std::unexpected(failure);
  }
  written_ += bytes.size();
  (void)body_->write(bytes);  // there is room
  return {};
}

http::Outcome<void> BodyWriter::finish(http::Fields trailers) {
  if (length_ && written_ != *length_) {
    const Failure failure{.code = wrong_length_};
    body_->fail(failure);
    return std::unexpected(failure);
  }
  body_->finish(std::move(trailers));
  return {};
}

}  // namespace anew::wasi::detail::preview2
