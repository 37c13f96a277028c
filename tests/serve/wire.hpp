// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as what a client sends: what the server makes of them is compared with what they strictly mean.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "serve/application.hpp"
#include "serve/exchange.hpp"
#include "serve/server.hpp"
#include "serve/strict_http.hpp"
#include "serve/wagi_text.hpp"

namespace anew::serve::testing {

/// Keeps what requests are to a guest, and answers with their bodies; at /cgi with what they say as a program's output.
class Recorder final : public Application {
 public:
  void handle(Exchange& exchange, Answered answered) noexcept override { answered(record(exchange)); }
  void shut_down() noexcept override {}
  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override { return {}; }

  struct Request {
    StrictMessage message;
    bool is_complete = false;  ///< its body was read to the end
  };
  /// Since the last time.
  [[nodiscard]] std::vector<Request> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(requests_, {});
  }

 private:
  Result<void> record(Exchange& exchange) {
    const RequestHead& head = exchange.request();
    Request request{{.method = head.method, .target = head.target, .fields = {}, .body = {}}};
    for (const Header& each : head.headers) request.message.fields.emplace_back(each.name, each.value);
    static_cast<void>(wagi_environment(head));
    Result<void> read;
    for (std::array<std::byte, 300> bytes;;) {  // small, so that pieces end anywhere
      const auto count = exchange.read(bytes);
      if (!count) read = std::unexpected(count.error());
      if (!count || *count == 0) break;
      request.message.body.append(reinterpret_cast<const char*>(bytes.data()), *count);  // bytes
    }
    request.is_complete = read.has_value();
    const std::string body = request.message.body;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    if (!read) return read;
    if (!head.target.starts_with("/cgi")) {
      if (auto done = exchange.respond(200, {}); !done) return done;
      return exchange.write(std::as_bytes(std::span(body)));
    }
    WagiHead output;
    for (std::size_t at = 0; at < body.size(); at += 7) {
      auto response = output.take(body.substr(at, 7));
      if (!response) return std::unexpected(response.error());
      if (!*response) continue;
      if (auto done = exchange.respond((*response)->status, (*response)->headers); !done) return done;
      const std::string rest = (*response)->rest + body.substr(std::min(at + 7, body.size()));
      return exchange.write(std::as_bytes(std::span(rest)));
    }
    return {};
  }

  std::mutex mutex_;
  std::vector<Request> requests_;
};

/// A server of a Recorder, with limits that a few bytes reach.
class RecordingServer {
 public:
  RecordingServer() {
    ServerOptions options;
    options.address = "127.0.0.1:0";
    options.maximum_body_bytes = 4096;
    server_ = Server::start(options, [this] { return Result<std::shared_ptr<Application>>(recorder_); }).value();
  }

  /// What became of some bytes.
  struct Outcome {
    std::string problem;    ///< empty: none
    std::size_t taken = 0;  ///< requests that the guest had, with their whole bodies
    bool was_cut = false;   ///< the server reset the connection
  };
  /// Sends bytes in a connection of their own, and its end. @param pieces  where they are cut, in ascending order.
  /// @param pause  between the pieces, for the server to find them; nothing depends on that it does.
  Outcome exchange(std::string_view bytes, std::span<const std::size_t> pieces = {},
                   std::chrono::microseconds pause = std::chrono::microseconds(50)) {
    static_cast<void>(recorder_->take());
    Outcome outcome;
    const auto answers = send(bytes, pieces, pause, outcome.was_cut);
    if (!answers) {
      outcome.problem = "the server takes no connection, or does not end it";
      return outcome;
    }
    const auto requests = recorder_->take();
    outcome.problem = compare(bytes, requests);
    outcome.taken = static_cast<std::size_t>(std::ranges::count(requests, true, &Recorder::Request::is_complete));
    if (outcome.problem.empty() && !outcome.was_cut) outcome.problem = check(*answers, requests);
    return outcome;
  }

