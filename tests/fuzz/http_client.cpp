// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as what a server answers a guest's request with: the guest has one response or failure, and a body that
// ends; of an answer that is right to the letter, the one that it has. The first byte is where the rest is cut in two.
#include "serve/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "tests/serve/strict_http.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

namespace http = anew::wasi::http;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Listens, for one connection at a time.
class Answerer {
 public:
  Answerer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);  // how IPv4 has a sockaddr
    socklen_t size = sizeof address;
    require(
        ::bind(listener_, any, size) == 0 && ::listen(listener_, 4) == 0 && ::getsockname(listener_, any, &size) == 0,
        "cannot listen");
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Whatever is asked.
  void answer(std::string_view bytes, std::size_t cut) const {
    const int socket = ::accept(listener_, nullptr, nullptr);
    require(socket >= 0, "cannot accept");
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::size_t first = std::min(cut, bytes.size());
    // Who does not listen any more has heard enough.
    if (first > 0) static_cast<void>(::send(socket, bytes.data(), first, MSG_NOSIGNAL));
    if (first > 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    static_cast<void>(::send(socket, bytes.data() + first, bytes.size() - first, MSG_NOSIGNAL));
    ::shutdown(socket, SHUT_WR);
    for (char rest[4096]; ::recv(socket, rest, sizeof rest, 0) > 0;) {
    }
    ::close(socket);
  }

 private:
  int listener_;
  std::uint16_t port_ = 0;
};

/// All of a body. @return nothing if it failed.
std::optional<std::string> read(http::Body& body) {
  std::atomic<bool> is_told = false;
  body.on_readable([&] {
    is_told = true;
    is_told.notify_one();
  });
  std::string text;
  for (;;) {
    is_told = false;
    std::array<std::byte, 512> bytes;
    while (const std::size_t count = body.read(bytes))
      text.append(reinterpret_cast<const char*>(bytes.data()), count);  // bytes
    if (body.end() == http::Body::End::kFailed) return std::nullopt;
    if (body.end() == http::Body::End::kFinished) return text;
    is_told.wait(false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Answerer answerer;
  static auto& client = *new std::shared_ptr<http::Client>(anew::serve::make_http_client().value());  // to the end
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);  // char may view any object
  std::promise<http::Outcome<http::Response>> promise;
  auto future = promise.get_future();
  client->send(
      {.scheme = "http", .authority = "127.0.0.1:" + std::to_string(answerer.port()), .path = "/"}, {},
      [&](http::Outcome<http::Response> response) { promise.set_value(std::move(response)); });  // throws twice
  std::thread thread([&] { answerer.answer(bytes, data[0]); });
  auto response = future.get();
  std::optional<std::string> body;
  if (response) {
    body = read(*response->body);
    // Whoever tells of the end may still be at it.
    response->body->on_readable({});
  }
  thread.join();
  const auto strict = anew::serve::testing::StrictReader(bytes).answer("GET");
  if (response && strict && strict->method.front() != '1') {
    require(std::to_string(response->status) == strict->method, "another status");
    require(!body || *body == strict->body, "another body");
  }
  return 0;
}

/// Begins anew, now and then, with what is almost right.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  static constexpr std::string_view kCorpus[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
      "HTTP/1.0 204 None\r\nA: b\r\n c\r\n\r\n",
  };
  constexpr unsigned kBetween = 64;
  const std::string_view begin = kCorpus[seed / kBetween % std::size(kCorpus)];
  if ((size <= 1 || seed % kBetween == 0) && begin.size() < most) {
    std::ranges::copy(begin, data + 1);
    size = begin.size() + 1;
  }
  return LLVMFuzzerMutate(data, size, most);
}
