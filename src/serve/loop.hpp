// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An event loop that handlers may hold up. One thread at a time runs it, and runs guests amid it: a short request costs
// no other thread, no lock that is contended and no system call but those for its bytes. Where a handler takes long, or
// is about to wait, the loop is passed on to another of its threads (pass_on), and the one in the handler goes idle
// when that is over.
//
// So there are as many threads as handlers were held up at once, and one; they stay for the next ones.
//
// What a handler leaves in its midst, a guest that was parked, goes on on the same thread (later): between two turns of
// the loop, or, if the loop has gone on in another thread, at once.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "serve/metrics.hpp"

namespace anew::serve {

class Connection;
class Exchange;

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  /// Makes its first thread. @return false if the system refused.
  [[nodiscard]] bool start() noexcept;
  /// Ends all threads, once what they are in is over.
  void stop() noexcept;

  /// A number for this thread, of those of a loop, for as long as it runs the loop. The loop's turn is another one when
  /// the thread does not run it any more.
  [[nodiscard]] static std::uint64_t turn() noexcept;
  /// Has this thread, of those of a loop, call a function when others have had their turn.
  static void later(std::function<void()> function);
  /// Has another thread run the loop if it is still that one's turn. Where the system has no more threads, the loop
  /// waits.
  void pass_on(std::uint64_t turn) noexcept;

  Metrics metrics;

  /// What runs in the loop, for those who look after it from other threads: each takes itself out when it goes.
  struct Tenants {
    std::mutex mutex;
    std::vector<Exchange*> exchanges;
    std::list<Connection*> connections;
  };
  Tenants tenants;

 private:
  void run() noexcept;

  std::atomic<std::uint64_t> turn_ = 0;
  std::mutex mutex_;
  std::condition_variable turn_is_free_;
  bool is_free_ = false;  ///< no thread has this turn yet
  bool is_stopping_ = false;
  std::uint32_t idle_ = 0;  ///< threads that wait for a turn
  std::vector<std::thread> threads_;
  boost::asio::io_context context_;  ///< behind the above: handlers that go with it take themselves out of these
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> goes_on_{context_.get_executor()};
};

}  // namespace anew::serve
