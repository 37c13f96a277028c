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

class Application {
 public:
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  virtual ~Application() = default;

  /// Answers a request, on a thread of its own: it may wait. The server sends what is left of the response behind it,
  /// or, where none was sent yet, says what went wrong. Called from many threads.
  /// @return why the guest failed.
  [[nodiscard]] virtual Result<void> handle(Exchange& exchange) = 0;
  /// Ends all requests in work, and does no others.
  virtual void shut_down() noexcept = 0;
  /// Its pools, each with a name for the metrics.
  [[nodiscard]] virtual std::vector<std::pair<std::string, PoolStatistics>> statistics() const = 0;
};

/// Makes the application of its files as they are now.
using LoadApplication = std::function<Result<std::shared_ptr<Application>>()>;

}  // namespace anew::serve
