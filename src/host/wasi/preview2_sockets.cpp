// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:sockets`: what its kinds of sockets share, and the network.
#include "host/wasi/preview2_sockets.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace anew::wasi::detail::preview2 {

SocketCode to_socket_code(Errno error) noexcept {
  switch (error) {
    case Errno::kAcces:
    case Errno::kPerm: return SocketCode::kAccessDenied;
    case Errno::kAfnosupport:
    case Errno::kNoprotoopt:
    case Errno::kNotsup:
    case Errno::kProtonosupport: return SocketCode::kNotSupported;
    case Errno::kDestaddrreq:
    case Errno::kInval: return SocketCode::kInvalidArgument;
    case Errno::kNobufs:
    case Errno::kNomem: return SocketCode::kOutOfMemory;
    case Errno::kTimedout: return SocketCode::kTimeout;
    case Errno::kAlready:
    case Errno::kInprogress: return SocketCode::kConcurrencyConflict;
    case Errno::kAgain:
    case Errno::kIntr: return SocketCode::kWouldBlock;
    case Errno::kIsconn:
    case Errno::kNotconn: return SocketCode::kInvalidState;
    case Errno::kMfile:
    case Errno::kNfile: return SocketCode::kNewSocketLimit;
    case Errno::kAddrnotavail: return SocketCode::kAddressNotBindable;
    case Errno::kAddrinuse: return SocketCode::kAddressInUse;
    case Errno::kHostunreach:
    case Errno::kNetdown:
    case Errno::kNetunreach: return SocketCode::kRemoteUnreachable;
    case Errno::kConnrefused: return SocketCode::kConnectionRefused;
    case Errno::kConnreset:
    case Errno::kPipe: return SocketCode::kConnectionReset;
    case Errno::kConnaborted: return SocketCode::kConnectionAborted;
    case Errno::kMsgsize: return SocketCode::kDatagramTooLarge;
    default: return SocketCode::kUnknown;
  }
}

namespace {

Value to_case(SocketCode code) { return component::Case(static_cast<std::uint32_t>(code)); }

/// The parts of an address as IPv6 writes them.
constexpr std::size_t kGroups = 8;

}  // namespace

Result<Value> to_value(Call& /*call*/, SocketError&& error) { return to_case(error.code); }

Value to_ip_address(const os::SocketAddress& address) {
  Values parts;
  if (address.is_v6)
    for (std::size_t i = 0; i < kGroups; ++i)
      parts.push_back(static_cast<std::uint16_t>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]));  // two bytes
  else
    for (std::size_t i = 0; i < 4; ++i) parts.push_back(address.bytes[i]);
  return component::Case(address.is_v6 ? 1 : 0, std::move(parts));
}

Result<Value> to_value(Call& /*call*/, os::SocketAddress&& address) {
  Value parts = std::move(*to_ip_address(address).as<component::Case>().payload);
  if (!address.is_v6) return component::Case(0, Values{address.port, std::move(parts)});
  return component::Case(1, Values{address.port, address.flow, std::move(parts), address.scope});
}

os::SocketAddress to_socket_address(const Value& value) {
  const auto& variant = value.as<component::Case>();
  const auto& fields = variant.payload->as<Values>();
  os::SocketAddress address{.is_v6 = variant.index == 1, .port = fields.at(0).as<std::uint16_t>()};
  if (!address.is_v6) {
    const auto& parts = fields.at(1).as<Values>();
    for (std::size_t i = 0; i < 4; ++i) address.bytes[i] = parts.at(i).as<std::uint8_t>();
    return address;
  }
  address.flow = fields.at(1).as<std::uint32_t>();
  const auto& parts = fields.at(2).as<Values>();
  for (std::size_t i = 0; i < kGroups; ++i) {
    const auto part = parts.at(i).as<std::uint16_t>();
    address.bytes[2 * i] = static_cast<std::uint8_t>(part >> 8);
    address.bytes[2 * i + 1] = static_cast<std::uint8_t>(part);  // the lower byte
  }
  address.scope = fields.at(3).as<std::uint32_t>();
  return address;
}

