// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A client's connection: reads heads in its loop, and hands each request out. One handler of it is on its way at a
// time, so it needs no lock but for its deadline, at which others close it.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "serve/exchange.hpp"
#include "serve/incoming.hpp"
#include "serve/loop.hpp"

namespace anew::serve {

/// What a connection asks of the server.
class Host {
 public:
  virtual ~Host() = default;
  /// Answers a request, or refuses it. @param is_admin  of a connection to that address.
  /// @param answered  called once, on the thread that runs the loop: before this returns or later.
  virtual void answer(Exchange& exchange, bool is_admin, std::function<void()> answered) = 0;
  [[nodiscard]] virtual bool is_draining() const noexcept = 0;

  std::uint64_t maximum_body_bytes = 0;
  Clock::duration timeout{};
  Clock::duration header_time{};
  Clock::duration idle_time{};
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Host& host, Loop& loop, boost::asio::ip::tcp::socket socket, bool is_admin);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// In its loop.
  void begin();

  // From other threads, while Loop::Tenants is locked.
  /// Ends its wait if that took too long.
  void look(Clock::time_point now) noexcept;
  /// Ends its wait for another request.
  void close_if_idle() noexcept;

 private:
  /// What deadline_ is besides a moment of the clock.
  static constexpr Clock::rep kServing = INT64_MAX;  ///< for as long as the request may take
  static constexpr Clock::rep kExpired = INT64_MIN;  ///< whoever set it has shut the socket down

  void receive_more();
  void on_readable();
  void advance();
  void serve();
  void answered();
  /// Exchange::WhenReady.
  void when_ready(short wanted, std::function<void()> then);
  /// An answer to what is no request that can be served; closes behind it.
  void refuse(unsigned status, std::string_view words);
  void after(bool keeps_alive, bool is_cut);
  void drop_rest();
  /// @return false if it is over.
  bool set_deadline(Clock::time_point deadline) noexcept;
  [[nodiscard]] bool expire(Clock::rep seen) noexcept;

  Host& host_;
  Loop& loop_;
  std::mutex socket_mutex_;  ///< a request that ends on another thread than the loop's may still wait for the socket
  boost::asio::ip::tcp::socket socket_;
  const bool is_admin_;
  std::string client_address_;
  std::uint16_t client_port_ = 0;
  std::uint16_t server_port_ = 0;
  Incoming incoming_;
  std::optional<Exchange> exchange_;  ///< of the request that is served
  bool is_closing_ = false;           ///< only reads to the end
  std::uint64_t dropped_bytes_ = 0;
  std::atomic<Clock::rep> deadline_;
  std::atomic<bool> is_idle_ = false;  ///< nothing of a request has come
  std::list<Connection*>::iterator place_;
};

}  // namespace anew::serve
