// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What answers requests. The server knows no more of it.
#pragma once

#include <anew/error.hpp>
#include <anew/pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace anew::serve {

class Exchange;

/// What an application calls once when a request is answered, with why the guest failed if it did: on the thread that
/// runs the exchange's loop. The exchange is gone behind it.
using Answered = std::function<void(Result<void>)>;

class Application {
 public:
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  virtual ~Application() = default;

  /// Answers a request, on the thread that runs its loop, before it returns or later: it may wait on that thread
  /// (Exchange), or leave it (Exchange::park). The server sends what is left of the response behind it, or, where none
  /// was sent yet, says what went wrong. Called from many threads.
  virtual void handle(Exchange& exchange, Answered answered) noexcept = 0;
  /// Ends all requests in work, and does no others.
  virtual void shut_down() noexcept = 0;
  /// Its pools, each with a name for the metrics.
  [[nodiscard]] virtual std::vector<std::pair<std::string, PoolStatistics>> statistics() const = 0;
};

/// Makes the application of its files as they are now.
using LoadApplication = std::function<Result<std::shared_ptr<Application>>()>;

}  // namespace anew::serve
