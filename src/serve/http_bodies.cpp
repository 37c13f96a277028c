// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/http_bodies.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/post.hpp>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include "os/sandbox/streams.hpp"
#include "serve/loop.hpp"

namespace anew::serve {

namespace http = wasi::http;

void BodyOnItsWay::go_on() noexcept {
  const std::lock_guard lock(mutex_);
  if (exchange_ != nullptr && !waits_) pass_on();
}

void BodyOnItsWay::wait(short wanted) {
  exchange_->when_ready(wanted, [self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      self->waits_ = false;
    }
    self->go_on();
  });
  waits_ = true;
}

void Upload::begin() {
  // Called amid what reads the body: the loop is to go on with it.
  body_->on_writable([weak = weak_from_this(), this, &loop = exchange_->loop()] {
    boost::asio::post(loop.context(), [weak, this] {
      if (const auto self = weak.lock()) go_on();
    });
  });
  go_on();
}

void Upload::end() noexcept {
  body_->on_writable({});
  const std::lock_guard lock(mutex_);
  if (!is_read_) exchange_->stop_reading();
  exchange_ = nullptr;
}

void Upload::pass_on() noexcept {
  try {
    std::array<std::byte, Exchange::kPieceBytes> bytes;
    while (!is_over_ && !body_->is_abandoned()) {
      if (rest_.empty()) {
        const auto count = exchange_->read_now(bytes);
        if (!count) return fail({http::ErrorCode::kConnectionTerminated, count.error().message});
        if (!*count) return wait(os::kCanRead);
        if (**count == 0) {
          is_over_ = is_read_ = true;
          http::Fields trailers;
          for (const Header& each : exchange_->trailers())
            if (!http::is_forbidden(each.name)) trailers.push_back({each.name, each.value});
          return body_->finish(std::move(trailers));
        }
        const std::span<const std::byte> read = std::span(bytes).first(**count);
        const std::size_t taken = body_->write(read);
        rest_.assign(read.begin() + static_cast<std::ptrdiff_t>(taken), read.end());  // no more than was read
      } else {
        const std::size_t taken = body_->write(rest_);
        if (taken == 0) return;  // on_writable goes on
        rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(taken));
      }
    }
  } catch (const std::exception&) {
    fail({});
  }
}

void Upload::fail(http::Failure failure) {
  body_->fail(std::move(failure));
  is_over_ = true;
}

void Download::begin(http::Outcome<http::Response> response) {
  const std::lock_guard lock(mutex_);
  if (!response) {
    result_ = anew::fail(ErrorCode::kHost,
                         fmt::format("the guest answered with the error {}{}{}", http::to_string(response.error().code),
                                     response.error().text ? ": " : "", response.error().text.value_or("")));
    return;
  }
  std::vector<Header> headers;
  for (http::Field& field : response->headers) headers.push_back({std::move(field.name), std::move(field.value)});
  result_ = exchange_->respond(response->status, headers);
  body_ = std::move(response->body);
  // Called amid what writes the body, on the guest's thread.
  body_->on_readable([weak = weak_from_this(), this] {
    if (const auto self = weak.lock()) go_on();
  });
  pass_on();
}

Result<bool> Download::finish() {
  const std::lock_guard lock(mutex_);
  if (body_ != nullptr && result_) {
    if (!waits_) pass_on();
    if (result_ && body_->end() == http::Body::End::kOpen) return false;
    if (result_ && body_->end() != http::Body::End::kFinished)
      result_ = anew::fail(ErrorCode::kHost, "the guest did not finish the response's body");
  }
  if (!result_) return std::unexpected(result_.error());
  if (!exchange_->has_responded()) return anew::fail(ErrorCode::kHost, "the guest gave no response");
  std::vector<Header> trailers;
  for (const http::Field& field : body_->trailers()) trailers.push_back({field.name, field.value});
  return exchange_->end(trailers);
}

void Download::end() noexcept {
  const std::lock_guard lock(mutex_);
  if (body_ != nullptr) body_->on_readable({});
  exchange_ = nullptr;
}

void Download::pass_on() noexcept {
  std::byte bytes[4096];
  try {
    while (result_) {
      const auto is_sent = exchange_->push();
      if (!is_sent) {
        result_ = std::unexpected(is_sent.error());
      } else if (!*is_sent) {
        return wait(os::kCanWrite);
      } else {
        const std::size_t count = body_->read(bytes);
        if (count == 0) return;
        result_ = exchange_->add({bytes, count});
      }
    }
    body_->abandon();
  } catch (const std::exception& exception) {
    result_ = anew::fail(ErrorCode::kResource, exception.what());
  }
}

}  // namespace anew::serve
