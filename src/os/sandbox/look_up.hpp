// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The addresses of names, which the system finds in its own time.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "os/sandbox/sockets.hpp"

namespace anew::os {

enum class LookUpError : std::uint8_t {
  kUnknown,    ///< there is no such name, or it has no address
  kTemporary,  ///< nobody answered
  kPermanent,
};
using LookedUp = std::expected<std::vector<SocketAddress>, LookUpError>;

/// Looks a name up on a thread of its own, which then calls `done`; that must not throw. Nothing ends it before.
/// @return false if as many as may be are under way in this process, or the system refused a thread.
[[nodiscard]] bool start_look_up(std::string name, std::function<void(LookedUp)> done);

}  // namespace anew::os
