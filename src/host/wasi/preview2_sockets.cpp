// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `wasi:sockets`: toolchains' programs import it whether they use it or not. No guest is given the network, so none
// gets as far as a socket.
#include "host/wasi/preview2.hpp"

namespace anew::wasi::detail::preview2 {
namespace {

class Network final : public Entry {};

std::shared_ptr<Network> instance_network(Call& /*call*/) { return std::make_shared<Network>(); }

/// `error-code` of wasi:sockets.
struct AccessDenied {};
Result<Value> to_value(Call& /*call*/, AccessDenied&& /*error*/) {
  constexpr std::uint32_t kAccessDenied = 1;
  return component::Case(kAccessDenied);
}

Answer<void, AccessDenied> create_socket(Call& /*call*/, component::Case /*family*/) {
  return std::unexpected(AccessDenied());
}
Answer<void, AccessDenied> resolve_addresses(Call& /*call*/, std::shared_ptr<Network> /*network*/,
                                             std::string /*name*/) {
  return std::unexpected(AccessDenied());
}
std::optional<Value> network_error_code(Call& /*call*/, Value /*error*/) { return std::nullopt; }

/// A resource of which there is none, and its methods, which no guest can call.
void define_absent(component::Linker& linker, std::string_view interface, const std::string& resource,
                   std::initializer_list<std::string_view> methods) {
  Interface(linker, interface).resource(resource);
  for (const std::string_view method : methods)
    linker.define(interface, "[method]" + resource + "." + std::string(method),
                  [](component::Caller& /*caller*/, Values /*values*/) -> Result<Value> {
                    return trap("there is no socket: the guest was given no network");
                  });
}

}  // namespace

void define_sockets(component::Linker& linker) {
  Interface(linker, "wasi:sockets/instance-network@0.2.0").function<instance_network>("instance-network");
  Interface network(linker, "wasi:sockets/network@0.2.0");
  network.resource("network");
  network.function<network_error_code>("network-error-code");
  Interface(linker, "wasi:sockets/ip-name-lookup@0.2.0").function<resolve_addresses>("resolve-addresses");
  define_absent(linker, "wasi:sockets/ip-name-lookup@0.2.0", "resolve-address-stream",
                {"resolve-next-address", "subscribe"});
  Interface(linker, "wasi:sockets/tcp-create-socket@0.2.0").function<create_socket>("create-tcp-socket");
  define_absent(linker, "wasi:sockets/tcp@0.2.0", "tcp-socket",
                {"start-bind",
                 "finish-bind",
                 "start-connect",
                 "finish-connect",
                 "start-listen",
                 "finish-listen",
                 "accept",
                 "local-address",
                 "remote-address",
                 "is-listening",
                 "address-family",
                 "set-listen-backlog-size",
                 "keep-alive-enabled",
                 "set-keep-alive-enabled",
                 "keep-alive-idle-time",
                 "set-keep-alive-idle-time",
                 "keep-alive-interval",
                 "set-keep-alive-interval",
                 "keep-alive-count",
                 "set-keep-alive-count",
                 "hop-limit",
                 "set-hop-limit",
                 "receive-buffer-size",
                 "set-receive-buffer-size",
                 "send-buffer-size",
                 "set-send-buffer-size",
                 "subscribe",
                 "shutdown"});
  Interface(linker, "wasi:sockets/udp-create-socket@0.2.0").function<create_socket>("create-udp-socket");
  define_absent(linker, "wasi:sockets/udp@0.2.0", "udp-socket",
                {"start-bind", "finish-bind", "stream", "local-address", "remote-address", "address-family",
                 "unicast-hop-limit", "set-unicast-hop-limit", "receive-buffer-size", "set-receive-buffer-size",
                 "send-buffer-size", "set-send-buffer-size", "subscribe"});
  define_absent(linker, "wasi:sockets/udp@0.2.0", "incoming-datagram-stream", {"receive", "subscribe"});
  define_absent(linker, "wasi:sockets/udp@0.2.0", "outgoing-datagram-stream", {"check-send", "send", "subscribe"});
}

}  // namespace anew::wasi::detail::preview2
