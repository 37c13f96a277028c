// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// wasi:sockets, function by function, against sockets of this process.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "host/wasi/network.hpp"
#include "wasi/host2.hpp"

namespace anew::test {
namespace {

using component::Value;

constexpr const char* kStreams = "io/streams";

// Cases of the error-code of wasi:sockets.
constexpr std::uint32_t kAccessDenied = 1;
constexpr std::uint32_t kInvalidArgument = 3;
constexpr std::uint32_t kConcurrencyConflict = 6;
constexpr std::uint32_t kNotInProgress = 7;
constexpr std::uint32_t kWouldBlock = 8;
constexpr std::uint32_t kInvalidState = 9;
constexpr std::uint32_t kNewSocketLimit = 10;
constexpr std::uint32_t kAddressInUse = 12;
constexpr std::uint32_t kConnectionRefused = 14;
constexpr std::uint32_t kConnectionReset = 15;
constexpr std::uint32_t kDatagramTooLarge = 17;

constexpr std::uint32_t kClosed = 1;  // of stream-error

constexpr std::uint64_t kSecond = 1'000'000'000;

Value v4(std::array<std::uint8_t, 4> bytes, std::uint16_t port) {
  return Case(0, Values{port, Values{bytes[0], bytes[1], bytes[2], bytes[3]}});
}
Value here(std::uint16_t port) { return v4({127, 0, 0, 1}, port); }
Value v6(std::array<std::uint16_t, 8> groups, std::uint16_t port) {
  return Case(1, Values{port, std::uint32_t{0}, Values(groups.begin(), groups.end()), std::uint32_t{0}});
}
std::uint16_t port_of(const Value& address) {
  return address.as<Case>().payload->as<Values>().at(0).as<std::uint16_t>();
}

/// A socket of the test's, at 127.0.0.1.
class Peer {
 public:
  explicit Peer(int type) : number_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = at(0);
    if (bind(number_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error("bind failed");
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    setsockopt(number_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  /// The next connection of a listening one.
  explicit Peer(const Peer* listener) : number_(accept(listener->number_, nullptr, nullptr)) {
    if (number_ < 0) throw std::runtime_error("accept failed");
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(number_); }

  static sockaddr_in at(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  void listen_to() { ASSERT_EQ(listen(number_, 8), 0); }
  void connect_to(std::uint16_t port) {
    const sockaddr_in address = at(port);
    ASSERT_EQ(connect(number_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    getsockname(number_, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
  }
  /// What comes next; empty at the end.
  std::string receive() {
    std::array<char, 65'536> bytes;
    const ssize_t count = recv(number_, bytes.data(), bytes.size(), 0);
    if (count < 0) throw std::runtime_error("recv failed");
    return {bytes.data(), static_cast<std::size_t>(count)};
  }
  void send_text(const std::string& text) {
    ASSERT_EQ(send(number_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  void send_to(std::uint16_t port, const std::string& text) {
    const sockaddr_in address = at(port);
    ASSERT_EQ(
        sendto(number_, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
        ssize_t(text.size()));
  }
  int number() const { return number_; }

 private:
  int number_;
};

/// A guest's socket, TCP or UDP.
class GuestSocket {
 public:
  GuestSocket(Host& host, std::string kind, std::uint32_t family = 0)
      : host_(host),
        kind_(std::move(kind)),
        network_(lent(host.call("sockets/instance-network", "instance-network"))),
        socket_(lent(host.ok("sockets/" + kind_ + "-create-socket", "create-" + kind_ + "-socket", {Case(family)}))) {}
  GuestSocket(Host& host, std::string kind, const Value& socket)
      : host_(host), kind_(std::move(kind)), socket_(lent(socket)) {}

  Value call(const std::string& name) { return host_.call("sockets/" + kind_, method(name), {socket_}); }
  template <typename... A>
  Value ok(const std::string& name, A... arguments) {
    return host_.ok("sockets/" + kind_, method(name), {socket_, std::move(arguments)...});
  }
  template <typename... A>
  std::uint32_t error(const std::string& name, A... arguments) {
    return host_.error("sockets/" + kind_, method(name), {socket_, std::move(arguments)...});
  }
  void start(const std::string& name, const Value& address) { ok("start-" + name, network_, address); }
  std::uint32_t start_error(const std::string& name, const Value& address) {
    return error("start-" + name, network_, address);
  }
  void bind_to(const Value& address) {
    start("bind", address);
    ok("finish-bind");
  }
  void wait() {
    const Value pollable = call("subscribe");
    host_.call("io/poll", "[method]pollable.block", {lent(pollable)});
    host_.drop("io/poll", "pollable", pollable);
  }
  void drop() { host_.drop("sockets/" + kind_, kind_ + "-socket", socket_); }

 private:
  std::string method(const std::string& name) const { return "[method]" + kind_ + "-socket." + name; }
  Host& host_;
  std::string kind_;
  Value network_;
  Value socket_;
};

/// The streams of a connection.
class Connection {
 public:
  Connection(Host& host, Value input, Value output) : host_(host), input_(lent(input)), output_(lent(output)) {}
  static Connection make(Host& host, GuestSocket& socket, std::uint16_t port) {
    socket.start("connect", here(port));
    socket.wait();
    const Value streams = socket.ok("finish-connect");
    return {host, streams.as<Values>().at(0), streams.as<Values>().at(1)};
  }
  void write(const std::string& text) {
    host_.ok(kStreams, "[method]output-stream.blocking-write-and-flush", {output_, to_bytes(text)});
  }
  std::string read() {
    return to_text(host_.ok(kStreams, "[method]input-stream.blocking-read", {input_, std::uint64_t{65'536}}));
  }
  std::uint32_t read_error() {
    return host_.error(kStreams, "[method]input-stream.blocking-read", {input_, std::uint64_t{1}});
  }
  std::uint32_t write_error() { return host_.error(kStreams, "[method]output-stream.check-write", {output_}); }

  Value input() const { return input_; }
  Value output() const { return output_; }

 private:
  Host& host_;
  Value input_;
  Value output_;
};

TEST(Sockets, AddressesAreAllowedAsTheyAreWritten) {
  using wasi::detail::AddressPattern;
  const auto address = [](const std::string& text, std::uint16_t port) {
    os::SocketAddress parsed = os::parse_address(text).value();
    parsed.port = port;
    return parsed;
  };
  const auto matches = [&](const char* pattern, const std::string& text, std::uint16_t port) {
    return AddressPattern::parse(pattern).value().matches(address(text, port));
  };
  EXPECT_TRUE(matches("127.0.0.1:80", "127.0.0.1", 80));
  EXPECT_FALSE(matches("127.0.0.1:80", "127.0.0.1", 81));
  EXPECT_FALSE(matches("127.0.0.1:80", "127.0.0.2", 80));
  EXPECT_TRUE(matches("127.0.0.1", "127.0.0.1", 65'535));
  EXPECT_TRUE(matches("10.160.0.0/11", "10.191.255.255", 1));
  EXPECT_FALSE(matches("10.160.0.0/11", "10.192.0.0", 1));
  EXPECT_TRUE(matches("0.0.0.0/0:443", "8.8.8.8", 443));
  EXPECT_FALSE(matches("0.0.0.0/0", "::1", 443));
  EXPECT_TRUE(matches("[::1]:80", "::1", 80));
  EXPECT_FALSE(matches("[::1]", "::2", 80));
  EXPECT_TRUE(matches("[fd00::/8]:443", "fdff::1", 443));
  EXPECT_FALSE(matches("[fd00::/8]:443", "fe00::1", 443));
  for (const char* const text :
       {"", "localhost", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+8", "127.0.0.1/33", "127.0.0.1/",
        "127.0.0.1/8/8", "127.1", "::1", "[::1", "[::1]80", "[127.0.0.1]", "[::1/129]", "127.0.0.1:80 ", "*"})
    EXPECT_FALSE(AddressPattern::parse(text)) << text;
  component::Linker linker;
  const auto defined = wasi::define(linker, {.network = {.connect = {"everything"}}});
  ASSERT_FALSE(defined);
  EXPECT_EQ(defined.error().code, ErrorCode::kArgument);
}

TEST(Sockets, ATcpClient) {
  Peer listener(SOCK_STREAM);
  listener.listen_to();
  HostGuest guest({.network = {.connect = {"127.0.0.1:" + std::to_string(listener.port())}}});
  guest.check([&](Host& host) {
    GuestSocket socket(host, "tcp");
    EXPECT_EQ(socket.error("finish-connect"), kNotInProgress);
    EXPECT_EQ(socket.error("local-address"), kInvalidState);
    EXPECT_EQ(socket.error("remote-address"), kInvalidState);
    EXPECT_EQ(socket.error("shutdown", Case(2)), kInvalidState);
    socket.start("connect", here(listener.port()));
    EXPECT_EQ(socket.start_error("connect", here(listener.port())), kConcurrencyConflict);
    socket.wait();
    const Value streams = socket.ok("finish-connect");
    Connection connection(host, streams.as<Values>().at(0), streams.as<Values>().at(1));
    EXPECT_EQ(socket.error("finish-connect"), kNotInProgress);
    EXPECT_EQ(socket.start_error("connect", here(listener.port())), kInvalidState);
    EXPECT_EQ(socket.start_error("bind", here(0)), kInvalidState);
    EXPECT_EQ(socket.error("accept"), kInvalidState);
    EXPECT_EQ(socket.ok("remote-address"), here(listener.port()));
    EXPECT_EQ(socket.call("address-family"), Value(Case(0)));

    Peer peer(&listener);
    connection.write("a question");
    EXPECT_EQ(peer.receive(), "a question");
    EXPECT_EQ(to_text(host.ok(kStreams, "[method]input-stream.read", {connection.input(), std::uint64_t{9}})), "");
    peer.send_text("an answer");
    EXPECT_EQ(connection.read(), "an answer");

    socket.ok("shutdown", Case(1));
    EXPECT_EQ(peer.receive(), "");
    EXPECT_EQ(connection.write_error(), kClosed);
    peer.send_text("it still reads");
    EXPECT_EQ(connection.read(), "it still reads");
    socket.ok("shutdown", Case(0));
    peer.send_text("and no more");
    EXPECT_EQ(connection.read_error(), kClosed);
  });
}

TEST(Sockets, OfIpv6) {
  const int number = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  socklen_t length = sizeof(address);
  if (number < 0 || bind(number, reinterpret_cast<const sockaddr*>(&address), length) != 0)
    GTEST_SKIP() << "this machine has no IPv6";
  ASSERT_EQ(listen(number, 8), 0);
  getsockname(number, reinterpret_cast<sockaddr*>(&address), &length);
  const std::uint16_t port = ntohs(address.sin6_port);
  HostGuest guest({.network = {.connect = {"[::1]:" + std::to_string(port)}}});
  guest.check([&](Host& host) {
    GuestSocket socket(host, "tcp", 1);
    // 127.0.0.1 in IPv6's clothes, another family, another address.
    EXPECT_EQ(socket.start_error("connect", v6({0, 0, 0, 0, 0, 0xFFFF, 0x7F00, 1}, port)), kInvalidArgument);
    EXPECT_EQ(socket.start_error("connect", here(port)), kInvalidArgument);
    EXPECT_EQ(socket.start_error("connect", v6({0xFD00, 0, 0, 0, 0, 0, 0, 1}, port)), kAccessDenied);
    socket.start("connect", v6({0, 0, 0, 0, 0, 0, 0, 1}, port));
    socket.wait();
    socket.ok("finish-connect");
    EXPECT_EQ(socket.ok("remote-address"), v6({0, 0, 0, 0, 0, 0, 0, 1}, port));
    EXPECT_EQ(socket.call("address-family"), Value(Case(1)));
    socket.ok("set-hop-limit", std::uint8_t{9});
    EXPECT_EQ(socket.ok("hop-limit"), Value(std::uint8_t{9}));
  });
  close(number);
}

TEST(Sockets, ATcpClientConnectsToWhatIsAllowed) {
  const Peer silent(SOCK_STREAM);  // it does not listen
  HostGuest guest({.network = {.connect = {"127.0.0.1:" + std::to_string(silent.port()), "224.0.0.0/4", "0.0.0.0"}}});
  guest.check([&](Host& host) {
    GuestSocket socket(host, "tcp");
    const std::uint16_t port = silent.port();
    const std::uint16_t other = port == 1 ? 2 : port - 1;
    EXPECT_EQ(socket.start_error("connect", here(other)), kAccessDenied);
    EXPECT_EQ(socket.start_error("connect", v4({127, 0, 0, 2}, port)), kAccessDenied);
    EXPECT_EQ(socket.start_error("connect", here(0)), kInvalidArgument);
    EXPECT_EQ(socket.start_error("connect", v4({0, 0, 0, 0}, port)), kInvalidArgument);
    EXPECT_EQ(socket.start_error("connect", v4({224, 0, 0, 1}, port)), kInvalidArgument);
    // It is no server, and binds to no port of its choice.
    EXPECT_EQ(socket.start_error("bind", here(port)), kAccessDenied);
    socket.bind_to(here(0));
    EXPECT_EQ(socket.error("start-listen"), kAccessDenied);
    socket.start("connect", here(port));
    socket.wait();
    EXPECT_EQ(socket.error("finish-connect"), kConnectionRefused);
    EXPECT_EQ(socket.start_error("connect", here(port)), kInvalidState);
  });
}

TEST(Sockets, ATcpServer) {
  HostGuest guest({.network = {.listen = {"127.0.0.1"}}});
  guest.check([](Host& host) {
    GuestSocket socket(host, "tcp");
    EXPECT_EQ(socket.error("start-listen"), kInvalidState);
    EXPECT_EQ(socket.error("finish-bind"), kNotInProgress);
    EXPECT_EQ(socket.start_error("bind", v4({0, 0, 0, 0}, 8080)), kAccessDenied);
    EXPECT_EQ(socket.start_error("bind", v4({255, 255, 255, 255}, 0)), kInvalidArgument);
    EXPECT_EQ(socket.start_error("bind", v6({0, 0, 0, 0, 0, 0, 0, 1}, 0)), kInvalidArgument);
    socket.start("bind", here(0));
    EXPECT_EQ(socket.start_error("bind", here(0)), kConcurrencyConflict);
    EXPECT_EQ(socket.error("start-listen"), kConcurrencyConflict);
    EXPECT_EQ(socket.error("local-address"), kInvalidState);
    socket.ok("finish-bind");
    EXPECT_EQ(socket.start_error("bind", here(0)), kInvalidState);
    const std::uint16_t port = port_of(socket.ok("local-address"));
    EXPECT_EQ(socket.error("accept"), kInvalidState);
    EXPECT_EQ(socket.error("finish-listen"), kNotInProgress);
    EXPECT_EQ(socket.error("set-listen-backlog-size", std::uint64_t{0}), kInvalidArgument);
    socket.ok("set-listen-backlog-size", ~std::uint64_t{0});
    socket.ok("start-listen");
    EXPECT_EQ(socket.call("is-listening"), Value(false));
    socket.ok("finish-listen");
    EXPECT_EQ(socket.call("is-listening"), Value(true));
    socket.ok("set-listen-backlog-size", std::uint64_t{3});
    EXPECT_EQ(socket.error("start-listen"), kInvalidState);
    EXPECT_EQ(socket.start_error("connect", here(port)), kInvalidState);
    EXPECT_EQ(socket.error("accept"), kWouldBlock);
    GuestSocket second(host, "tcp");
    EXPECT_EQ(second.start_error("bind", here(port)), kAddressInUse);

    socket.ok("set-hop-limit", std::uint8_t{33});
    socket.ok("set-keep-alive-enabled", true);
    for (int round = 0; round < 2; ++round) {
      Peer client(SOCK_STREAM);
      client.connect_to(port);
      socket.wait();
      const Value accepted = socket.ok("accept");
      GuestSocket connected(host, "tcp", accepted.as<Values>().at(0));
      Connection connection(host, accepted.as<Values>().at(1), accepted.as<Values>().at(2));
      EXPECT_EQ(connected.ok("remote-address"), here(client.port()));
      EXPECT_EQ(connected.ok("local-address"), here(port));
      EXPECT_EQ(connected.ok("hop-limit"), Value(std::uint8_t{33}));
      EXPECT_EQ(connected.ok("keep-alive-enabled"), Value(true));
      client.send_text("a question");
      EXPECT_EQ(connection.read(), "a question");
      connection.write("an answer");
      EXPECT_EQ(client.receive(), "an answer");
      // A connection stays as long as one of its streams.
      connected.drop();
      host.drop(kStreams, "input-stream", connection.input());
      connection.write("the rest");
      EXPECT_EQ(client.receive(), "the rest");
      host.drop(kStreams, "output-stream", connection.output());
      EXPECT_EQ(client.receive(), "");
    }
  });
}

TEST(Sockets, TcpOptions) {
  HostGuest guest({.network = {.connect = {"127.0.0.1"}}});
  guest.check([](Host& host) {
    GuestSocket socket(host, "tcp");
    EXPECT_EQ(socket.ok("keep-alive-enabled"), Value(false));
    socket.ok("set-keep-alive-enabled", true);
    EXPECT_EQ(socket.ok("keep-alive-enabled"), Value(true));
    for (const char* const name : {"keep-alive-idle-time", "keep-alive-interval"}) {
      const std::string set = std::string("set-") + name;
      socket.ok(set, 7 * kSecond);
      EXPECT_EQ(socket.ok(name), Value(7 * kSecond));
      socket.ok(set, std::uint64_t{1});
      EXPECT_EQ(socket.ok(name), Value(kSecond));
      socket.ok(set, ~std::uint64_t{0});
      EXPECT_EQ(socket.ok(name), Value(32'767 * kSecond));
      EXPECT_EQ(socket.error(set, std::uint64_t{0}), kInvalidArgument);
    }
    socket.ok("set-keep-alive-count", ~std::uint32_t{0});
    EXPECT_EQ(socket.ok("keep-alive-count"), Value(std::uint32_t{127}));
    EXPECT_EQ(socket.error("set-keep-alive-count", std::uint32_t{0}), kInvalidArgument);
    socket.ok("set-hop-limit", std::uint8_t{255});
    EXPECT_EQ(socket.ok("hop-limit"), Value(std::uint8_t{255}));
    EXPECT_EQ(socket.error("set-hop-limit", std::uint8_t{0}), kInvalidArgument);
    for (const char* const name : {"receive-buffer-size", "send-buffer-size"}) {
      const std::string set = std::string("set-") + name;
      socket.ok(set, std::uint64_t{20'000});
      EXPECT_EQ(socket.ok(name), Value(std::uint64_t{20'000}));
      socket.ok(set, ~std::uint64_t{0});
      EXPECT_GT(socket.ok(name).as<std::uint64_t>(), 20'000u);
      EXPECT_EQ(socket.error(set, std::uint64_t{0}), kInvalidArgument);
    }
  });
}

TEST(Sockets, WhatWasWrittenArrivesBeforeTheEnd) {
  Peer listener(SOCK_STREAM);
  listener.listen_to();
  HostGuest guest({.network = {.connect = {"127.0.0.1"}}});
  guest.check([&](Host& host) {
    GuestSocket socket(host, "tcp");
    Connection connection = Connection::make(host, socket, listener.port());
    Peer peer(&listener);
    // Until nothing is permitted any more: the system's buffers are full, and so is what is kept for them.
    std::size_t written = 0;
    for (;;) {
      const auto room =
          host.ok(kStreams, "[method]output-stream.check-write", {connection.output()}).as<std::uint64_t>();
      if (room == 0) break;
      host.ok(kStreams, "[method]output-stream.write", {connection.output(), Bytes(room)});
      written += room;
      ASSERT_LT(written, 100'000'000u);
    }
    socket.ok("shutdown", Case(1));
    std::size_t received = 0;
    std::thread reader([&] {
      for (std::string bytes = peer.receive(); !bytes.empty(); bytes = peer.receive()) received += bytes.size();
    });
    const Value pollable = host.call(kStreams, "[method]output-stream.subscribe", {connection.output()});
    host.call("io/poll", "[method]pollable.block", {lent(pollable)});
    reader.join();
    EXPECT_EQ(received, written);
  });
}

TEST(Sockets, ErrorsOfStreamsAreKnownToTheNetwork) {
  Peer listener(SOCK_STREAM);
  listener.listen_to();
  HostGuest guest({.network = {.connect = {"127.0.0.1"}}});
  guest.check([&](Host& host) {
    GuestSocket socket(host, "tcp");
    Connection connection = Connection::make(host, socket, listener.port());
    {
      const Peer peer(&listener);
      const linger now{.l_onoff = 1, .l_linger = 0};
      ASSERT_EQ(setsockopt(peer.number(), SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    }
    Value read = host.call(kStreams, "[method]input-stream.blocking-read", {connection.input(), std::uint64_t{1}});
    ASSERT_EQ(read.as<Case>().index, 1u);
    const Case& error = read.as<Case>().payload->as<Case>();
    ASSERT_EQ(error.index, 0u);
    EXPECT_EQ(host.call("sockets/network", "network-error-code", {lent(*error.payload)}),
              component::some(Case(kConnectionReset)));
    EXPECT_EQ(connection.read_error(), kClosed);
    socket.ok("shutdown", Case(2));
  });
}

TEST(Sockets, WaitingEndsAtTheDeadline) {
  Peer listener(SOCK_STREAM);
  listener.listen_to();
  HostGuest guest({.network = {.connect = {"127.0.0.1"}}});
  guest.lease().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(100));
  const auto error = guest.run([&](Host& host) {
    GuestSocket socket(host, "tcp");
    const Connection connection = Connection::make(host, socket, listener.port());
    (void)host.attempt(kStreams, "[method]input-stream.blocking-read", {connection.input(), std::uint64_t{1}});
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->trap, TrapKind::kInterrupted);
}

/// The streams of a UDP socket.
class Datagrams {
 public:
  Datagrams(Host& host, GuestSocket& socket, const Value& remote) : host_(host) {
    const Value pair = socket.ok("stream", remote);
    incoming_ = lent(pair.as<Values>().at(0));
    outgoing_ = lent(pair.as<Values>().at(1));
  }
  static Value datagram(const std::string& text, const Value& to) { return Values{to_bytes(text), to}; }
  /// Waits for one at least.
  Values receive(std::uint64_t most = 16) {
    for (;;) {
      Value received = host_.ok("sockets/udp", "[method]incoming-datagram-stream.receive", {incoming_, most});
      if (!received.as<Values>().empty()) return std::move(received.as<Values>());
      block("incoming", incoming_);
    }
  }
  Values receive_now() {
    return host_.ok("sockets/udp", "[method]incoming-datagram-stream.receive", {incoming_, std::uint64_t{16}})
        .as<Values>();
  }
  std::uint64_t check_send() {
    block("outgoing", outgoing_);
    return host_.ok("sockets/udp", "[method]outgoing-datagram-stream.check-send", {outgoing_}).as<std::uint64_t>();
  }
  std::uint64_t send(Values datagrams) {
    EXPECT_GE(check_send(), datagrams.size());
    return host_.ok("sockets/udp", "[method]outgoing-datagram-stream.send", {outgoing_, std::move(datagrams)})
        .as<std::uint64_t>();
  }
  std::uint32_t send_error(Values datagrams) {
    EXPECT_GE(check_send(), datagrams.size());
    return host_.error("sockets/udp", "[method]outgoing-datagram-stream.send", {outgoing_, std::move(datagrams)});
  }
  bool sends_unchecked(Values datagrams) {
    return host_.attempt("sockets/udp", "[method]outgoing-datagram-stream.send", {outgoing_, std::move(datagrams)})
        .has_value();
  }
  std::uint32_t receive_error() {
    return host_.error("sockets/udp", "[method]incoming-datagram-stream.receive", {incoming_, std::uint64_t{1}});
  }
  std::uint32_t check_send_error() {
    return host_.error("sockets/udp", "[method]outgoing-datagram-stream.check-send", {outgoing_});
  }

 private:
  void block(const std::string& kind, const Value& stream) {
    const Value pollable = host_.call("sockets/udp", "[method]" + kind + "-datagram-stream.subscribe", {stream});
    host_.call("io/poll", "[method]pollable.block", {lent(pollable)});
    host_.drop("io/poll", "pollable", pollable);
  }
  Host& host_;
  Value incoming_;
  Value outgoing_;
};

TEST(Sockets, UdpToOneAndToSeveral) {
  Peer first(SOCK_DGRAM);
  Peer second(SOCK_DGRAM);
  Peer stranger(SOCK_DGRAM);
  const auto text = [](const Peer& peer) { return "127.0.0.1:" + std::to_string(peer.port()); };
  HostGuest guest({.network = {.connect = {text(first), text(second)}}});
  guest.check([&](Host& host) {
    GuestSocket socket(host, "udp");
    EXPECT_EQ(socket.error("stream", component::none()), kInvalidState);
    EXPECT_EQ(socket.error("local-address"), kInvalidState);
    EXPECT_EQ(socket.start_error("bind", here(first.port())), kAccessDenied);
    socket.bind_to(here(0));
    const std::uint16_t port = port_of(socket.ok("local-address"));
    EXPECT_EQ(socket.error("remote-address"), kInvalidState);
    EXPECT_EQ(socket.error("stream", component::some(here(stranger.port()))), kAccessDenied);
    EXPECT_EQ(socket.error("stream", component::some(here(0))), kInvalidArgument);
    EXPECT_EQ(socket.error("stream", component::some(v6({0, 0, 0, 0, 0, 0, 0, 1}, 5))), kInvalidArgument);

    Datagrams all(host, socket, component::none());
    EXPECT_TRUE(all.receive_now().empty());
    const Value to_first = component::some(here(first.port()));
    const Value to_second = component::some(here(second.port()));
    EXPECT_FALSE(all.sends_unchecked({Datagrams::datagram("x", to_first)}));
    EXPECT_EQ(all.send({Datagrams::datagram("one", to_first), Datagrams::datagram("", to_second)}), 2u);
    EXPECT_EQ(first.receive(), "one");
    EXPECT_EQ(second.receive(), "");
    EXPECT_FALSE(all.sends_unchecked({Datagrams::datagram("x", to_first)}));  // that was for one send
    EXPECT_EQ(all.send_error({Datagrams::datagram("x", component::none())}), kInvalidArgument);
    EXPECT_EQ(all.send_error({Datagrams::datagram("x", component::some(here(0)))}), kInvalidArgument);
    EXPECT_EQ(all.send_error({Datagrams::datagram("x", component::some(here(stranger.port())))}), kAccessDenied);
    EXPECT_EQ(all.send_error({Datagrams::datagram(std::string(66'000, 'x'), to_first)}), kDatagramTooLarge);
    EXPECT_EQ(all.send({Datagrams::datagram("sent", to_first), Datagrams::datagram("x", component::none())}), 1u);
    EXPECT_EQ(first.receive(), "sent");
    (void)all.check_send();
    EXPECT_FALSE(all.sends_unchecked(Values(17, Datagrams::datagram("x", to_first))));

    // Whom it may not send to it does not hear.
    stranger.send_to(port, "from a stranger");
    first.send_to(port, "from the first");
    second.send_to(port, std::string(60'000, 'y'));
    Values received = all.receive(1);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0], Value(Values{to_bytes("from the first"), here(first.port())}));
    received = all.receive();
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0], Value(Values{to_bytes(std::string(60'000, 'y')), here(second.port())}));

    Datagrams with_first(host, socket, to_first);
    EXPECT_EQ(all.receive_error(), kInvalidState);
    EXPECT_EQ(all.check_send_error(), kInvalidState);
    EXPECT_EQ(socket.ok("remote-address"), here(first.port()));
    EXPECT_EQ(with_first.send({Datagrams::datagram("2", component::none()), Datagrams::datagram("3", to_first)}), 2u);
    EXPECT_EQ(first.receive(), "2");
    EXPECT_EQ(first.receive(), "3");
    EXPECT_EQ(with_first.send_error({Datagrams::datagram("x", to_second)}), kInvalidArgument);
    second.send_to(port, "from the second");
    first.send_to(port, "from the first");
    received = with_first.receive();
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0], Value(Values{to_bytes("from the first"), here(first.port())}));
  });
}

TEST(Sockets, AUdpServerHearsEverybody) {
  HostGuest guest({.network = {.listen = {"127.0.0.1"}}});
  guest.check([](Host& host) {
    GuestSocket socket(host, "udp");
    socket.bind_to(here(0));
    Datagrams datagrams(host, socket, component::none());
    Peer peer(SOCK_DGRAM);
    peer.send_to(port_of(socket.ok("local-address")), "hello");
    const Values received = datagrams.receive();
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0], Value(Values{to_bytes("hello"), here(peer.port())}));
    // And answers those that it may send to.
    EXPECT_EQ(datagrams.send_error({Datagrams::datagram("x", component::some(here(peer.port())))}), kAccessDenied);
    socket.ok("set-unicast-hop-limit", std::uint8_t{5});
    EXPECT_EQ(socket.ok("unicast-hop-limit"), Value(std::uint8_t{5}));
    EXPECT_EQ(socket.error("set-unicast-hop-limit", std::uint8_t{0}), kInvalidArgument);
    socket.ok("set-receive-buffer-size", std::uint64_t{20'000});
    EXPECT_EQ(socket.ok("receive-buffer-size"), Value(std::uint64_t{20'000}));
    socket.ok("set-send-buffer-size", std::uint64_t{20'000});
    EXPECT_EQ(socket.ok("send-buffer-size"), Value(std::uint64_t{20'000}));
    EXPECT_EQ(socket.call("address-family"), Value(Case(0)));
  });
}

TEST(Sockets, NamesAreLookedUpIfAllowed) {
  HostGuest guest({.network = {.connect = {"127.0.0.1"}, .look_up = {"localhost", "*.localhost"}}});
  guest.check([](Host& host) {
    constexpr const char* kLookUp = "sockets/ip-name-lookup";
    const Value network = lent(host.call("sockets/instance-network", "instance-network"));
    const auto addresses_of = [&](const std::string& name) {
      const Value stream = lent(host.ok(kLookUp, "resolve-addresses", {network, name}));
      const Value pollable = host.call(kLookUp, "[method]resolve-address-stream.subscribe", {stream});
      host.call("io/poll", "[method]pollable.block", {lent(pollable)});
      Values addresses;
      for (;;) {
        Value next = host.ok(kLookUp, "[method]resolve-address-stream.resolve-next-address", {stream});
        if (next == component::none()) return addresses;
        addresses.push_back(std::move(*next.as<Case>().payload));
      }
    };
    const Value v4_here = Case(0, Values{std::uint8_t{127}, std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{1}});
    const std::array<std::uint16_t, 8> groups = {0xFD00, 0, 0, 0, 0, 0, 0, 0x1234};
    const Value v6_there = Case(1, Values(groups.begin(), groups.end()));
    EXPECT_EQ(addresses_of("127.0.0.1"), Values(1, v4_here));
    EXPECT_EQ(addresses_of("fd00::1234"), Values(1, v6_there));
    const std::array<std::uint16_t, 8> ones = {0, 0, 0, 0, 0, 0, 0, 1};
    const Values found = addresses_of("localhost");
    EXPECT_FALSE(found.empty());
    for (const Value& each : found)
      EXPECT_TRUE(each == v4_here || each == Value(Case(1, Values(ones.begin(), ones.end()))));
    for (const char* const name : {"example.org", "localhost.example.org", "alocalhost"})
      EXPECT_EQ(host.error(kLookUp, "resolve-addresses", {network, std::string(name)}), kAccessDenied) << name;
    for (const std::string& name : {std::string(), std::string("a b"), std::string("localhost:80"),
                                    std::string("1.2\0", 4), std::string("[::1]"), std::string(254, 'a')})
      EXPECT_EQ(host.error(kLookUp, "resolve-addresses", {network, name}), kInvalidArgument) << name;
  });
  component::Linker linker;
  EXPECT_FALSE(wasi::define(linker, {.network = {.look_up = {"localhost:80"}}}));
}

TEST(Sockets, AreBoundedAndGoWithTheLease) {
  Peer listener(SOCK_STREAM);
  listener.listen_to();
  HostGuest guest({.network = {.connect = {"127.0.0.1"}}, .maximum_descriptors = 8});
  for (int round = 0; round < 2; ++round) {
    guest.check([&](Host& host) {
      GuestSocket socket(host, "tcp");
      (void)Connection::make(host, socket, listener.port());
      std::optional<GuestSocket> last;
      for (int i = 1; i < 8; ++i) last.emplace(host, "tcp");
      EXPECT_EQ(host.error("sockets/tcp-create-socket", "create-tcp-socket", {Case(0)}), kNewSocketLimit);
      last->drop();
      GuestSocket again(host, "tcp");
    });
    Peer peer(&listener);
    guest.renew();
    EXPECT_EQ(peer.receive(), "");
  }
}

}  // namespace
}  // namespace anew::test
