// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The server with components that handle requests by wasi:http.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

#include "serve/client.hpp"
#include "serve/http_component.hpp"

namespace anew::serve::testing {
namespace {

class HttpComponent : public ::testing::Test {
 protected:
  void start(const std::string& file, std::chrono::nanoseconds timeout = std::chrono::seconds(30)) {
    const Engine engine;
    const auto component = component::Component::load(engine, ANEW_SOURCE_DIR "/tests/data/component/" + file).value();
    ServerOptions options;
    options.address = "127.0.0.1:0";
    options.admin_address = "127.0.0.1:0";
    options.drain_time = drain_time_;
    options.timeout = timeout;
    auto server = Server::start(options, [&] {
      HttpComponentOptions handler{.name = file};
      handler.pool.capacity = options.maximum_in_flight;
      return make_http_component(component, handler);
    });
    ASSERT_TRUE(server) << server.error().to_string();
    server_ = std::move(*server);
  }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  /// Sends the same on many connections.
  [[nodiscard]] std::vector<std::unique_ptr<Client>> ask_at_once(std::size_t count, std::string_view request) const {
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<Client>(port()));
      EXPECT_TRUE(clients.back()->send(request));
    }
    return clients;
  }
  std::unique_ptr<Server> server_;
  std::chrono::nanoseconds drain_time_ = std::chrono::seconds(20);
};

TEST_F(HttpComponent, AnswersWithWhatItIsSent) {
  start("echo.wasm");
  Client client(port());
  EXPECT_EQ(client.get("/").body, "");
  for (const std::size_t bytes : {1u, 1000u, 65536u}) {
    const std::string body(bytes, 'x');
    const Answer answer =
        client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + body);
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, body);
  }
}

TEST_F(HttpComponent, IsAskedBeforeTheSnapshotIsTaken) {
  const auto make = [](const char* file, std::vector<std::string> paths) {
    const auto component =
        component::Component::load(Engine(), std::string(ANEW_SOURCE_DIR "/tests/data/component/") + file).value();
    return make_http_component(component, {.name = file, .warm_up = std::move(paths)});
  };
  EXPECT_TRUE(make("echo.wasm", {"/", "/again?and=again"}));
  EXPECT_EQ(make("silent.wasm", {"/"}).error().message, "the warm-up GET /: the guest gave no response");
  EXPECT_EQ(make("echo.wasm", {"again"}).error().code, ErrorCode::kArgument);
  const auto trapping = make("trapping.wasm", {"/"});
  ASSERT_FALSE(trapping);
  EXPECT_EQ(trapping.error().code, ErrorCode::kTrap);
  EXPECT_TRUE(trapping.error().message.starts_with("the warm-up GET /: ")) << trapping.error().message;
}

