// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What looks after requests that take longer than a moment: a thread that wakes each millisecond while there are
// requests, and sleeps while there are none.
//
//   each millisecond  passes on the loop of each request that has held it up for four, and sends what it has written
//   each 20           cancels requests whose client is gone; writes the log
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "os/sandbox/streams.hpp"
#include "serve/access_log.hpp"
#include "serve/exchange.hpp"
#include "serve/loop.hpp"

namespace anew::serve {

class Overseer {
 public:
  /// Both outlive it.
  Overseer(std::span<const std::unique_ptr<Loop>> loops, AccessLog& log) : loops_(loops), log_(log) {}
  Overseer(const Overseer&) = delete;
  Overseer& operator=(const Overseer&) = delete;
  ~Overseer() { stop(); }

  [[nodiscard]] bool start() noexcept;
  void stop() noexcept;
  /// Cancels all requests, once.
  void cancel_all() noexcept;

  /// Looks after a request for as long as this is there.
  class Care {
   public:
    Care(Overseer& overseer, Exchange& exchange);
    Care(const Care&) = delete;
    Care& operator=(const Care&) = delete;
    ~Care();

   private:
    Exchange& exchange_;
  };

 private:
  void run() noexcept;
  /// @return whether there are requests.
  bool look(bool at_clients);

  std::span<const std::unique_ptr<Loop>> loops_;
  AccessLog& log_;
  std::vector<os::Awaited> clients_;
  std::atomic<bool> is_asleep_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace anew::serve
