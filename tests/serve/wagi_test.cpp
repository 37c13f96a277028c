// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The server with a program of CGI's kind: what requests become, and what becomes of wrong ones.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "serve/client.hpp"
#include "serve/wagi_text.hpp"
#include "support/wat.hpp"

namespace anew::serve::testing {
namespace {

using namespace std::chrono_literals;

const Module& program() {
  static const Module module = [] {
    const Engine engine;
    return engine.load(ANEW_SERVE_PROGRAMS "/wagi.wasm").value();
  }();
  return module;
}

class Wagi : public ::testing::Test {
 protected:
  Wagi() {
    options_.address = "127.0.0.1:0";
    options_.admin_address = "127.0.0.1:0";
    options_.loops = 1;
    options_.drain_time = 20s;
  }
  /// With options_ and wagi_ as they are.
  void start() {
    wagi_.name = "wagi.wasm";
    wagi_.pool.capacity = options_.maximum_in_flight;
    auto server = Server::start(options_, [this] { return make_wagi(program(), wagi_); });
    ASSERT_TRUE(server) << server.error().to_string();
    server_ = std::move(*server);
  }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] std::string metrics() const { return get(server_->admin_port(), "/metrics").body; }
  /// The value of a metric that is there.
  [[nodiscard]] std::uint64_t metric(const std::string& name) const {
    const std::string text = metrics();
    const std::size_t place = text.find("\nanew_serve_" + name + " ");
    if (place == std::string::npos) throw std::runtime_error("no metric " + name);
    return std::stoull(text.substr(text.find(' ', place + 1)));
  }
  /// Waits for what other threads are about to do.
  template <typename F>
  static void eventually(const F& holds) {
    for (int i = 0; i < 3000 && !holds(); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_TRUE(holds());
  }

  ServerOptions options_;
  WagiOptions wagi_;
  std::unique_ptr<Server> server_;
};

TEST_F(Wagi, AnswersAndKeepsTheConnection) {
  start();
  Client client(port());
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.get("/hello");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "hello\n");
    EXPECT_TRUE(answer.has("Content-Type: text/plain"));
    EXPECT_TRUE(answer.has("Content-Length: 6"));
  }
  EXPECT_EQ(metric("connections_total"), 2u) << "one of them asks for this";
}

TEST_F(Wagi, HasEachRequestInAnInstanceAsNew) {
  start();
  Client client(port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/counter").body, "1\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(port(), "/counter").body, "1\n");
}

TEST_F(Wagi, GivesTheRequestAsMetaVariables) {
  wagi_.wasi.environment = {"EXTRA=given"};
  start();
  Client client(port());
  const Answer answer = client.ask(
      "POST /environment?a=b%20c HTTP/1.1\r\nHost: example.org:99\r\nContent-Length: 3\r\nContent-Type: x/y\r\n"
      "Accept: a\r\nACCEPT: b\r\nX_Y: no\r\nProxy: no\r\nTraceparent: 00-1-2-01\r\n\r\nabc");
  for (const char* const line :
       {"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_NAME=example.org", "SERVER_PORT=99",
        "REQUEST_METHOD=POST", "REQUEST_URI=/environment?a=b%20c", "SCRIPT_NAME=", "PATH_INFO=/environment",
        "QUERY_STRING=a=b%20c", "REMOTE_ADDR=127.0.0.1", "CONTENT_LENGTH=3", "CONTENT_TYPE=x/y", "HTTP_ACCEPT=a, b",
        "HTTP_TRACEPARENT=00-1-2-01", "EXTRA=given"})
    EXPECT_NE(("\n" + answer.body).find("\n" + std::string(line) + "\n"), std::string::npos) << line << answer.body;
  EXPECT_EQ(answer.body.find("HTTP_X_Y"), std::string::npos);
  EXPECT_EQ(answer.body.find("PROXY"), std::string::npos);
  EXPECT_EQ(answer.body.find("HTTP_CONTENT"), std::string::npos);
  EXPECT_EQ(client.get("/hell%6F").body, "hello\n") << "the body that was not read is behind us";
  EXPECT_EQ(client.ask("GET http://other.org/hello HTTP/1.1\r\nHost: a\r\n\r\n").body, "hello\n");
}

