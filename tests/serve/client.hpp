// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A client that sends whatever it is told to, right or wrong, and a server in this process.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <anew/anew.hpp>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "serve/server.hpp"
#include "serve/wagi.hpp"

namespace anew::serve::testing {

struct Answer {
  unsigned status = 0;
  std::string head;
  std::string body;
  /// Whether the head has the line.
  [[nodiscard]] bool has(std::string_view line) const {
    return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Far more than anything takes: a test that would wait for ever fails.
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// @return whether all of it was taken.
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// Reads until `text` was read, and gives what was before it; nothing if the connection ends first.
  std::optional<std::string> read_until(std::string_view text) {
    for (;;) {
      if (const std::size_t place = unread_.find(text); place != std::string::npos) {
        std::string before = unread_.substr(0, place);
        unread_.erase(0, place + text.size());
        return before;
      }
      if (!read_more()) return std::nullopt;
    }
  }
  std::optional<std::string> read_bytes(std::size_t count) {
    while (unread_.size() < count)
      if (!read_more()) return std::nullopt;
    std::string bytes = unread_.substr(0, count);
    unread_.erase(0, count);
    return bytes;
  }
  /// All that comes until the server closes. @param was_reset  whether it did so with a reset.
  std::string read_all(bool* was_reset = nullptr) {
    while (read_more()) {
    }
    if (was_reset != nullptr) *was_reset = was_reset_;
    return std::exchange(unread_, {});
  }
  /// Whether the server closes without another byte.
  bool is_closed() { return read_all().empty(); }

  /// A response by its own framing. @param has_body  of a request that asks for one. Status 0: it was cut off.
  Answer answer(bool has_body = true) {
    Answer result;
    const auto head = read_until("\r\n\r\n");
    if (!head) return result;
    result.head = *head + "\r\n";
    if (has_body) {
      if (result.has("Transfer-Encoding: chunked")) {
        for (;;) {
          const auto size = read_until("\r\n");
          if (!size) return result;
          const auto piece = read_bytes(std::stoul(*size, nullptr, 16) + 2);
          if (!piece) return result;
          if (*size == "0") break;
          result.body += piece->substr(0, piece->size() - 2);
        }
      } else if (const auto place = result.head.find("Content-Length: "); place != std::string::npos) {
        const auto body = read_bytes(std::stoul(result.head.substr(place + 16)));
        if (!body) return result;
        result.body = *body;
      } else if (result.has("Connection: close")) {
        result.body = read_all();
      }
    }
    result.status = static_cast<unsigned>(std::stoul(head->substr(9, 3)));
    return result;
  }
  Answer ask(std::string_view request) {
    EXPECT_TRUE(send(request));
    return answer();
  }
  Answer get(std::string_view path) { return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n"); }

 private:
  bool read_more() {
    char bytes[65536];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    was_reset_ = count < 0 && errno == ECONNRESET;
    if (count <= 0) return false;
    unread_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }
  int socket_;
  std::string unread_;
  bool was_reset_ = false;
};

/// What a request becomes on its way: GET PATH in a connection of its own.
inline Answer get(std::uint16_t port, std::string_view path) { return Client(port).get(path); }

inline std::size_t count_threads() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

}  // namespace anew::serve::testing
