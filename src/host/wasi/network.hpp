// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What of the network a guest is given, as Options::network says it.
#pragma once

#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "os/sandbox/sockets.hpp"

namespace anew::wasi::detail {

/// Addresses that begin with the same bits, with one port or all.
struct AddressPattern {
  os::SocketAddress begin;  ///< port 0: all of them
  std::uint32_t bits;

  /// "127.0.0.1:5432", "10.0.0.0/8", "[fd00::/8]:443". @return kArgument.
  [[nodiscard]] static Result<AddressPattern> parse(std::string_view text);
  [[nodiscard]] bool matches(const os::SocketAddress& address) const noexcept;
};

class AllowedNetwork {
 public:
  AllowedNetwork() = default;
  /// @return kArgument for what is no pattern.
  [[nodiscard]] static Result<AllowedNetwork> make(const Network& network);

  [[nodiscard]] bool is_none() const noexcept { return connect_.empty() && listen_.empty(); }
  [[nodiscard]] bool can_connect(const os::SocketAddress& to) const noexcept;
  [[nodiscard]] bool can_listen(const os::SocketAddress& at) const noexcept;
  [[nodiscard]] bool can_look_up(std::string_view name) const noexcept;

 private:
  std::vector<AddressPattern> connect_;
  std::vector<AddressPattern> listen_;
  std::vector<std::string> look_up_;
};

}  // namespace anew::wasi::detail
