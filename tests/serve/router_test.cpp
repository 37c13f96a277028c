// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/router.hpp"

#include "serve/client.hpp"
#include "serve/exchange.hpp"

namespace anew::serve::testing {
namespace {

/// Answers with its name and the path.
class Named final : public Application {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  void handle(Exchange& exchange, Answered answered) noexcept override {
    const std::string text = name_ + " " + exchange.request().target;
    auto done = exchange.respond(200, {});
    if (done) done = exchange.write(std::as_bytes(std::span(text)));
    answered(done);
  }
  void shut_down() noexcept override {}
  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override {
    return {{name_, PoolStatistics{}}};
  }

 private:
  const std::string name_;
};

std::shared_ptr<Application> named(const char* name) { return std::make_shared<Named>(name); }

TEST(Router, PrefersTheHostAndThenTheLongestPath) {
  const auto router = make_router({{"", "/", named("all")},
                                   {"", "/api", named("api")},
                                   {"", "/api/v2", named("second")},
                                   {"a.test", "/", named("host")},
                                   {"B.test", "/only/", named("below")},
                                   {"[::1]", "/", named("six")}})
                          .value();
  ServerOptions options;
  options.address = "127.0.0.1:0";
  const auto server = Server::start(options, [&] { return router; }).value();
  Client client(server->port());
  const auto ask = [&](const std::string& host, const std::string& target) {
    return client.ask("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n").body;
  };
  EXPECT_EQ(ask("x", "/"), "all /");
  EXPECT_EQ(ask("x", "/api"), "api /api");
  EXPECT_EQ(ask("x", "/api?q=/api/v2"), "api /api?q=/api/v2");
  EXPECT_EQ(ask("x", "/api/v2/users"), "second /api/v2/users");
  EXPECT_EQ(ask("x", "/apis"), "all /apis");
  EXPECT_EQ(ask("A.TEST:8080", "/api"), "host /api");
  EXPECT_EQ(ask("b.test", "/only/this"), "below /only/this");
  EXPECT_EQ(ask("b.test", "/api"), "api /api") << "of any host";
  EXPECT_EQ(ask("[::1]:80", "/"), "six /");
  EXPECT_EQ(router->statistics().size(), 6u);
}

TEST(Router, AnswersWhatNobodyServes) {
  ServerOptions options;
  options.address = "127.0.0.1:0";
  const auto server = Server::start(options, [] { return make_router({{"a.test", "/x", named("only")}}); }).value();
  Client client(server->port());
  EXPECT_EQ(client.ask("GET /x HTTP/1.1\r\nHost: b\r\n\r\n").status, 404u);
  const Answer answer = client.ask("POST /y HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(answer.status, 404u);
  EXPECT_EQ(answer.body, "nothing is served at this path\n");
  EXPECT_EQ(client.ask("GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n").status, 200u) << "the connection goes on";
}

TEST(Router, RefusesRoutesThatAreNone) {
  EXPECT_EQ(make_router({{"", "x", named("a")}}).error().code, ErrorCode::kArgument);
  const auto twice = make_router({{"a.test", "/x", named("a")}, {"A.test", "/x", named("b")}});
  EXPECT_TRUE(twice.error().message.starts_with("two routes have the path \"/x\" of the host "));
}

}  // namespace
}  // namespace anew::serve::testing
