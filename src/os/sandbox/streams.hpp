// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Waiting, sockets, clocks and random bytes, for a sandbox.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "os/file.hpp"
#include "os/sandbox/system_result.hpp"

namespace anew::os {

/// A descriptor, what it is waited for, and what wait_for() found: laid out as the system's `pollfd`.
struct Awaited {
  int descriptor = -1;
  short wanted = 0;
  short found = 0;
};
inline constexpr short kCanRead = 1;
inline constexpr short kCanWrite = 4;
/// Of a connected socket: the other side sends no more, whether all that it sent was read or not.
inline constexpr short kPeerClosed = 0x2000;
/// Found whether wanted or not.
inline constexpr short kFailed = 8;
inline constexpr short kHungUp = 16;
inline constexpr short kNotOpen = 32;

/// Waits until one of them is ready, or so many nanoseconds. @return how many are; interrupted if a signal came.
[[nodiscard]] SystemResult<std::uint64_t> wait_for(std::span<Awaited> awaited, std::uint64_t nanoseconds);
/// Bytes that can be read at once; 0 where the system does not say.
[[nodiscard]] std::uint64_t readable_bytes(int descriptor) noexcept;

/// What one thread waits for by wait_for(kCanRead) and another signals, any number of times.
[[nodiscard]] SystemResult<Descriptor> make_event();
void signal_event(int event) noexcept;
/// As it was made.
void clear_event(int event) noexcept;

/// What is received. None of these waits or raises SIGPIPE.
struct Received {
  std::uint64_t bytes;
  bool truncated;  ///< of a datagram
};
[[nodiscard]] SystemResult<Received> receive(int descriptor, std::span<const Buffer> buffers, bool peek);
[[nodiscard]] SystemResult<std::uint64_t> send(int descriptor, std::span<const Buffer> buffers);
[[nodiscard]] SystemResult<Descriptor> accept(int descriptor);
[[nodiscard]] SystemResult<void> shut_down(int descriptor, bool reading, bool writing);
[[nodiscard]] bool is_socket(int descriptor) noexcept;
[[nodiscard]] bool is_listening(int descriptor) noexcept;
[[nodiscard]] bool is_terminal(int descriptor) noexcept;
/// For a socket that several threads accept from.
[[nodiscard]] SystemResult<void> set_non_blocking(int descriptor);
/// A stream opened once more, for reading or for writing, so that it does not wait; how others opened it stays.
[[nodiscard]] SystemResult<Descriptor> reopen_non_blocking(int descriptor, bool reads);
/// Whether what the descriptor was opened for lets it be read, and written.
struct Directions {
  bool reads;
  bool writes;
};
[[nodiscard]] Directions directions_of(int descriptor) noexcept;

/// Nanoseconds since 1970, and since some moment that all agree on.
[[nodiscard]] std::uint64_t real_time() noexcept;
[[nodiscard]] std::uint64_t monotonic_time() noexcept;
/// Random bytes of the system. Large stretches are the caller's to cut.
[[nodiscard]] SystemResult<void> fill_random(std::span<std::byte> bytes);

}  // namespace anew::os
