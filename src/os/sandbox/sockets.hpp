// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sockets of TCP and UDP that a sandbox opens itself. None of these functions waits; streams.hpp has what they share
// with sockets that others opened.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "os/file.hpp"
#include "os/sandbox/system_result.hpp"

namespace anew::os {

/// An address of the Internet Protocol and a port.
struct SocketAddress {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes = {};  ///< of the address, in the network's order; 4 of IPv4
  std::uint16_t port = 0;
  std::uint32_t flow = 0;   ///< IPv6
  std::uint32_t scope = 0;  ///< IPv6: the interface of a link-local address
  bool operator==(const SocketAddress&) const = default;
};
/// "127.0.0.1", "::1": without a port.
[[nodiscard]] std::optional<SocketAddress> parse_address(const std::string& text);

enum class SocketKind : std::uint8_t { kStream, kDatagram };
/// One of IPv6 does nothing of IPv4.
[[nodiscard]] SystemResult<Descriptor> make_socket(bool is_v6, SocketKind kind);
/// @param reuses  also if connections of a socket that was closed have not ended there yet.
[[nodiscard]] SystemResult<void> bind(int socket, const SocketAddress& address, bool reuses);
/// Of a stream. @return operation_in_progress if it goes on: kCanWrite says when it has ended, error_of() how.
[[nodiscard]] SystemResult<void> connect(int socket, const SocketAddress& address);
[[nodiscard]] SystemResult<void> listen(int socket, int backlog);
/// What went wrong with it since it was last asked.
[[nodiscard]] SystemResult<void> error_of(int socket);
[[nodiscard]] SystemResult<SocketAddress> local_address(int socket);
[[nodiscard]] SystemResult<SocketAddress> remote_address(int socket);

/// A datagram. @return its bytes, and where it came from; what does not fit into the buffer is lost.
struct ReceivedFrom {
  std::size_t bytes;
  SocketAddress from;
};
[[nodiscard]] SystemResult<ReceivedFrom> receive_from(int socket, std::span<std::byte> buffer);
/// All of it or nothing.
[[nodiscard]] SystemResult<void> send_to(int socket, std::span<const std::byte> datagram, const SocketAddress& to);

/// Options of a socket that are numbers.
enum class SocketOption : std::uint8_t {
  kKeepAlive,          ///< 0 or 1
  kKeepAliveIdle,      ///< seconds
  kKeepAliveInterval,  ///< seconds
  kKeepAliveCount,
  kHopLimit,
  kReceiveBuffer,  ///< bytes of data that are meant to fit; the system sets what it likes
  kSendBuffer,
};
[[nodiscard]] SystemResult<int> option(int socket, bool is_v6, SocketOption option);
[[nodiscard]] SystemResult<void> set_option(int socket, bool is_v6, SocketOption option, int value);

}  // namespace anew::os
