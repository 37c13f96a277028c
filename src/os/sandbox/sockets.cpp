// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/sandbox/sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace anew::os {
namespace {

/// As the system has addresses.
struct SystemAddress {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);
  /// The system takes all kinds of addresses by pointers to this one.
  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

SystemAddress to_system(const SocketAddress& address) noexcept {
  SystemAddress result;
  if (address.is_v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    v6.sin6_flowinfo = htonl(address.flow);
    v6.sin6_scope_id = address.scope;
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof(v6.sin6_addr));
    std::memcpy(&result.storage, &v6, sizeof(v6));
    result.length = sizeof(v6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof(v4.sin_addr));
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.length = sizeof(v4);
  }
  return result;
}

SystemResult<SocketAddress> from_system(const SystemAddress& address) noexcept {
  SocketAddress result;
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof(v6));
    result.is_v6 = true;
    result.port = ntohs(v6.sin6_port);
    result.flow = ntohl(v6.sin6_flowinfo);
    result.scope = v6.sin6_scope_id;
    std::memcpy(result.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
  } else if (address.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof(v4));
    result.port = ntohs(v4.sin_port);
    std::memcpy(result.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
  } else {
    return fail_with(EAFNOSUPPORT);
  }
  return result;
}

SystemResult<int> get_number(int socket, int level, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  if (getsockopt(socket, level, name, &value, &length) != 0) return fail_with(errno);
  return value;
}
SystemResult<void> set_number(int socket, int level, int name, int value) {
  return check(setsockopt(socket, level, name, &value, sizeof(value)));
}

struct OptionName {
  int level;
  int name;
};
OptionName name_of(bool is_v6, SocketOption option) noexcept {
  switch (option) {
    case SocketOption::kKeepAlive: return {SOL_SOCKET, SO_KEEPALIVE};
    case SocketOption::kKeepAliveIdle: return {IPPROTO_TCP, TCP_KEEPIDLE};
    case SocketOption::kKeepAliveInterval: return {IPPROTO_TCP, TCP_KEEPINTVL};
    case SocketOption::kKeepAliveCount: return {IPPROTO_TCP, TCP_KEEPCNT};
    case SocketOption::kHopLimit:
      return is_v6 ? OptionName{IPPROTO_IPV6, IPV6_UNICAST_HOPS} : OptionName{IPPROTO_IP, IP_TTL};
    case SocketOption::kReceiveBuffer: return {SOL_SOCKET, SO_RCVBUF};
    case SocketOption::kSendBuffer: break;
  }
  return {SOL_SOCKET, SO_SNDBUF};
}

}  // namespace

std::optional<SocketAddress> parse_address(const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  SocketAddress result;
  result.is_v6 = text.find(':') != std::string::npos;
  if (inet_pton(result.is_v6 ? AF_INET6 : AF_INET, text.c_str(), result.bytes.data()) != 1) return std::nullopt;
  return result;
}

SystemResult<Descriptor> make_socket(bool is_v6, SocketKind kind) {
  const int type = kind == SocketKind::kStream ? SOCK_STREAM : SOCK_DGRAM;
  auto made = check_descriptor(::socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made && is_v6)
    if (auto done = set_number(made->number(), IPPROTO_IPV6, IPV6_V6ONLY, 1); !done)
      return std::unexpected(done.error());
  return made;
}

SystemResult<void> bind(int socket, const SocketAddress& address, bool reuses) {
  if (auto done = set_number(socket, SOL_SOCKET, SO_REUSEADDR, reuses ? 1 : 0); !done) return done;
  SystemAddress system = to_system(address);
  return check(::bind(socket, system.get(), system.length));
}

SystemResult<void> connect(int socket, const SocketAddress& address) {
  SystemAddress system = to_system(address);
  return check(::connect(socket, system.get(), system.length));
}

SystemResult<void> listen(int socket, int backlog) { return check(::listen(socket, backlog)); }

SystemResult<void> error_of(int socket) {
  const auto error = get_number(socket, SOL_SOCKET, SO_ERROR);
  if (!error) return std::unexpected(error.error());
  if (*error != 0) return fail_with(*error);
  return {};
}

SystemResult<SocketAddress> local_address(int socket) {
  SystemAddress system;
  if (getsockname(socket, system.get(), &system.length) != 0) return fail_with(errno);
  return from_system(system);
}

SystemResult<SocketAddress> remote_address(int socket) {
  SystemAddress system;
  if (getpeername(socket, system.get(), &system.length) != 0) return fail_with(errno);
  return from_system(system);
}

SystemResult<ReceivedFrom> receive_from(int socket, std::span<std::byte> buffer) {
  SystemAddress system;
  const ssize_t count = recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT, system.get(), &system.length);
  if (count < 0) return fail_with(errno);
  const auto from = from_system(system);
  if (!from) return std::unexpected(from.error());
  return ReceivedFrom{static_cast<std::size_t>(count), *from};  // not negative
}

SystemResult<void> send_to(int socket, std::span<const std::byte> datagram, const SocketAddress& to) {
  SystemAddress system = to_system(to);
  const ssize_t count =
      sendto(socket, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL, system.get(), system.length);
  if (count < 0) return fail_with(errno);
  return {};
}

SystemResult<int> option(int socket, bool is_v6, SocketOption option) {
  const auto [level, name] = name_of(is_v6, option);
  const auto value = get_number(socket, level, name);
  // Linux keeps twice what it is asked for, since it counts what it needs itself (socket(7)).
  if (value && (option == SocketOption::kReceiveBuffer || option == SocketOption::kSendBuffer)) return *value / 2;
  return value;
}

SystemResult<void> set_option(int socket, bool is_v6, SocketOption option, int value) {
  const auto [level, name] = name_of(is_v6, option);
  return set_number(socket, level, name, value);
}

}  // namespace anew::os
