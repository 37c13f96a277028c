// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// UDP of `wasi:sockets`. Whom a stream exchanges datagrams with is looked at here, for each datagram: the system's
// socket is never connected.
#include <algorithm>

#include "host/wasi/preview2_sockets.hpp"
#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail::preview2 {
namespace {

using component::Bytes;
using component::Case;

/// `udp-socket`.
class Udp final : public Socket {
 public:
  using Socket::Socket;
  [[nodiscard]] bool look(Call& /*call*/, Waiting& /*waiting*/) override { return true; }

  std::uint64_t streams = 0;                ///< so many pairs were made; the last works
  std::optional<os::SocketAddress> remote;  ///< the only one that the last pair is for
};
using Shared = std::shared_ptr<Udp>;

/// Where datagrams come in, or go out.
class DatagramStream : public Awaitable {
 public:
  explicit DatagramStream(Shared socket) : socket_(std::move(socket)), number_(socket_->streams) {}

 protected:
  [[nodiscard]] Udp& socket() const noexcept { return *socket_; }
  [[nodiscard]] bool works() const noexcept { return number_ == socket_->streams; }

 private:
  Shared socket_;
  std::uint64_t number_;
};

/// `incoming-datagram-stream`.
class Incoming final : public DatagramStream {
 public:
  /// @param is_open  to everybody, not only to those that the guest may send to.
  Incoming(Shared socket, bool is_open) : DatagramStream(std::move(socket)), is_open_(is_open) {}
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    return !works() || waiting.for_descriptor(socket().number(), os::kCanRead);
  }

  [[nodiscard]] SocketAnswer<Values> receive(Call& call, std::uint64_t most) const {
    constexpr int kMostAtOnce = 32;  // with those that are dropped
    constexpr std::size_t kLongest = 65'536;
    if (!works()) return refuse(SocketCode::kInvalidState);
    Values datagrams;
    Bytes buffer(most > 0 ? kLongest : 0);
    std::size_t bytes = 0;
    for (int i = 0; i < kMostAtOnce && datagrams.size() < most && bytes < kMostRead; ++i) {
      const auto received = os::receive_from(socket().number(), buffer);
      if (!received) {
        const SocketError error(received.error());
        if (error.code == SocketCode::kWouldBlock || !datagrams.empty()) break;
        return std::unexpected(error);
      }
      if (!is_for_guest(call, received->from)) continue;
      bytes += received->bytes;
      Value from = TRY(to_value(call, os::SocketAddress(received->from)));
      datagrams.push_back(Values{Bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(received->bytes)),
                                 std::move(from)});  // at most kLongest
    }
    return datagrams;
  }

 private:
  [[nodiscard]] bool is_for_guest(const Call& call, const os::SocketAddress& from) const {
    if (socket().remote && (from.bytes != socket().remote->bytes || from.port != socket().remote->port)) return false;
    return is_open_ || call.state.configuration->network.can_connect(from);
  }
  bool is_open_;
};

/// What datagrams can be sent to, as far as it depends on the address alone.
SocketAnswer<void> check_remote(const Call& call, const Udp& socket, const os::SocketAddress& address) {
  if (address.is_v6 != socket.is_v6 || is_v4_in_v6(address) || is_unspecified(address) || address.port == 0)
    return refuse(SocketCode::kInvalidArgument);
  if (!call.state.configuration->network.can_connect(address)) return refuse(SocketCode::kAccessDenied);
  return {};
}

/// `outgoing-datagram-stream`.
class Outgoing final : public DatagramStream {
 public:
  using DatagramStream::DatagramStream;
  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    return !works() || waiting.for_descriptor(socket().number(), os::kCanWrite);
  }

  [[nodiscard]] SocketAnswer<std::uint64_t> check_send(Call& call) {
    constexpr std::uint64_t kAtOnce = 16;
    if (!works()) return refuse(SocketCode::kInvalidState);
    permitted_ = is_ready_now(call, *this) ? kAtOnce : 0;
    return permitted_;
  }

  /// @return how many were sent; an error is that of the first.
  [[nodiscard]] SocketAnswer<std::uint64_t> send(const Call& call, const Values& datagrams) {
    if (datagrams.size() > std::exchange(permitted_, 0))
      return trap("more datagrams are sent than check-send permitted just before");
    if (!works()) return refuse(SocketCode::kInvalidState);
    std::uint64_t sent = 0;
    for (const Value& each : datagrams) {
      const auto done = send_one(call, each.as<Values>());
      if (!done) {
        const auto* const error = std::get_if<SocketError>(&done.error().why);
        if (sent > 0 || (error != nullptr && error->code == SocketCode::kWouldBlock)) break;
        return std::unexpected(done.error());
      }
      ++sent;
    }
    return sent;
  }

 private:
  [[nodiscard]] SocketAnswer<void> send_one(const Call& call, const Values& datagram) const {
    const auto& given = datagram.at(1).as<Case>();
    std::optional<os::SocketAddress> remote = socket().remote;
    if (given.index != 0) {
      const os::SocketAddress address = to_socket_address(*given.payload);
      if (remote && *remote != address) return refuse(SocketCode::kInvalidArgument);
      remote = address;
    }
    if (!remote) return refuse(SocketCode::kInvalidArgument);
    TRY(check_remote(call, socket(), *remote));
    return os::send_to(socket().number(), datagram.at(0).as<Bytes>(), *remote);
  }
  std::uint64_t permitted_ = 0;
};