bool is_unspecified(const os::SocketAddress& address) noexcept {
  return std::ranges::all_of(address.bytes, [](std::uint8_t byte) { return byte == 0; });
}

bool is_v4_in_v6(const os::SocketAddress& address) noexcept {
  constexpr std::array<std::uint8_t, 12> kPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  return address.is_v6 && std::ranges::equal(kPrefix, std::span(address.bytes).first<kPrefix.size()>());
}

bool is_unicast(const os::SocketAddress& address) noexcept {
  const auto& bytes = address.bytes;
  if (address.is_v6) return bytes[0] != 255 && !is_v4_in_v6(address);
  const bool is_multicast = bytes[0] >= 224 && bytes[0] < 240;
  const bool is_broadcast = std::ranges::all_of(std::span(bytes).first<4>(), [](auto byte) { return byte == 255; });
  return !is_multicast && !is_broadcast;
}

SocketAnswer<void> Socket::check_room(const Call& call) {
  if (call.state.descriptors.is_full()) return refuse(SocketCode::kNewSocketLimit);
  return {};
}

SocketAnswer<os::Descriptor> Socket::open(const Call& call, bool is_v6, os::SocketKind kind) {
  if (call.state.configuration->network.is_none()) return refuse(SocketCode::kAccessDenied);
  TRY(check_room(call));
  return os::make_socket(is_v6, kind);
}

SocketAnswer<void> Socket::start_bind(const Call& call, const os::SocketAddress& address, bool reuses) {
  if (binding == Binding::kStarted) return refuse(SocketCode::kConcurrencyConflict);
  if (binding == Binding::kBound) return refuse(SocketCode::kInvalidState);
  if (address.is_v6 != is_v6 || !is_unicast(address)) return refuse(SocketCode::kInvalidArgument);
  // A port that the system chooses is as good as that of a socket that was not bound.
  if (address.port != 0 && !call.state.configuration->network.can_listen(address))
    return refuse(SocketCode::kAccessDenied);
  TRY(os::bind(number(), address, reuses));
  binding = Binding::kStarted;
  return {};
}

SocketAnswer<void> Socket::finish_bind() {
  if (binding != Binding::kStarted) return refuse(SocketCode::kNotInProgress);
  binding = Binding::kBound;
  return {};
}

SocketAnswer<std::uint32_t> Socket::get(os::SocketOption option) const {
  const int value = TRY(os::option(number(), is_v6, option));
  return static_cast<std::uint32_t>(std::max(value, 0));
}

SocketAnswer<void> Socket::set(os::SocketOption option, std::uint64_t value, int most) const {
  if (value == 0) return refuse(SocketCode::kInvalidArgument);
  const auto given = static_cast<int>(std::min<std::uint64_t>(value, static_cast<unsigned>(most)));  // at most an int
  return os::set_option(number(), is_v6, option, given);
}

namespace {

std::shared_ptr<WholeNetwork> instance_network(Call& /*call*/) { return std::make_shared<WholeNetwork>(); }

/// What it may have of sockets' errors; `unknown` says no more than none.
std::optional<Value> network_error_code(Call& /*call*/, std::shared_ptr<StreamFailure> failure) {
  const auto* const error = std::get_if<Errno>(&failure->reason());
  if (error == nullptr || to_socket_code(*error) == SocketCode::kUnknown) return std::nullopt;
  return to_case(to_socket_code(*error));
}

}  // namespace

void define_sockets(component::Linker& linker) {
  Interface(linker, "wasi:sockets/instance-network@0.2.0").function<instance_network>("instance-network");
  Interface network(linker, "wasi:sockets/network@0.2.0");
  network.resource("network");
  network.function<network_error_code>("network-error-code");
}

}  // namespace anew::wasi::detail::preview2
