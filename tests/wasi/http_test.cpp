// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// wasi:http: bodies between threads, and the functions, function by function.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "host/wasi/http_syntax.hpp"
#include "wasi/host2.hpp"

namespace anew::test {
namespace {

using component::Value;
using wasi::http::Body;

constexpr const char* kTypes = "http/types";
constexpr const char* kStreams = "io/streams";

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string read_all(Body& body) {
  std::string text;
  std::array<std::byte, 16> bytes;
  while (const std::size_t count = body.read(bytes)) text.append(reinterpret_cast<const char*>(bytes.data()), count);
  return text;
}

TEST(HttpBody, IsBoundedAndEnds) {
  Body body(8);
  EXPECT_EQ(body.write(bytes_of("0123456789")), 8u);
  EXPECT_EQ(body.write(bytes_of("8")), 0u);
  std::array<std::byte, 5> some;
  EXPECT_EQ(body.read(some), 5u);
  EXPECT_EQ(body.write(bytes_of("89ABCDEF")), 5u);
  EXPECT_EQ(body.available(), 8u);
  body.finish({{"trailer", "t"}});
  EXPECT_EQ(body.end(), Body::End::kOpen);  // there are bytes left
  EXPECT_EQ(read_all(body), "56789ABC");
  EXPECT_EQ(body.end(), Body::End::kFinished);
  EXPECT_EQ(body.trailers(), (wasi::http::Fields{{"trailer", "t"}}));
  body.fail({});
  EXPECT_EQ(body.end(), Body::End::kFinished);
}

TEST(HttpBody, FailsAndIsAbandoned) {
  Body cut;
  EXPECT_EQ(cut.write(bytes_of("x")), 1u);
  cut.fail({.text = "gone"});
  EXPECT_EQ(cut.end(), Body::End::kFailed);
  EXPECT_EQ(cut.failure().text, "gone");
  EXPECT_EQ(cut.available(), 0u);
  Body unread(2);
  EXPECT_EQ(unread.write(bytes_of("xy")), 2u);
  unread.abandon();
  EXPECT_TRUE(unread.is_abandoned());
  EXPECT_EQ(unread.write(bytes_of("abc")), 3u);
  EXPECT_EQ(unread.available(), 0u);
}

TEST(HttpBody, GoesFromOneThreadToAnother) {
  Body body(1000);
  std::string sent;
  for (int i = 0; i < 100'000; ++i) sent += static_cast<char>('a' + i % 26);
  std::atomic<int> readable = 0;
  std::atomic<int> writable = 0;
  body.on_readable([&] {
    ++readable;
    readable.notify_all();
  });
  body.on_writable([&] {
    ++writable;
    writable.notify_all();
  });
  std::thread writer([&] {
    for (std::string_view rest = sent; !rest.empty();) {
      const int seen = writable;
      const std::size_t count = body.write(bytes_of(rest));
      rest.remove_prefix(count);
      if (count == 0) writable.wait(seen);
    }
    body.finish();
  });
  std::string received;
  for (;;) {
    const int seen = readable;
    received += read_all(body);
    if (body.end() == Body::End::kFinished) break;
    if (body.available() == 0) readable.wait(seen);
  }
  writer.join();
  EXPECT_EQ(received, sent);
}

TEST(HttpSyntax, Names) {
  using namespace wasi::http;
  EXPECT_TRUE(is_token("x-Y_1"));
  for (const char* wrong : {"", "a b", "a:", "a\r\n", "\xE4"}) EXPECT_FALSE(is_token(wrong)) << wrong;
  EXPECT_TRUE(is_field_value("a\tb \xE4"));
  for (const std::string& wrong : {std::string("a\r\nx: y"), std::string("\0", 1), std::string("\x7F")})
    EXPECT_FALSE(is_field_value(wrong));
  for (const char* right : {"", "/", "/a?b=c", "?q", "*"}) EXPECT_TRUE(is_path_with_query(right)) << right;
  for (const char* wrong : {"a", "/a b", "/a\r\n", "/#x", "/\xE4"}) EXPECT_FALSE(is_path_with_query(wrong)) << wrong;
  for (const char* right : {"a.b", "a:1", "[::1]:80", "1.2.3.4"}) EXPECT_TRUE(is_authority(right)) << right;
  for (const char* wrong : {"", "a:", ":1", "a:70000", "a b", "u@a", "a/b", "[::1", "[]", "a:1:2", "a\r\n"})
    EXPECT_FALSE(is_authority(wrong)) << wrong;
  EXPECT_EQ(content_length({{"Content-Length", "12"}}).bytes, 12u);
  EXPECT_FALSE(content_length({{"content-length", "12"}, {"Content-Length", "12"}}).is_valid);
  EXPECT_FALSE(content_length({{"content-length", "-1"}}).is_valid);
  EXPECT_FALSE(content_length({{"content-length", "99999999999999999999"}}).is_valid);
}

TEST(HttpSyntax, AllowedHosts) {
  using wasi::http::is_allowed;
  const wasi::http::Options options{.allowed_hosts = {"example.org", "api.test:8443", "*.wild.test", "[::1]:80"}};
  EXPECT_TRUE(is_allowed(options, "https", "EXAMPLE.org"));
  EXPECT_TRUE(is_allowed(options, "http", "example.org:80"));
  EXPECT_FALSE(is_allowed(options, "https", "example.org:80"));
  EXPECT_FALSE(is_allowed(options, "https", "example.org.evil.test"));
  EXPECT_FALSE(is_allowed(options, "https", "notexample.org"));
  EXPECT_TRUE(is_allowed(options, "https", "api.test:8443"));
  EXPECT_FALSE(is_allowed(options, "https", "api.test"));
  EXPECT_TRUE(is_allowed(options, "https", "a.b.wild.test"));
  EXPECT_FALSE(is_allowed(options, "https", "wild.test"));
  EXPECT_FALSE(is_allowed(options, "https", "evilwild.test"));
  EXPECT_TRUE(is_allowed(options, "http", "[::1]"));
  EXPECT_FALSE(is_allowed({}, "https", "example.org"));
  component::Linker linker;
  EXPECT_FALSE(wasi::http::define(linker, {.allowed_hosts = {"example.org"}}));
  EXPECT_FALSE(wasi::http::define(linker, {.allowed_hosts = {"http://x"}}));
}

std::string method(const std::string& name) { return "[method]" + name; }
Value fields(Host& host, const std::vector<std::pair<std::string, std::string>>& entries) {
  Values list;
  for (const auto& [name, value] : entries) list.push_back(Values{name, to_bytes(value)});
  return host.ok(kTypes, "[static]fields.from-list", {Value(std::move(list))});
}

TEST(Http, Fields) {
  HostGuest guest({});
  guest.check([](Host& host) {
    constexpr std::uint32_t kSyntax = 0;
    constexpr std::uint32_t kForbidden = 1;
    const Value made = lent(host.call(kTypes, "[constructor]fields"));
    host.ok(kTypes, method("fields.append"), {made, std::string("X-A"), to_bytes("1")});
    host.ok(kTypes, method("fields.append"), {made, std::string("x-a"), to_bytes("2")});
    EXPECT_EQ(host.call(kTypes, method("fields.get"), {made, std::string("x-A")}),
              (Values{to_bytes("1"), to_bytes("2")}));
    EXPECT_EQ(host.call(kTypes, method("fields.has"), {made, std::string("X-a")}), Value(true));
    EXPECT_EQ(host.call(kTypes, method("fields.has"), {made, std::string("no")}), Value(false));
    const Value clone = lent(host.call(kTypes, method("fields.clone"), {made}));
    host.ok(kTypes, method("fields.set"), {made, std::string("x-b"), Values{to_bytes("3")}});
    host.ok(kTypes, method("fields.delete"), {made, std::string("x-a")});
    EXPECT_EQ(host.call(kTypes, method("fields.entries"), {made}),
              (Values{Value(Values{std::string("x-b"), to_bytes("3")})}));
    EXPECT_EQ(host.call(kTypes, method("fields.entries"), {clone}).as<Values>().size(), 2u);
    const auto append = [&](const std::string& name, const std::string& value) {
      return host.error(kTypes, method("fields.append"), {made, name, to_bytes(value)});
    };
    EXPECT_EQ(append("a b", "x"), kSyntax);
    EXPECT_EQ(append("a", "x\r\ny: z"), kSyntax);
    EXPECT_EQ(append("Transfer-Encoding", "chunked"), kForbidden);
    EXPECT_EQ(append("HOST", "x"), kForbidden);
    EXPECT_EQ(host.error(kTypes, "[static]fields.from-list",
                         {Value(Values{Value(Values{std::string("upgrade"), to_bytes("x")})})}),
              kForbidden);
  });
}

TEST(Http, BytesOfFieldsAreBounded) {
  HostGuest guest({});
  guest.check([](Host& host) {
    const Value made = lent(host.call(kTypes, "[constructor]fields"));
    const Values arguments{made, std::string("x"), Bytes(1 << 20, std::byte{'a'})};
    int count = 0;
    for (; count < 100; ++count)
      if (!host.attempt(kTypes, method("fields.append"), arguments)) break;
    EXPECT_EQ(count, 15);
  });
}

/// The functions of a handler, with a request that the test makes.
class Handler {
 public:
  explicit Handler(Host& host) : host_(host) {}
  Value response(std::uint16_t status, const std::vector<std::pair<std::string, std::string>>& headers) {
    const Value made = host_.call(kTypes, "[constructor]outgoing-response", {fields(host_, headers)});
    host_.ok(kTypes, method("outgoing-response.set-status-code"), {lent(made), status});
    return made;
  }
  Value body(const Value& response) { return host_.ok(kTypes, method("outgoing-response.body"), {lent(response)}); }
  void write(const Value& body, std::string_view text) {
    const Value stream = host_.ok(kTypes, method("outgoing-body.write"), {lent(body)});
    host_.ok(kStreams, method("output-stream.blocking-write-and-flush"), {lent(stream), to_bytes(text)});
    host_.drop(kStreams, "output-stream", stream);
  }

 private:
  Host& host_;
};

TEST(Http, OutgoingBodies) {
  HostGuest guest({});
  guest.check([](Host& host) {
    constexpr std::uint32_t kBodySize = 28;
    Handler handler(host);
    const Value response = handler.response(201, {{"content-length", "5"}});
    EXPECT_EQ(host.call(kTypes, method("outgoing-response.status-code"), {lent(response)}), Value(std::uint16_t{201}));
    const Value headers = lent(host.call(kTypes, method("outgoing-response.headers"), {lent(response)}));
    constexpr std::uint32_t kImmutable = 2;
    EXPECT_EQ(host.error(kTypes, method("fields.append"), {headers, std::string("x"), to_bytes("y")}), kImmutable);
    EXPECT_EQ(host.error(kTypes, method("outgoing-response.set-status-code"), {lent(response), std::uint16_t{99}}), 0u);
    const Value body = handler.body(response);
    EXPECT_EQ(host.error(kTypes, method("outgoing-response.body"), {lent(response)}), 0u);
    handler.write(body, "123");
    EXPECT_EQ(host.error(kTypes, "[static]outgoing-body.finish", {body, component::none()}), kBodySize);

    const Value other = handler.response(200, {{"content-length", "5"}});
    const Value longer = handler.body(other);
    const Value stream = lent(host.ok(kTypes, method("outgoing-body.write"), {lent(longer)}));
    EXPECT_EQ(host.error(kTypes, method("outgoing-body.write"), {lent(longer)}), 0u);
    Value result = host.call(kStreams, method("output-stream.blocking-write-and-flush"), {stream, to_bytes("123456")});
    const Value failure = lent(*result.as<Case>().payload->as<Case>().payload);
    EXPECT_EQ(host.call(kTypes, "http-error-code", {failure}), component::some(Case(kBodySize, component::none())));
    // While its stream is there.
    EXPECT_FALSE(host.attempt(kTypes, "[static]outgoing-body.finish", {longer, component::none()}));
    const Value wrong = handler.response(200, {{"content-length", "five"}});
    EXPECT_EQ(host.error(kTypes, method("outgoing-response.body"), {lent(wrong)}), 0u);
  });
}

/// Answers each request as a test says, on a thread of its own.
class EchoClient final : public wasi::http::Client {
 public:
  void send(wasi::http::Request request, const wasi::http::RequestTimes& times,
            wasi::http::TakeResponse take) override {
    EXPECT_EQ(times.connect, std::chrono::nanoseconds(7));
    thread_ = std::jthread([request = std::move(request), take = std::move(take)] {
      std::string received = *request.authority + *request.path + " ";
      while (request.body->end() == Body::End::kOpen) received += read_all(*request.body);
      const auto trailers = request.body->trailers();
      take(wasi::http::Response{.status = 418,
                                .headers = {{"x-method", request.method}, {"connection", "close"}},
                                .body = std::make_shared<Body>(received, trailers)});
    });
  }

 private:
  std::jthread thread_;
};

TEST(Http, RequestsOfGuests) {
  auto client = std::make_shared<EchoClient>();
  HostGuest guest({}, {.allowed_hosts = {"example.org"}, .client = client});
  guest.check([](Host& host) {
    const auto request = [&](const std::string& authority) {
      const Value made = host.call(kTypes, "[constructor]outgoing-request", {fields(host, {{"a", "b"}})});
      host.ok(kTypes, method("outgoing-request.set-authority"), {lent(made), component::some(authority)});
      host.ok(kTypes, method("outgoing-request.set-method"), {lent(made), Case(2)});
      host.ok(kTypes, method("outgoing-request.set-path-with-query"), {lent(made), component::some(std::string("/p"))});
      return made;
    };
    constexpr std::uint32_t kDenied = 15;
    const Value denied = request("example.com");
    EXPECT_EQ(host.error("http/outgoing-handler", "handle", {denied, component::none()}), kDenied);

    const Value made = request("example.org");
    EXPECT_EQ(host.call(kTypes, method("outgoing-request.method"), {lent(made)}), Value(Case(2)));
    EXPECT_EQ(host.error(kTypes, method("outgoing-request.set-method"), {lent(made), Case(9, std::string("a b"))}), 0u);
    EXPECT_EQ(host.error(kTypes, method("outgoing-request.set-authority"),
                         {lent(made), component::some(std::string("a\r\nb"))}),
              0u);
    const Value body = host.ok(kTypes, method("outgoing-request.body"), {lent(made)});
    const Value options = host.call(kTypes, "[constructor]request-options");
    host.ok(kTypes, method("request-options.set-connect-timeout"), {lent(options), component::some(std::uint64_t{7})});
    EXPECT_EQ(host.call(kTypes, method("request-options.connect-timeout"), {lent(options)}),
              component::some(std::uint64_t{7}));
    const Value future = host.ok("http/outgoing-handler", "handle", {made, component::some(options)});
    EXPECT_EQ(host.call(kTypes, method("future-incoming-response.get"), {lent(future)}), component::none());
    const Value stream = host.ok(kTypes, method("outgoing-body.write"), {lent(body)});
    for (int i = 0; i < 30; ++i)
      host.ok(kStreams, method("output-stream.blocking-write-and-flush"), {lent(stream), Bytes(4096, std::byte{'x'})});
    host.drop(kStreams, "output-stream", stream);
    host.ok(kTypes, "[static]outgoing-body.finish", {body, component::some(fields(host, {{"t", "u"}}))});

    const Value pollable = lent(host.call(kTypes, method("future-incoming-response.subscribe"), {lent(future)}));
    host.call("io/poll", method("pollable.block"), {pollable});
    Value answer = host.call(kTypes, method("future-incoming-response.get"), {lent(future)});
    const Value response = *answer.as<Case>().payload->as<Case>().payload->as<Case>().payload;
    EXPECT_EQ(host.call(kTypes, method("incoming-response.status"), {lent(response)}), Value(std::uint16_t{418}));
    const Value headers = lent(host.call(kTypes, method("incoming-response.headers"), {lent(response)}));
    EXPECT_EQ(host.call(kTypes, method("fields.entries"), {headers}),
              (Values{Value(Values{std::string("x-method"), to_bytes("POST")})}));
    answer = host.call(kTypes, method("future-incoming-response.get"), {lent(future)});
    EXPECT_EQ(answer.as<Case>().payload->as<Case>().index, 1u);  // it was taken

    const Value incoming = host.ok(kTypes, method("incoming-response.consume"), {lent(response)});
    EXPECT_EQ(host.error(kTypes, method("incoming-response.consume"), {lent(response)}), 0u);
    const Value input = host.ok(kTypes, method("incoming-body.stream"), {lent(incoming)});
    std::string text =
        to_text(host.ok(kStreams, method("input-stream.blocking-read"), {lent(input), std::uint64_t{14}}));
    EXPECT_EQ(text, "example.org/p ");
    std::size_t sum = 0;
    for (;;) {
      Value result = host.call(kStreams, method("input-stream.blocking-read"), {lent(input), std::uint64_t{50'000}});
      if (result.as<Case>().index != 0) break;
      sum += result.as<Case>().payload->as<Bytes>().size();
    }
    EXPECT_EQ(sum, 30u * 4096);
    EXPECT_FALSE(host.attempt(kTypes, "[static]incoming-body.finish", {incoming}));  // while its stream is there
  });
}

TEST(Http, TrailersComeBehindWhatIsNotRead) {
  HostGuest guest({}, {.allowed_hosts = {"*"}, .client = std::make_shared<EchoClient>()});
  guest.check([](Host& host) {
    const Value made = host.call(kTypes, "[constructor]outgoing-request", {fields(host, {})});
    host.ok(kTypes, method("outgoing-request.set-authority"), {lent(made), component::some(std::string("x"))});
    host.ok(kTypes, method("outgoing-request.set-path-with-query"), {lent(made), component::some(std::string("/"))});
    const Value body = host.ok(kTypes, method("outgoing-request.body"), {lent(made)});
    const Value options = host.call(kTypes, "[constructor]request-options");
    host.ok(kTypes, method("request-options.set-connect-timeout"), {lent(options), component::some(std::uint64_t{7})});
    const Value future = host.ok("http/outgoing-handler", "handle", {made, component::some(options)});
    host.ok(kTypes, "[static]outgoing-body.finish", {body, component::some(fields(host, {{"t", "u"}}))});
    host.call("io/poll", method("pollable.block"),
              {lent(host.call(kTypes, method("future-incoming-response.subscribe"), {lent(future)}))});
    Value answer = host.call(kTypes, method("future-incoming-response.get"), {lent(future)});
    const Value response = *answer.as<Case>().payload->as<Case>().payload->as<Case>().payload;
    const Value incoming = host.ok(kTypes, method("incoming-response.consume"), {lent(response)});
    const Value trailers = lent(host.call(kTypes, "[static]incoming-body.finish", {incoming}));
    host.call("io/poll", method("pollable.block"),
              {lent(host.call(kTypes, method("future-trailers.subscribe"), {trailers}))});
    answer = host.call(kTypes, method("future-trailers.get"), {trailers});
    const Value some = *answer.as<Case>().payload->as<Case>().payload->as<Case>().payload;
    EXPECT_EQ(host.call(kTypes, method("fields.entries"), {lent(*some.as<Case>().payload)}),
              (Values{Value(Values{std::string("t"), to_bytes("u")})}));
  });
}

TEST(Http, ABodyThatIsDroppedUnfinishedHasFailed) {
  class KeepingClient final : public wasi::http::Client {
   public:
    void send(wasi::http::Request request, const wasi::http::RequestTimes& /*times*/,
              wasi::http::TakeResponse take) override {
      body = request.body;
      taker = std::move(take);
    }
    std::shared_ptr<Body> body;
    wasi::http::TakeResponse taker;
  };
  const auto client = std::make_shared<KeepingClient>();
  HostGuest guest({}, {.allowed_hosts = {"*"}, .client = client});
  guest.check([](Host& host) {
    const Value made = host.call(kTypes, "[constructor]outgoing-request", {fields(host, {})});
    host.ok(kTypes, method("outgoing-request.set-authority"), {lent(made), component::some(std::string("x"))});
    (void)host.ok(kTypes, method("outgoing-request.body"), {lent(made)});
    (void)host.ok("http/outgoing-handler", "handle", {made, component::none()});
  });
  EXPECT_EQ(client->body->end(), Body::End::kOpen);
  guest.renew();
  (void)guest.lease();
  EXPECT_EQ(client->body->end(), Body::End::kFailed);
  // The guest is gone: what comes is not read.
  const auto late = std::make_shared<Body>();
  client->taker(wasi::http::Response{.body = late});
  EXPECT_TRUE(late->is_abandoned());
}

}  // namespace
}  // namespace anew::test
