// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// TCP of `wasi:sockets`.
#include <algorithm>

#include "host/wasi/preview2_sockets.hpp"
#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail::preview2 {
namespace {

using component::Case;

/// `tcp-socket`.
class Tcp final : public Socket {
 public:
  using Socket::Socket;

  enum class State : std::uint8_t {
    kNew,  ///< maybe bound
    kConnecting,
    kConnected,
    kListenStarted,
    kListening,
    kFailed,  ///< it did not connect, and is of no use any more
  };

  [[nodiscard]] bool look(Call& /*call*/, Waiting& waiting) override {
    switch (state) {
      case State::kConnecting: return has_ended_at_once || waiting.for_descriptor(number(), os::kCanWrite);
      case State::kListening: return waiting.for_descriptor(number(), os::kCanRead);
      case State::kNew:
      case State::kConnected:
      case State::kListenStarted:
      case State::kFailed: break;
    }
    return true;
  }

  State state = State::kNew;
  bool has_ended_at_once = false;  ///< kConnecting: with this
  os::SystemResult<void> ended_with;
  int backlog = 128;
  OpenDescriptor reads;  ///< what the streams are of
  OpenDescriptor writes;
  std::weak_ptr<OutputStream> output;
};
using Shared = std::shared_ptr<Tcp>;
using Streams = std::tuple<std::shared_ptr<InputStream>, std::shared_ptr<OutputStream>>;

SocketAnswer<Shared> create_tcp_socket(Call& call, Case family) {
  const bool is_v6 = family.index == 1;
  os::Descriptor opened = TRY(Socket::open(call, is_v6, os::SocketKind::kStream));
  return std::make_shared<Tcp>(call, std::move(opened), is_v6);
}

SocketAnswer<void> start_bind(Call& call, Shared socket, std::shared_ptr<WholeNetwork> /*network*/,
                              os::SocketAddress address) {
  if (socket->state != Tcp::State::kNew) return refuse(SocketCode::kInvalidState);
  return socket->start_bind(call, address, address.port != 0);
}

/// @return kInvalidState, kConcurrencyConflict for a socket that something else was begun with.
SocketAnswer<void> check_new(const Tcp& socket) {
  if (socket.binding == Socket::Binding::kStarted || socket.state == Tcp::State::kConnecting ||
      socket.state == Tcp::State::kListenStarted)
    return refuse(SocketCode::kConcurrencyConflict);
  if (socket.state != Tcp::State::kNew) return refuse(SocketCode::kInvalidState);
  return {};
}

SocketAnswer<void> start_connect(Call& call, Shared socket, std::shared_ptr<WholeNetwork> /*network*/,
                                 os::SocketAddress address) {
  TRY(check_new(*socket));
  if (address.is_v6 != socket->is_v6 || !is_unicast(address) || is_unspecified(address) || address.port == 0)
    return refuse(SocketCode::kInvalidArgument);
  if (!call.state.configuration->network.can_connect(address)) return refuse(SocketCode::kAccessDenied);
  socket->ended_with = os::connect(socket->number(), address);
  socket->has_ended_at_once = socket->ended_with || socket->ended_with.error() != std::errc::operation_in_progress;
  socket->state = Tcp::State::kConnecting;
  return {};
}

/// @return kOutOfMemory past the budget.
SocketAnswer<Streams> make_streams(Call& call, const Shared& socket) {
  socket->reads = {.backing = Backing::kSocket, .kind = os::NodeKind::kStreamSocket, .system = socket->number()};
  socket->writes = {.backing = Backing::kSocket, .kind = os::NodeKind::kStreamSocket, .system = socket->number()};
  auto output = make_output(call, socket->writes, socket);
  if (output == nullptr) return refuse(SocketCode::kOutOfMemory);
  socket->output = output;
  socket->state = Tcp::State::kConnected;
  return Streams(make_input(socket->reads, socket), std::move(output));
}

SocketAnswer<Streams> finish_connect(Call& call, Shared socket) {
  if (socket->state != Tcp::State::kConnecting) return refuse(SocketCode::kNotInProgress);
  if (!socket->has_ended_at_once) {
    if (!is_ready_now(call, *socket)) return refuse(SocketCode::kWouldBlock);
    socket->ended_with = os::error_of(socket->number());
  }
  socket->state = Tcp::State::kFailed;
  TRY(std::exchange(socket->ended_with, {}));
  return make_streams(call, socket);
}

SocketAnswer<void> start_listen(Call& call, Shared socket) {
  TRY(check_new(*socket));
  if (socket->binding != Socket::Binding::kBound) return refuse(SocketCode::kInvalidState);
  const os::SocketAddress address = TRY(os::local_address(socket->number()));
  if (!call.state.configuration->network.can_listen(address)) return refuse(SocketCode::kAccessDenied);
  TRY(os::listen(socket->number(), socket->backlog));
  socket->state = Tcp::State::kListenStarted;
  return {};
}

SocketAnswer<void> finish_listen(Call& /*call*/, Shared socket) {
  if (socket->state != Tcp::State::kListenStarted) return refuse(SocketCode::kNotInProgress);
  socket->state = Tcp::State::kListening;
  return {};
}

SocketAnswer<std::tuple<Shared, std::shared_ptr<InputStream>, std::shared_ptr<OutputStream>>> accept(Call& call,
                                                                                                     Shared socket) {
  if (socket->state != Tcp::State::kListening) return refuse(SocketCode::kInvalidState);
  TRY(Socket::check_room(call));
  os::Descriptor accepted = TRY(os::accept(socket->number()));
  auto connection = std::make_shared<Tcp>(call, std::move(accepted), socket->is_v6);
  connection->binding = Socket::Binding::kBound;
  auto [input, output] = TRY(make_streams(call, connection));
  return std::tuple(std::move(connection), std::move(input), std::move(output));
}

SocketAnswer<os::SocketAddress> local_address(Call& /*call*/, Shared socket) {
  if (socket->binding != Socket::Binding::kBound && socket->state != Tcp::State::kConnected)
    return refuse(SocketCode::kInvalidState);
  return os::local_address(socket->number());
}
SocketAnswer<os::SocketAddress> remote_address(Call& /*call*/, Shared socket) {
  if (socket->state != Tcp::State::kConnected) return refuse(SocketCode::kInvalidState);
  return os::remote_address(socket->number());
}

bool is_listening(Call& /*call*/, Shared socket) { return socket->state == Tcp::State::kListening; }

SocketAnswer<void> set_listen_backlog_size(Call& /*call*/, Shared socket, std::uint64_t size) {
  constexpr std::uint64_t kMost = 4096;  // the system has a most of its own
  if (size == 0) return refuse(SocketCode::kInvalidArgument);
  const auto backlog = static_cast<int>(std::min(size, kMost));
  switch (socket->state) {
    case Tcp::State::kNew: break;
    case Tcp::State::kListenStarted:
    case Tcp::State::kListening: TRY(os::listen(socket->number(), backlog)); break;
    case Tcp::State::kConnecting:
    case Tcp::State::kConnected:
    case Tcp::State::kFailed: return refuse(SocketCode::kInvalidState);
  }
  socket->backlog = backlog;
  return {};
}

SocketAnswer<bool> keep_alive_enabled(Call& /*call*/, Shared socket) {
  const std::uint32_t is_enabled = TRY(socket->get(os::SocketOption::kKeepAlive));
  return is_enabled != 0;
}
SocketAnswer<void> set_keep_alive_enabled(Call& /*call*/, Shared socket, bool is_enabled) {
  return os::set_option(socket->number(), socket->is_v6, os::SocketOption::kKeepAlive, is_enabled ? 1 : 0);
}

constexpr std::uint64_t kSecond = 1'000'000'000;

template <os::SocketOption kOption>
SocketAnswer<std::uint64_t> get_time(Call& /*call*/, Shared socket) {
  const std::uint32_t seconds = TRY(socket->get(kOption));
  return seconds * kSecond;
}
template <os::SocketOption kOption>
SocketAnswer<void> set_time(Call& /*call*/, Shared socket, std::uint64_t nanoseconds) {
  constexpr int kMost = 32'767;  // seconds, of Linux (tcp(7))
  return socket->set(kOption, nanoseconds / kSecond + (nanoseconds % kSecond != 0 ? 1 : 0), kMost);
}

SocketAnswer<std::uint32_t> keep_alive_count(Call& /*call*/, Shared socket) {
  return socket->get(os::SocketOption::kKeepAliveCount);
}
SocketAnswer<void> set_keep_alive_count(Call& /*call*/, Shared socket, std::uint32_t count) {
  constexpr int kMost = 127;  // of Linux
  return socket->set(os::SocketOption::kKeepAliveCount, count, kMost);
}

SocketAnswer<void> shutdown(Call& /*call*/, Shared socket, Case which) {
  constexpr std::uint32_t kReceive = 0;
  constexpr std::uint32_t kSend = 1;
  if (socket->state != Tcp::State::kConnected) return refuse(SocketCode::kInvalidState);
  if (which.index != kSend) {
    // What still comes is not shown.
    socket->reads.backing = Backing::kNull;
    (void)os::shut_down(socket->number(), true, false);  // fails where the connection is gone
  }
  if (which.index != kReceive) {
    if (const auto output = socket->output.lock())
      output->finish();
    else
      (void)os::shut_down(socket->number(), false, true);
  }
  return {};
}

}  // namespace