 private:
  /// @return all that the server sent.
  std::optional<std::string> send(std::string_view bytes, std::span<const std::size_t> pieces,
                                  std::chrono::microseconds pause, bool& was_cut) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const struct Closer {
      int socket;
      ~Closer() { ::close(socket); }
    } closer{socket};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{60, 0};  // far more than anything takes
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // sockaddr_in is how IPv4 has a sockaddr
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
    std::size_t sent = 0;
    for (std::size_t i = 0; i <= pieces.size(); ++i) {
      const std::size_t end = i < pieces.size() ? std::min(pieces[i], bytes.size()) : bytes.size();
      if (end <= sent) continue;
      // The server may have heard enough.
      if (::send(socket, bytes.data() + sent, end - sent, MSG_NOSIGNAL) < 0) break;
      sent = end;
      if (i < pieces.size()) std::this_thread::sleep_for(pause);
    }
    ::shutdown(socket, SHUT_WR);
    std::string received;
    for (char buffer[4096];;) {
      const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
      if (count == 0) return received;
      if (count < 0 && errno == EINTR) continue;  // libFuzzer's alarm
      if (count < 0 && errno != ECONNRESET) return std::nullopt;
      if (count < 0) {
        was_cut = true;
        return received;
      }
      received.append(buffer, static_cast<std::size_t>(count));  // positive
    }
  }

  /// What the guest had is what the bytes mean.
  static std::string compare(std::string_view bytes, std::span<const Recorder::Request> requests) {
    StrictReader reader(bytes);
    bool is_over = false;
    for (const Recorder::Request& each : requests) {
      if (!each.is_complete) continue;  // what was wrong with it was said; the connection ends behind it
      auto strict = is_over ? std::nullopt : reader.request();
      const StrictMessage& taken = each.message;
      const std::string name = taken.method + " " + taken.target;
      if (!strict) return "a request was taken that is none: " + name;
      if (strict->method != taken.method) return "another method: " + name;
      if (strict->target.starts_with('/') && strict->target != taken.target) return "another target: " + name;
      if (strict->body != taken.body) return "another body: " + name;
      Fields fields = taken.fields;  // those of one name stand together there
      std::ranges::sort(fields);
      std::ranges::sort(strict->fields);
      if (fields != strict->fields) return "other fields: " + name;
      is_over = strict->closes;
    }
    return {};
  }

  /// There are whole answers, one for each request and maybe one for what is none.
  static std::string check(std::string_view answers, std::span<const Recorder::Request> requests) {
    StrictReader reader(answers);
    std::size_t count = 0;
    for (; !reader.is_at_end(); ++count) {
      const bool is_refusal = count >= requests.size();
      StrictReader of_head = reader;
      auto answer = reader.answer(is_refusal ? "GET" : requests[count].message.method);
      if (!answer && is_refusal) {  // what was refused may have been HEAD
        answer = of_head.answer("HEAD");
        reader = of_head;
      }
      if (!answer) return "what was answered is no answer: " + std::string(answers);
      if (is_refusal && (!answer->closes || answer->method.front() == '2')) return "an answer to nothing";
      if (answer->closes && !reader.is_at_end()) return "there is more behind the last answer: " + std::string(answers);
    }
    if (count < requests.size() || count > requests.size() + 1) return "answers are missing, or too many";
    return {};
  }

  const std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
  std::unique_ptr<Server> server_;
};

/// Requests, right and wrong, to begin with.
inline std::vector<std::string> wire_corpus() {
  const std::string post = "POST /a HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a?b=c HTTP/1.1\r\nHost: a.example:80\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "HEAD http://b.example/a HTTP/1.1\r\nHost: a\r\nAccept: x\r\nAccept: y\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET /fold HTTP/1.1\r\nHost: a\r\nX: y\r\n  z\r\n\t\r\n\r\n",
      post + "Content-Length: 5\r\n\r\nabcdeGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      post + "Content-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc",
      post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
      chunked + "3\r\nabc\r\n00a;b\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      chunked + "1 ; a = \"b\\\"c\" ; d\r\nx\r\n0;e=f\r\nTrailer: g\r\nOther: h\r\n\r\n",
      chunked + "2\r\nabc\r\n0\r\n\r\n",
      chunked + "ffffffffffffffff\r\nabc\r\n0\r\n\r\n",
      chunked + "10000000000000001\r\na\r\n0\r\n\r\n",
      chunked + "2;a=\"\n\"\r\nab\r\n0\r\n\r\n",
      chunked + "2\nab\r\n0\r\n\r\n",
      chunked + "0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /cgi HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\nStatus: 201 Made\nX: y\r\nContent-Length: 3\n\nabc",
      "POST /cgi HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nLocation: /x\nTrailer: z\n\nabcdef",
      "GET / HTTP/1.1\nHost: a\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
  };
}

}  // namespace anew::serve::testing