TEST_F(HttpComponent, HasBodiesStreamBothWays) {
  start("echo.wasm");
  Client client(port());
  std::string body;
  for (int i = 0; i < 1000000; ++i) body += static_cast<char>('a' + i % 26);
  const auto echo = [&](const std::string& request) {
    std::thread writer([&] { EXPECT_TRUE(client.send(request)); });
    const Answer answer = client.answer();
    writer.join();
    return answer;
  };
  EXPECT_EQ(echo("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + body).body, body);
  EXPECT_EQ(
      echo("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n" + body + "\r\n0\r\n\r\n").body,
      body);
  // A piece comes back before the next one is there.
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  ASSERT_TRUE(client.read_until("first"));
  client.send("6\r\nsecond\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read_until("second"));
  EXPECT_TRUE(client.read_until("0\r\n\r\n"));
  EXPECT_EQ(client.get("/").status, 200u);
}

TEST_F(HttpComponent, EndsWhenItsClientGoes) {
  start("echo.wasm");
  {
    Client client(port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nonly this");
    ASSERT_TRUE(client.read_until("only this"));
  }
  for (int i = 0; i < 3000; ++i) {
    if (get(server_->admin_port(), "/metrics").body.find("\nanew_serve_in_flight 0\n") != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(get(server_->admin_port(), "/metrics").body.find("\nanew_serve_clients_gone_total 1\n"), std::string::npos);
  EXPECT_EQ(get(port(), "/").status, 200u);
}

TEST_F(HttpComponent, ThatAnswersNothingIsAnError) {
  for (const char* const file : {"silent.wasm", "trapping.wasm"}) {
    start(file);
    Client client(port());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/").status, 500u) << file;
  }
}

TEST_F(HttpComponent, HoldsNoThreadWhileItWaits) {
  start("late.wasm");
  EXPECT_EQ(get(port(), "/").status, 200u);
  const std::size_t before = count_threads();
  constexpr std::size_t kRequests = 200;
  const auto clients = ask_at_once(kRequests, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  std::size_t most = 0;
  for (int i = 0; i < 20; ++i) {
    most = std::max(most, count_threads());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const auto& client : clients) EXPECT_EQ(client->answer().status, 200u);
  // Where the machine is slow some may be passed on to.
  EXPECT_LE(most, before + kRequests / 4);
}

TEST_F(HttpComponent, HoldsUpNobodyWhileItComputes) {
  start("busy.wasm");
  EXPECT_EQ(get(port(), "/").status, 200u);
  const std::size_t before = count_threads();
  constexpr std::size_t kRequests = 50;
  auto never = ask_at_once(kRequests, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  const auto for_a_while = ask_at_once(10, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(port(), "/").status, 200u);
  for (const auto& client : for_a_while) EXPECT_EQ(client->answer().status, 200u);
  // Where the machine is slow some may be passed on to; without time slices each would have a thread.
  EXPECT_LE(count_threads(), before + kRequests);
  never.clear();
  while (get(server_->admin_port(), "/metrics").body.find("\nanew_serve_in_flight 0\n") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST_F(HttpComponent, ThatComputesIsStoppedAtItsTime) {
  start("busy.wasm", std::chrono::milliseconds(200));
  const auto clients = ask_at_once(8, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  for (const auto& client : clients) EXPECT_EQ(client->answer().status, 504u);
  EXPECT_EQ(get(port(), "/").status, 200u);
}

TEST_F(HttpComponent, ThatComputesIsCutAtTheEndOfTheDrainTime) {
  drain_time_ = std::chrono::milliseconds(50);
  start("busy.wasm");
  const auto clients = ask_at_once(8, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  while (get(server_->admin_port(), "/metrics").body.find("\nanew_serve_in_flight 8\n") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server_->stop();
  EXPECT_FALSE(server_->wait());
}

TEST_F(HttpComponent, HoldsNoThreadForSlowClients) {
  start("echo.wasm");
  EXPECT_EQ(get(port(), "/").status, 200u);
  const std::size_t before = count_threads();
  constexpr std::size_t kRequests = 100;
  const auto clients =
      ask_at_once(kRequests, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  for (const auto& client : clients) ASSERT_TRUE(client->read_until("first\r\n"));
  EXPECT_LE(count_threads(), before + kRequests / 4);
  for (const auto& client : clients) ASSERT_TRUE(client->send("6\r\nsecond\r\n0\r\n\r\n"));
  for (const auto& client : clients) EXPECT_TRUE(client->read_until("second\r\n0\r\n\r\n"));
}

TEST_F(HttpComponent, WaitsForAClientThatTakesNothing) {
  start("echo.wasm");
  Client client(port());
  std::string body;
  body.resize(12'000'000, 'x');
  std::thread writer([&] {
    EXPECT_TRUE(client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the connection's buffers are full by then, or not
  EXPECT_EQ(get(port(), "/").status, 200u);
  const Answer answer = client.answer();
  writer.join();
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body.size(), body.size());
  EXPECT_EQ(client.get("/").status, 200u);  // on the same connection
}

TEST_F(HttpComponent, IsNotTakenInByTrailers) {
  start("echo.wasm");
  Client client(port());
  const Answer answer = client.ask(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\nHost: b\r\nX-Sum: 1\r\n\r\n");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "first");
  EXPECT_EQ(client.get("/").status, 200u);
}

TEST_F(HttpComponent, ThatWaitsIsGivenUpAtItsTime) {
  start("echo.wasm", std::chrono::milliseconds(300));
  Client client(port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"));
  ASSERT_TRUE(client.read_until("first"));
  bool was_reset = false;
  EXPECT_EQ(client.read_all(&was_reset), "\r\n");  // it had begun: cut off
  EXPECT_TRUE(was_reset);
  EXPECT_EQ(get(port(), "/").status, 200u);
  start("late.wasm", std::chrono::milliseconds(100));
  EXPECT_EQ(get(port(), "/").status, 504u);
}

TEST_F(HttpComponent, ThatWaitsIsWaitedForAtTheEnd) {
  start("late.wasm");
  Client client(port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  while (get(server_->admin_port(), "/metrics").body.find("\nanew_serve_in_flight 1\n") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server_->stop();
  EXPECT_TRUE(server_->wait());
  EXPECT_EQ(client.answer().status, 200u);
}

TEST_F(HttpComponent, ThatWaitsIsCutAtTheEndOfTheDrainTime) {
  drain_time_ = std::chrono::milliseconds(50);
  start("echo.wasm");
  Client client(port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"));
  ASSERT_TRUE(client.read_until("first\r\n"));
  const auto begin_time = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_FALSE(server_->wait());
  EXPECT_LT(std::chrono::steady_clock::now() - begin_time, std::chrono::seconds(4)) << "it was given up";
  bool was_reset = false;
  EXPECT_EQ(client.read_all(&was_reset), "");
  EXPECT_TRUE(was_reset);
}

TEST_F(HttpComponent, IsRefusedIfItHandlesNoRequests) {
  const Engine engine;
  const auto component = component::Component::load(engine, ANEW_SOURCE_DIR "/tests/data/component/add.wasm").value();
  const auto application = make_http_component(component, {.name = "add"});
  ASSERT_FALSE(application);
  EXPECT_EQ(application.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace anew::serve::testing
