// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading and writing an open descriptor, whatever is behind it; waiting so that a call's deadline ends the wait.
#pragma once

#include <anew/caller.hpp>
#include <cstdint>
#include <optional>

#include "host/wasi/descriptors.hpp"
#include "host/wasi/errno.hpp"
#include "host/wasi/guest_buffers.hpp"

namespace anew::wasi::detail {

/// A wait looks this often whether the call is to end; the signal of its deadline wakes it sooner.
inline constexpr std::uint64_t kSlice = 20'000'000;  // nanoseconds

/// A pipe that can be written takes so much without waiting (PIPE_BUF).
inline constexpr std::uint64_t kPipeBytes = 4096;

/// Reads on from where the descriptor is, and marks what it reads. Waits unless the descriptor is non-blocking.
/// @return how many bytes, 0 at the end; kIsdir, kBadf, kAgain, kIntr if the call is to end, what the system says.
/// Throws what says why a callback failed, which ends the call.
[[nodiscard]] Outcome<std::uint64_t> read(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers);
/// The same at a position, of a file. @return kSpipe for what has none.
[[nodiscard]] Outcome<std::uint64_t> read_at(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers,
                                             std::uint64_t position);
/// Writes on from where the descriptor is. Waits as read() does.
[[nodiscard]] Outcome<std::uint64_t> write(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers);
[[nodiscard]] Outcome<std::uint64_t> write_at(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers,
                                              std::uint64_t position);

/// What a socket received.
struct Datagram {
  std::uint64_t bytes;
  bool truncated;
};
/// @param whole  waits until the buffers are full or the stream ends.
[[nodiscard]] Outcome<Datagram> receive(const Caller& caller, OpenDescriptor& open, GuestBuffers& buffers, bool peek,
                                        bool whole);
[[nodiscard]] Outcome<os::Descriptor> accept(const Caller& caller, OpenDescriptor& open);

}  // namespace anew::wasi::detail