void define_tcp(component::Linker& linker) {
  Interface(linker, "wasi:sockets/tcp-create-socket@0.2.0").function<create_tcp_socket>("create-tcp-socket");
  Interface tcp(linker, "wasi:sockets/tcp@0.2.0");
  tcp.resource("tcp-socket");
  tcp.function<start_bind>("[method]tcp-socket.start-bind");
  tcp.function<finish_bind<Tcp>>("[method]tcp-socket.finish-bind");
  tcp.function<start_connect>("[method]tcp-socket.start-connect");
  tcp.function<finish_connect>("[method]tcp-socket.finish-connect");
  tcp.function<start_listen>("[method]tcp-socket.start-listen");
  tcp.function<finish_listen>("[method]tcp-socket.finish-listen");
  tcp.function<accept>("[method]tcp-socket.accept");
  tcp.function<local_address>("[method]tcp-socket.local-address");
  tcp.function<remote_address>("[method]tcp-socket.remote-address");
  tcp.function<is_listening>("[method]tcp-socket.is-listening");
  tcp.function<address_family<Tcp>>("[method]tcp-socket.address-family");
  tcp.function<set_listen_backlog_size>("[method]tcp-socket.set-listen-backlog-size");
  tcp.function<keep_alive_enabled>("[method]tcp-socket.keep-alive-enabled");
  tcp.function<set_keep_alive_enabled>("[method]tcp-socket.set-keep-alive-enabled");
  tcp.function<get_time<os::SocketOption::kKeepAliveIdle>>("[method]tcp-socket.keep-alive-idle-time");
  tcp.function<set_time<os::SocketOption::kKeepAliveIdle>>("[method]tcp-socket.set-keep-alive-idle-time");
  tcp.function<get_time<os::SocketOption::kKeepAliveInterval>>("[method]tcp-socket.keep-alive-interval");
  tcp.function<set_time<os::SocketOption::kKeepAliveInterval>>("[method]tcp-socket.set-keep-alive-interval");
  tcp.function<keep_alive_count>("[method]tcp-socket.keep-alive-count");
  tcp.function<set_keep_alive_count>("[method]tcp-socket.set-keep-alive-count");
  tcp.function<hop_limit<Tcp>>("[method]tcp-socket.hop-limit");
  tcp.function<set_hop_limit<Tcp>>("[method]tcp-socket.set-hop-limit");
  tcp.function<get_option<Tcp, os::SocketOption::kReceiveBuffer>>("[method]tcp-socket.receive-buffer-size");
  tcp.function<set_option<Tcp, os::SocketOption::kReceiveBuffer>>("[method]tcp-socket.set-receive-buffer-size");
  tcp.function<get_option<Tcp, os::SocketOption::kSendBuffer>>("[method]tcp-socket.send-buffer-size");
  tcp.function<set_option<Tcp, os::SocketOption::kSendBuffer>>("[method]tcp-socket.set-send-buffer-size");
  tcp.function<subscribe<Tcp>>("[method]tcp-socket.subscribe");
  tcp.function<shutdown>("[method]tcp-socket.shutdown");
}

}  // namespace anew::wasi::detail::preview2