TEST_F(Wagi, PassesBodiesOnInBothWays) {
  start();
  Client client(port());
  std::string body;
  for (int i = 0; i < 300000; ++i) body += static_cast<char>('a' + i % 26);
  // Sent and read at once: neither side keeps the whole.
  const auto echo = [&](const std::string& request) {
    std::thread writer([&] { EXPECT_TRUE(client.send(request)); });
    const Answer answer = client.answer();
    writer.join();
    return answer;
  };
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(echo(head + "Content-Length: 300000\r\n\r\n" + body).body, body);
  EXPECT_EQ(echo(head + "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nabcde\r\n493E0\r\n" + body +
                 "\r\n0\r\nTrailer: x\r\n\r\n")
                .body,
            "abcde" + body);
  EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").body, "");
  const Answer big = client.get("/big?20000");
  EXPECT_EQ(big.body.size(), 320000u);
  EXPECT_EQ(big.body.substr(big.body.size() - 6), "19999\n");
}

TEST_F(Wagi, AsksForABodyThatWaitsToBeAsked) {
  start();
  Client client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue");
  EXPECT_EQ(client.ask("abc").body, "abc");
  client.send("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.body, "hello\n") << "who does not read it does not ask";
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Wagi, SendsWhatIsWrittenWhileTheGuestGoesOn) {
  start();
  Client client(port());
  client.send("POST /event HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  ASSERT_TRUE(client.read_until("first\n"));
  client.send("x");
  EXPECT_TRUE(client.read_until("second\n"));
}

TEST_F(Wagi, SpeaksHttp10AndAnswersHead) {
  start();
  {
    Client client(port());
    const Answer answer = client.ask("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_EQ(answer.body, "hello\n");
    EXPECT_TRUE(client.is_closed());
  }
  {
    Client client(port());
    client.send("GET /big?3000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Answer answer = client.answer();
    EXPECT_EQ(answer.body.size(), 48000u) << answer.head;
    EXPECT_FALSE(answer.has("Transfer-Encoding: chunked"));
  }
  Client client(port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const Answer head = client.answer(false);
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(client.get("/hello").body, "hello\n") << "no byte of a body came before it";
}

TEST_F(Wagi, TakesRequestsThatComeTogether) {
  start();
  Client client(port());
  std::string requests;
  for (int i = 0; i < 20; ++i)
    requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i);
  client.send(requests);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.answer().body, std::to_string(10 + i));
}

TEST_F(Wagi, TakesHeadersOfCgi) {
  start();
  Client client(port());
  EXPECT_EQ(client.get("/status").status, 404u);
  const Answer location = client.get("/location");
  EXPECT_EQ(location.status, 302u);
  EXPECT_TRUE(location.has("Location: /hello"));
  const Answer connection = client.get("/connection");
  EXPECT_EQ(connection.body, "ok");
  EXPECT_FALSE(connection.has("Transfer-Encoding: gzip"));
  EXPECT_EQ(client.get("/hello").status, 200u) << "a guest does not close connections";
}

TEST_F(Wagi, SaysWhatGuestsDoWrong) {
  start();
  Client client(port());
  for (const char* const path : {"/trap", "/exit", "/silent", "/no-head", "/split", "/short", "/long"}) {
    const Answer answer = client.get(path);
    EXPECT_EQ(answer.status, 500u) << path;
    EXPECT_EQ(answer.body.find("lost"), std::string::npos);
  }
  EXPECT_EQ(client.get("/hello").body, "hello\n");
  EXPECT_EQ(metric("guest_failures_total"), 7u);
  EXPECT_EQ(metric("responses_total{status=\"5xx\"}"), 7u);
}

TEST_F(Wagi, CutsAResponseThatFailsInItsMidst) {
  start();
  Client client(port());
  client.send("GET /trap-far-behind-the-head HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.answer().status, 0u) << "no last chunk came";
  EXPECT_EQ(get(port(), "/hello").body, "hello\n");
}

TEST_F(Wagi, EndsWhatTakesTooLong) {
  options_.timeout = 200ms;
  start();
  Client client(port());
  EXPECT_EQ(client.get("/spin").status, 504u);
  EXPECT_EQ(client.get("/hello").body, "hello\n");
  EXPECT_EQ(get(port(), "/spin-behind-the-head").status, 0u);
  // A body that does not come.
  EXPECT_EQ(client.ask("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc").status, 504u);
  EXPECT_EQ(metric("timeouts_total"), 3u);
}

TEST_F(Wagi, GoesOnWhileGuestsCompute) {
  options_.maximum_in_flight = 3;
  start();
  Client one(port());
  Client other(port());
  one.send("GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
  other.send("GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
  // The one loop is not held up.
  EXPECT_EQ(get(port(), "/hello").body, "hello\n");
  eventually([&] { return metric("in_flight") == 2; });
  Client third(port());
  third.send("GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
  eventually([&] { return metric("in_flight") == 3; });
  const Answer answer = get(port(), "/hello");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_TRUE(answer.has("Retry-After: 1"));
  // Clients that go away end what they asked for.
  one.close();
  other.close();
  third.close();
  eventually([&] { return metric("in_flight") == 0; });
  EXPECT_EQ(metric("clients_gone_total"), 3u);
  EXPECT_EQ(metric("refused_total"), 1u);
  EXPECT_EQ(get(port(), "/hello").body, "hello\n");
}

TEST_F(Wagi, HoldsNoThreadWhileGuestsWaitOrCompute) {
  options_.maximum_in_flight = 400;
  start();
  EXPECT_EQ(get(port(), "/hello").body, "hello\n");
  const std::size_t before = count_threads();
  constexpr std::size_t kRequests = 40;
  std::vector<std::unique_ptr<Client>> clients;
  const auto ask = [&](std::string_view request) {
    for (std::size_t i = 0; i < kRequests; ++i) {
      clients.push_back(std::make_unique<Client>(port()));
      ASSERT_TRUE(clients.back()->send(request));
    }
  };
  ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  ask("GET /big?100000 HTTP/1.1\r\nHost: a\r\n\r\n");
  ask("GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
  ask("GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
  std::size_t most = 0;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(get(port(), "/hello").body, "hello\n");
    most = std::max(most, count_threads());
  }
  // Where the machine is slow some may be passed on to.
  EXPECT_LE(most, before + kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(clients[i]->send("6\r\nsecond\r\n0\r\n\r\n"));
    EXPECT_EQ(clients[i]->answer().body, "firstsecond");
    EXPECT_EQ(clients[kRequests + i]->answer().body.size(), 1600000u);
    EXPECT_EQ(clients[2 * kRequests + i]->answer().body, "slept\n");
  }
  clients.clear();
  eventually([&] { return metric("in_flight") == 0; });
}

TEST_F(Wagi, WaitsForSlowClientsInNobodysWay) {
  options_.maximum_in_flight = 2;
  start();
  Client slow(port());
  slow.send("GET /big?1000000 HTTP/1.1\r\nHost: a\r\n\r\n");
  eventually([&] { return metric("in_flight") == 1; });
  EXPECT_EQ(get(port(), "/hello").body, "hello\n");
  const Answer answer = slow.answer();
  EXPECT_EQ(answer.body.size(), 16000000u);
}

TEST_F(Wagi, RefusesBodiesThatAreTooLarge) {
  options_.maximum_body_bytes = 1000;
  start();
  {
    Client client(port());
    EXPECT_EQ(client.ask("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n").status, 413u);
  }
  {
    Client client(port());
    const std::string piece = "200\r\n" + std::string(512, 'x') + "\r\n";
    EXPECT_EQ(
        client
            .ask("POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + piece + piece + "0\r\n\r\n")
            .status,
        413u);
    EXPECT_TRUE(client.is_closed());
  }
  Client client(port());
  EXPECT_EQ(
      client.ask("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x')).body,
      "1000\n");
}

TEST_F(Wagi, RefusesWhatIsNoRequest) {
  start();
  const struct {
    std::string request;
    unsigned status;
  } cases[] = {
      {"\x16\x03\x01\x02\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},                        // no host
      {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},  // two
      {"GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nSpace : b\r\n\r\n", 400},
      {"GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST /length HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n", 400},
      {"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400},
      {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(70000, 'x'), 431},
      {"GET /" + std::string(70000, 'x'), 431},
  };
  for (const auto& each : cases) {
    Client client(port());
    client.send(each.request);
    EXPECT_EQ(client.answer().status, each.status) << each.request.substr(0, 100);
  }
  EXPECT_EQ(get(port(), "/hello").body, "hello\n");
}

TEST_F(Wagi, ClosesWhatIsTooSlow) {
  options_.header_time = 300ms;
  options_.idle_time = 300ms;
  start();
  Client idle(port());
  EXPECT_TRUE(idle.is_closed());
  Client slow(port());
  slow.send("GET /hello HTTP/1.1\r\nHost");
  EXPECT_EQ(slow.answer().status, 408u);
  Client between(port());
  EXPECT_EQ(between.get("/hello").body, "hello\n");
  EXPECT_TRUE(between.is_closed());
}

TEST_F(Wagi, TakesAHeaderByteByByte) {
  start();
  Client client(port());
  for (const char c : std::string_view("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")) client.send({&c, 1});
  EXPECT_EQ(client.answer().body, "hello\n");
}

TEST_F(Wagi, FinishesWhatIsInFlightBeforeItEnds) {
  start();
  Client idle(port());
  EXPECT_EQ(idle.get("/hello").status, 200u);
  Client busy(port());
  busy.send("POST /event HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  ASSERT_TRUE(busy.read_until("first\n"));
  std::atomic<bool> was_complete = false;
  std::thread waiting([&] { was_complete = server_->wait(); });
  server_->stop();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_THROW(get(port(), "/hello"), std::runtime_error);
  busy.send("x");
  EXPECT_TRUE(busy.read_until("second\n"));
  busy.close();
  waiting.join();
  EXPECT_TRUE(was_complete);
}

TEST_F(Wagi, CutsWhatDoesNotEndInTime) {
  options_.drain_time = 100ms;
  start();
  Client client(port());
  client.send("GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
  eventually([&] { return metric("in_flight") == 1; });
  server_->stop();
  EXPECT_FALSE(server_->wait());
  EXPECT_EQ(client.answer().status, 503u);
}

TEST_F(Wagi, LoadsAgainWhileRequestsGoOn) {
  const auto file = std::filesystem::temp_directory_path() / ("anew-serve-" + std::to_string(::getpid()) + ".wat");
  const auto write = [&](const std::string& text) { std::ofstream(file) << text; };
  const auto guest = [](const std::string& words) {
    return R"((module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\09\00\00\00") (data (i32.const 16) "X: y\n\n)" +
           words + R"(\n")
      (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))";
  };
  write(guest("on"));
  options_.watched_files = [&] { return std::vector{file}; };
  const Engine engine;
  auto server = Server::start(options_, [&]() -> Result<std::shared_ptr<Application>> {
    std::ifstream stream(file);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!text.starts_with("(module")) return fail(ErrorCode::kMalformed, "no module");
    auto module = engine.compile(anew::test::wat(text));
    if (!module) return std::unexpected(module.error());
    return make_wagi(*module, {.name = "a"});
  });
  ASSERT_TRUE(server) << server.error().to_string();
  server_ = std::move(*server);
  EXPECT_EQ(get(port(), "/").body, "on\n");
  write("nothing of use");
  eventually([&] { return metric("reload_failures_total") >= 1; });
  EXPECT_EQ(get(port(), "/").body, "on\n") << "the old one stays";
  write(guest("it"));
  eventually([&] { return get(port(), "/").body == "it\n"; });
  server_->reload();
  eventually([&] { return metric("reloads_total") >= 2; });
  EXPECT_EQ(get(port(), "/").body, "it\n");
  std::filesystem::remove(file);
}

TEST_F(Wagi, LogsARequestALine) {
  const auto file = std::filesystem::temp_directory_path() / ("anew-serve-" + std::to_string(::getpid()) + ".log");
  options_.access_log = file.string();
  start();
  Client client(port());
  client.ask("GET /hello?\"x HTTP/1.1\r\nHost: a.b\r\ntraceparent: 00-ab-cd-01\r\n\r\n");
  client.get("/trap");
  server_.reset();
  std::ifstream stream(file);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["target"], "/hello?\"x");
  EXPECT_EQ(lines[0]["status"], 200);
  EXPECT_EQ(lines[0]["host"], "a.b");
  EXPECT_EQ(lines[0]["response_bytes"], 6);
  EXPECT_EQ(lines[0]["traceparent"], "00-ab-cd-01");
  EXPECT_EQ(lines[1]["status"], 500);
  EXPECT_NE(std::string(lines[1]["error"]).find("unreachable"), std::string::npos);
  std::filesystem::remove(file);
}

TEST_F(Wagi, ShowsItsHealthAndMetricsToTheAdministratorAlone) {
  start();
  EXPECT_EQ(get(server_->admin_port(), "/healthz").body, "ok\n");
  EXPECT_EQ(get(server_->admin_port(), "/hello").status, 404u);
  EXPECT_EQ(get(port(), "/metrics").status, 404u);
  const std::string text = metrics();
  for (const char* const part :
       {"# TYPE anew_serve_request_seconds histogram\n", "anew_serve_request_seconds_bucket{le=\"+Inf\"} 1\n",
        "anew_serve_request_seconds_count 1\n", "anew_serve_pool_restored_total{file=\"wagi.wasm\"} 1\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << text;
}

TEST_F(Wagi, ReusesInstancesIfAskedTo) {
  const Engine engine;
  const Module module =
      engine
          .compile(anew::test::wat(
              R"((module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\08\00\00\00") (data (i32.const 16) "X: y\n\n0\n")
      (func (export "_start") (i32.store8 (i32.const 22) (i32.add (i32.load8_u (i32.const 22)) (i32.const 1)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))"))
          .value();
  auto server = Server::start(options_, [&] { return make_wagi(module, {.name = "a", .reuse = 3}); });
  ASSERT_TRUE(server) << server.error().to_string();
  server_ = std::move(*server);
  for (const char* const body : {"1\n", "2\n", "3\n", "1\n", "2\n", "3\n", "1\n"})
    EXPECT_EQ(get(port(), "/").body, body);
}

TEST_F(Wagi, ServesManyClientsAtOnce) {
  options_.loops = 3;
  start();
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&, i] {
      Client client(port());
      for (int k = 0; k < 50; ++k) {
        const std::string body = std::to_string(i * 1000 + k);
        const Answer answer = client.ask(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        if (answer.status == 200 && answer.body == body) ++right;
      }
    });
  }
  for (std::thread& each : clients) each.join();
  EXPECT_EQ(right, 16 * 50);
}

TEST(ServerAddress, IsRefusedIfItIsNone) {
  for (const char* const wrong : {"", "8080", "localhost", "a.b:80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"}) {
    const auto server = Server::start({.address = wrong}, [] { return make_wagi(program(), {}); });
    ASSERT_FALSE(server) << wrong;
    EXPECT_EQ(server.error().code, ErrorCode::kArgument) << wrong;
  }
  const auto first = Server::start({.address = "127.0.0.1:0"}, [] { return make_wagi(program(), {}); }).value();
  const auto second =
      Server::start({.address = "127.0.0.1:" + std::to_string(first->port())}, [] { return make_wagi(program(), {}); });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
}

TEST(WagiHead, IsFoundHoweverItIsCut) {
  const std::string text = "Status: 201 Created\r\nA: b\r\nC:d \r\n\r\nbody\n\n";
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    WagiHead head;
    auto response = head.take(text.substr(0, cut));
    ASSERT_TRUE(response);
    std::string rest;
    if (*response) {
      rest = (*response)->rest + text.substr(cut);
    } else {
      response = head.take(text.substr(cut));
      ASSERT_TRUE(response && *response) << cut;
      rest = (*response)->rest;
    }
    EXPECT_EQ((*response)->status, 201u);
    ASSERT_EQ((*response)->headers.size(), 2u);
    EXPECT_EQ((*response)->headers[1].value, "d");
    EXPECT_EQ(rest, "body\n\n");
  }
  EXPECT_FALSE(WagiHead().take("\n\nbody"));
  EXPECT_FALSE(WagiHead().take("Status: x\n\n"));
  EXPECT_FALSE(WagiHead().take(std::string(70000, 'a')));
}

}  // namespace
}  // namespace anew::serve::testing
