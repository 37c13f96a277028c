// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What TCP, UDP and look-ups of `wasi:sockets` share.
#pragma once

#include <cstdint>
#include <limits>
#include <system_error>

#include "host/wasi/preview2_streams.hpp"
#include "os/sandbox/sockets.hpp"

namespace anew::wasi::detail::preview2 {

/// `error-code`, in the interface's order.
enum class SocketCode : std::uint8_t {
  kUnknown,
  kAccessDenied,
  kNotSupported,
  kInvalidArgument,
  kOutOfMemory,
  kTimeout,
  kConcurrencyConflict,
  kNotInProgress,
  kWouldBlock,
  kInvalidState,
  kNewSocketLimit,
  kAddressNotBindable,
  kAddressInUse,
  kRemoteUnreachable,
  kConnectionRefused,
  kConnectionReset,
  kConnectionAborted,
  kDatagramTooLarge,
  kNameUnresolvable,
  kTemporaryResolverFailure,
  kPermanentResolverFailure,
};
[[nodiscard]] SocketCode to_socket_code(Errno error) noexcept;

struct SocketError {
  SocketError() = default;
  // NOLINTBEGIN(google-explicit-constructor): so that TRY passes on both
  SocketError(SocketCode which) noexcept : code(which) {}
  SocketError(std::errc error) noexcept : code(to_socket_code(to_errno(error))) {}
  // NOLINTEND(google-explicit-constructor)
  SocketCode code = SocketCode::kUnknown;
};
[[nodiscard]] Result<Value> to_value(Call& call, SocketError&& error);
[[nodiscard]] inline std::unexpected<SocketError> refuse(SocketCode code) { return std::unexpected(SocketError(code)); }

template <typename T>
using SocketAnswer = Answer<T, SocketError>;

/// `ip-address` and `ip-socket-address`.
[[nodiscard]] Value to_ip_address(const os::SocketAddress& address);
[[nodiscard]] Result<Value> to_value(Call& call, os::SocketAddress&& address);
[[nodiscard]] os::SocketAddress to_socket_address(const Value& value);
template <>
struct Argument<os::SocketAddress> {
  [[nodiscard]] static os::SocketAddress of(Call& /*call*/, Value& value) { return to_socket_address(value); }
};

/// All bits zero: on this machine, wherever that is.
[[nodiscard]] bool is_unspecified(const os::SocketAddress& address) noexcept;
/// An address of IPv4 in IPv6's clothes ("::ffff:127.0.0.1"), which no socket takes.
[[nodiscard]] bool is_v4_in_v6(const os::SocketAddress& address) noexcept;
/// Of one, not of many; and not is_v4_in_v6().
[[nodiscard]] bool is_unicast(const os::SocketAddress& address) noexcept;

/// `network`: all there is, for what a guest is given of it does not depend on this.
class WholeNetwork final : public Entry {};

/// What sockets of both kinds have.
class Socket : public Awaitable {
 public:
  /// @return kAccessDenied if the guest has no network, kNewSocketLimit if the lease has as many descriptors as it may.
  [[nodiscard]] static SocketAnswer<os::Descriptor> open(const Call& call, bool is_v6, os::SocketKind kind);
  /// Asked before one is opened.
  [[nodiscard]] static SocketAnswer<void> check_room(const Call& call);

  Socket(Call& call, os::Descriptor opened, bool is_of_v6)
      : descriptor(std::move(opened)), is_v6(is_of_v6), charge_(call.state.descriptors) {
    (void)charge_.set(1);  // check_room() found room
  }
  [[nodiscard]] int number() const noexcept { return descriptor.number(); }

  [[nodiscard]] SocketAnswer<void> start_bind(const Call& call, const os::SocketAddress& address, bool reuses);
  [[nodiscard]] SocketAnswer<void> finish_bind();
  [[nodiscard]] SocketAnswer<std::uint32_t> get(os::SocketOption option) const;
  /// @return kInvalidArgument for 0; what is past the most is set to that.
  [[nodiscard]] SocketAnswer<void> set(os::SocketOption option, std::uint64_t value,
                                       int most = std::numeric_limits<int>::max() / 2) const;

  /// Bound or not: what comes then is the kind's own.
  enum class Binding : std::uint8_t { kNone, kStarted, kBound };
  os::Descriptor descriptor;
  const bool is_v6;
  Binding binding = Binding::kNone;

 private:
  Charge charge_;
};

/// The methods that both have.
template <typename T>
component::Case address_family(Call& /*call*/, std::shared_ptr<T> socket) {
  return component::Case(socket->is_v6 ? 1 : 0);
}
template <typename T>
SocketAnswer<void> finish_bind(Call& /*call*/, std::shared_ptr<T> socket) {
  return socket->finish_bind();
}
template <typename T>
SocketAnswer<std::uint8_t> hop_limit(Call& /*call*/, std::shared_ptr<T> socket) {
  const std::uint32_t limit = TRY(socket->get(os::SocketOption::kHopLimit));
  return static_cast<std::uint8_t>(limit);  // as the field of the protocol
}
template <typename T>
SocketAnswer<void> set_hop_limit(Call& /*call*/, std::shared_ptr<T> socket, std::uint8_t limit) {
  return socket->set(os::SocketOption::kHopLimit, limit);
}
template <typename T, os::SocketOption kOption>
SocketAnswer<std::uint64_t> get_option(Call& /*call*/, std::shared_ptr<T> socket) {
  const std::uint32_t value = TRY(socket->get(kOption));
  return value;
}
template <typename T, os::SocketOption kOption>
SocketAnswer<void> set_option(Call& /*call*/, std::shared_ptr<T> socket, std::uint64_t value) {
  return socket->set(kOption, value);
}
template <typename T>
std::shared_ptr<Pollable> subscribe(Call& /*call*/, std::shared_ptr<T> of) {
  return std::make_shared<Pollable>(std::move(of));
}

}  // namespace anew::wasi::detail::preview2
