// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an application can do with a request and its response, without a guest.
#include "serve/exchange.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/without_exceptions.hpp"
#include "serve/client.hpp"

namespace anew::serve::testing {
namespace {

/// Answers with the names of a request's trailers, and with trailers.
class Trailing final : public Application {
 public:
  void handle(Exchange& exchange, Answered answered) noexcept override {
    answered(anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
      std::byte bytes[100];
      for (;;) {
        const auto count = exchange.read(bytes);
        if (!count) return std::unexpected(count.error());
        if (*count == 0) break;
      }
      const Header length[] = {{"Content-Length", "1"}};
      const bool has_length = exchange.request().target == "/length";
      if (auto done = exchange.respond(200, has_length ? std::span(length) : std::span<const Header>()); !done)
        return done;
      std::string names;
      for (const Header& each : exchange.trailers()) names += each.name + ";";
      if (has_length) names = "x";
      if (auto done = exchange.write(std::as_bytes(std::span(names))); !done) return done;
      const Header trailers[] = {{"X-Sum", "28"},        {"Content-Length", "3"}, {"Transfer-Encoding", "chunked"},
                                 {"X-Bad", "a\r\nb: c"}, {"Bad Name", "x"},       {"Host", "b"}};
      const auto sent = exchange.end(trailers);
      if (!sent) return std::unexpected(sent.error());
      return {};
    }));
  }
  void shut_down() noexcept override {}
  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override { return {}; }
};

class Trailers : public ::testing::Test {
 protected:
  Trailers() {
    ServerOptions options;
    options.address = "127.0.0.1:0";
    server_ = Server::start(options, [] { return std::make_shared<Trailing>(); }).value();
  }
  /// All that is sent of a response, on a connection of its own.
  [[nodiscard]] std::string ask(const std::string& request) const {
    Client client(server_->port());
    EXPECT_TRUE(client.send(request));
    std::string all = client.read_all();
    return all.substr(std::min(all.find("\r\n\r\n"), all.size()));
  }
  std::unique_ptr<Server> server_;
};

constexpr const char* kClose = "Host: a\r\nConnection: close\r\n";

TEST_F(Trailers, OfAResponseMakeItChunks) {
  EXPECT_EQ(ask(std::string("GET / HTTP/1.1\r\n") + kClose + "X-Sum: 1\r\n\r\n"), "\r\n\r\n0\r\nX-Sum: 28\r\n\r\n");
}

TEST_F(Trailers, OfARequestAreWhatComesBehindItsBody) {
  EXPECT_EQ(ask(std::string("POST / HTTP/1.1\r\n") + kClose +
                "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n"),
            "\r\n\r\nc\r\nX-One;X-Two;\r\n0\r\nX-Sum: 28\r\n\r\n");
}

TEST_F(Trailers, AreLeftOutWhereTheyHaveNoPlace) {
  EXPECT_EQ(ask(std::string("GET /length HTTP/1.1\r\n") + kClose + "\r\n"), "\r\n\r\nx");
  EXPECT_EQ(ask("GET / HTTP/1.0\r\n\r\n"), "\r\n\r\n");
  EXPECT_EQ(ask(std::string("HEAD / HTTP/1.1\r\n") + kClose + "\r\n"), "\r\n\r\n");
}

}  // namespace
}  // namespace anew::serve::testing
