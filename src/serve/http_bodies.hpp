// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bodies of a request to a component and of its response, on their way between an Exchange and the guest: passed on
// as either side takes them, by handlers in the loop and by the guest's thread, none of which waits.
#pragma once

#include <anew/error.hpp>
#include <anew/wasi_http.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "serve/exchange.hpp"

namespace anew::serve {

/// What both ways have in common: one thread at a time passes on, until end().
class BodyOnItsWay : public std::enable_shared_from_this<BodyOnItsWay> {
 public:
  BodyOnItsWay(const BodyOnItsWay&) = delete;
  BodyOnItsWay& operator=(const BodyOnItsWay&) = delete;
  virtual ~BodyOnItsWay() = default;

 protected:
  explicit BodyOnItsWay(Exchange& exchange) : exchange_(&exchange) {}

  /// Passes on what there is, unless that waits for the socket or is over.
  void go_on() noexcept;
  /// Goes on when the socket can be read or written (os::kCanRead, kCanWrite). With the lock.
  void wait(short wanted);
  /// With the lock, while there is an exchange.
  virtual void pass_on() noexcept = 0;

  std::mutex mutex_;
  Exchange* exchange_;  ///< null behind end()
  bool waits_ = false;  ///< for the socket
};

/// A request's body, read as it comes and the guest takes it.
class Upload final : public BodyOnItsWay {
 public:
  Upload(Exchange& exchange, std::shared_ptr<wasi::http::Body> body) : BodyOnItsWay(exchange), body_(std::move(body)) {}

  void begin();
  /// Before the exchange goes. What was not read then closes the connection.
  void end() noexcept;

 private:
  void pass_on() noexcept override;
  void fail(wasi::http::Failure failure);

  const std::shared_ptr<wasi::http::Body> body_;
  std::vector<std::byte> rest_;  ///< that was read, and the body has no room for
  bool is_over_ = false;
  bool is_read_ = false;  ///< to its end
};

/// What the guest answers, sent as it writes it, for as long as the client takes it: what it does not take fills the
/// body, and the guest waits.
class Download final : public BodyOnItsWay {
 public:
  explicit Download(Exchange& exchange) : BodyOnItsWay(exchange) {}

  void begin(wasi::http::Outcome<wasi::http::Response> response);
  /// Behind the guest's call. @return whether all was sent; what went wrong.
  [[nodiscard]] Result<bool> finish();
  /// Before the exchange goes.
  void end() noexcept;

 private:
  void pass_on() noexcept override;

  std::shared_ptr<wasi::http::Body> body_;
  Result<void> result_;
};

}  // namespace anew::serve
