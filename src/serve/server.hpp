// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An HTTP/1.1 server that gives requests to an Application. docs/serve.md says how it behaves.
//
//   connection ─→ Loop (one a core): reads the head ─→ Exchange ─→ Application, on the thread that read it
//                   ↑ passed on where that takes long
//   Overseer: passes loops on, sends what waits, sees clients go, writes the log
//   Reloader: makes the application again when its files change
#pragma once

#include <anew/error.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/application.hpp"

namespace anew::serve {

struct ServerOptions {
  std::string address = "127.0.0.1:8080";  ///< "HOST:PORT", "[::1]:8080"; port 0: any that is free
  std::string admin_address = {};          ///< for /healthz and /metrics; empty: none
  std::uint32_t loops = 1;
  std::uint32_t maximum_in_flight = 256;
  std::uint64_t maximum_body_bytes = 16 << 20;
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);  ///< of a request, to the end of its response
  std::chrono::nanoseconds drain_time = std::chrono::seconds(10);
  std::chrono::nanoseconds header_time = std::chrono::seconds(10);  ///< from a request's first byte to its header's end
  std::chrono::nanoseconds idle_time = std::chrono::seconds(60);    ///< between requests of a connection
  std::string access_log = {};                                      ///< as AccessLog::open takes it
  /// The application is loaded again when one of these changes. Asked for behind each load, by the thread that loads.
  std::function<std::vector<std::filesystem::path>()> watched_files = [] {
    return std::vector<std::filesystem::path>();
  };
  bool takes_signals = false;  ///< SIGTERM and SIGINT stop it, SIGHUP reloads
  std::function<void(const std::string&)> notice = [](const std::string&) {};  ///< of what happens, from any thread
};

class Server {
 public:
  /// Loads the application and listens. @return what `load` returns, kArgument for an address that is none, kIo,
  /// kResource.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options, LoadApplication load);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::uint16_t admin_port() const noexcept;

  /// Has the application loaded again, soon. If that fails the old one stays.
  void reload() noexcept;
  /// Has wait() return: no connection is accepted any more.
  void stop() noexcept;
  /// Until somebody stops it; then until requests in flight are answered, or ServerOptions::drain_time is over, which
  /// cuts them. @return whether all were answered.
  [[nodiscard]] bool wait();

 private:
  struct State;
  struct InWork;
  explicit Server(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace anew::serve
