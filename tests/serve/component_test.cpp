// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The server with components that handle requests by wasi:http.
#include <thread>

#include "serve/client.hpp"
#include "serve/http_component.hpp"

namespace anew::serve::testing {
namespace {

class HttpComponent : public ::testing::Test {
 protected:
  void start(const std::string& file) {
    const Engine engine;
    const auto component = component::Component::load(engine, ANEW_SOURCE_DIR "/tests/data/component/" + file).value();
    ServerOptions options;
    options.address = "127.0.0.1:0";
    options.admin_address = "127.0.0.1:0";
    options.drain_time = std::chrono::seconds(20);
    auto server = Server::start(options, [&] { return make_http_component(component, {.name = file}); });
    ASSERT_TRUE(server) << server.error().to_string();
    server_ = std::move(*server);
  }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  std::unique_ptr<Server> server_;
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

TEST_F(HttpComponent, IsRefusedIfItHandlesNoRequests) {
  const Engine engine;
  const auto component = component::Component::load(engine, ANEW_SOURCE_DIR "/tests/data/component/add.wasm").value();
  const auto application = make_http_component(component, {.name = "add"});
  ASSERT_FALSE(application);
  EXPECT_EQ(application.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace anew::serve::testing