SocketAnswer<Shared> create_udp_socket(Call& call, Case family) {
  const bool is_v6 = family.index == 1;
  os::Descriptor opened = TRY(Socket::open(call, is_v6, os::SocketKind::kDatagram));
  return std::make_shared<Udp>(call, std::move(opened), is_v6);
}

SocketAnswer<void> start_bind(Call& call, Shared socket, std::shared_ptr<WholeNetwork> /*network*/,
                              os::SocketAddress address) {
  return socket->start_bind(call, address, false);
}

using Pair = std::tuple<std::shared_ptr<Incoming>, std::shared_ptr<Outgoing>>;

SocketAnswer<Pair> stream(Call& call, Shared socket, std::optional<os::SocketAddress> remote) {
  if (socket->binding != Socket::Binding::kBound) return refuse(SocketCode::kInvalidState);
  if (remote) TRY(check_remote(call, *socket, *remote));
  const os::SocketAddress local = TRY(os::local_address(socket->number()));
  ++socket->streams;
  socket->remote = remote;
  return Pair(std::make_shared<Incoming>(socket, call.state.configuration->network.can_listen(local)),
              std::make_shared<Outgoing>(socket));
}

SocketAnswer<os::SocketAddress> local_address(Call& /*call*/, Shared socket) {
  if (socket->binding != Socket::Binding::kBound) return refuse(SocketCode::kInvalidState);
  return os::local_address(socket->number());
}
SocketAnswer<os::SocketAddress> remote_address(Call& /*call*/, Shared socket) {
  if (!socket->remote) return refuse(SocketCode::kInvalidState);
  return *socket->remote;
}

SocketAnswer<Values> receive(Call& call, std::shared_ptr<Incoming> stream, std::uint64_t most) {
  return stream->receive(call, most);
}
SocketAnswer<std::uint64_t> check_send(Call& call, std::shared_ptr<Outgoing> stream) {
  return stream->check_send(call);
}
SocketAnswer<std::uint64_t> send(Call& call, std::shared_ptr<Outgoing> stream, Values datagrams) {
  return stream->send(call, datagrams);
}

}  // namespace

void define_udp(component::Linker& linker) {
  Interface(linker, "wasi:sockets/udp-create-socket@0.2.0").function<create_udp_socket>("create-udp-socket");
  Interface udp(linker, "wasi:sockets/udp@0.2.0");
  udp.resource("udp-socket");
  udp.function<start_bind>("[method]udp-socket.start-bind");
  udp.function<finish_bind<Udp>>("[method]udp-socket.finish-bind");
  udp.function<stream>("[method]udp-socket.stream");
  udp.function<local_address>("[method]udp-socket.local-address");
  udp.function<remote_address>("[method]udp-socket.remote-address");
  udp.function<address_family<Udp>>("[method]udp-socket.address-family");
  udp.function<hop_limit<Udp>>("[method]udp-socket.unicast-hop-limit");
  udp.function<set_hop_limit<Udp>>("[method]udp-socket.set-unicast-hop-limit");
  udp.function<get_option<Udp, os::SocketOption::kReceiveBuffer>>("[method]udp-socket.receive-buffer-size");
  udp.function<set_option<Udp, os::SocketOption::kReceiveBuffer>>("[method]udp-socket.set-receive-buffer-size");
  udp.function<get_option<Udp, os::SocketOption::kSendBuffer>>("[method]udp-socket.send-buffer-size");
  udp.function<set_option<Udp, os::SocketOption::kSendBuffer>>("[method]udp-socket.set-send-buffer-size");
  udp.function<subscribe<Udp>>("[method]udp-socket.subscribe");
  udp.resource("incoming-datagram-stream");
  udp.function<receive>("[method]incoming-datagram-stream.receive");
  udp.function<subscribe<Incoming>>("[method]incoming-datagram-stream.subscribe");
  udp.resource("outgoing-datagram-stream");
  udp.function<check_send>("[method]outgoing-datagram-stream.check-send");
  udp.function<send>("[method]outgoing-datagram-stream.send");
  udp.function<subscribe<Outgoing>>("[method]outgoing-datagram-stream.subscribe");
}

}  // namespace anew::wasi::detail::preview2
