// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A program of ours that works for this process, and talks with it over a pair of sockets: its standard input and
// output are one end.
#pragma once

#include <anew/error.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>

#include "os/file.hpp"

namespace anew::os {

class HelperProcess {
 public:
  using Clock = std::chrono::steady_clock;

  /// How sending or receiving ended.
  enum class Outcome : std::uint8_t { kDone, kEnded /* the child closed its end, as by dying */, kLate, kStopped };

  /// Beside threads of ours that want the processor as well: kLow takes about a tenth of it.
  enum class Priority : std::uint8_t { kOurs, kLow };

  /// It gets nothing of ours but the socket: no descriptor, no blocked or ignored signal, and it is in a process group
  /// of its own, so that a terminal's signals do not reach it. What it writes to its standard error, end() tells.
  /// Somebody else in this process may wait for all children, and for this one too.
  /// @return kNotFound or kIo, with the system's reason, if it cannot be started.
  [[nodiscard]] static Result<HelperProcess> start(const std::filesystem::path& program,
                                                   Priority priority = Priority::kOurs);
  HelperProcess(HelperProcess&& other) noexcept;
  HelperProcess& operator=(HelperProcess&& other) = delete;
  /// Kills the child.
  ~HelperProcess();

  /// Both return within a fraction of a second once `stop` asks for it.
  [[nodiscard]] Outcome send(std::span<const std::byte> bytes, Clock::time_point deadline, const std::stop_token& stop);
  [[nodiscard]] Outcome receive(std::span<std::byte> bytes, Clock::time_point deadline, const std::stop_token& stop);

  /// Kills the child unless it ends by itself at once, having closed its end. To be called once.
  /// @return how it ended: "ended by signal 9", "exited with status 1: " and the last that it wrote to its standard
  ///         error.
  [[nodiscard]] std::string end();

 private:
  HelperProcess(Descriptor process, Descriptor socket, Descriptor errors)
      : process_(std::move(process)), socket_(std::move(socket)), errors_(std::move(errors)) {}
  void kill_and_forget() noexcept;

  Descriptor process_;  ///< not its number, which another process may have by now; not open: none any more
  Descriptor socket_;
  Descriptor errors_;  ///< a file in memory
};

// --- In such a child ---

/// From standard input. @return false at its end: the parent has gone, or wants no more.
[[nodiscard]] bool read_from_parent(std::span<std::byte> bytes) noexcept;
/// To standard output. @return false if nobody reads it.
[[nodiscard]] bool write_to_parent(std::span<const std::byte> bytes) noexcept;
/// Whether standard input is a socket, as it is for whoever start() started.
[[nodiscard]] bool has_parent() noexcept;
/// Ends this process as soon as the parent has closed its end, whatever it is doing then. @return false if the system
/// refused.
[[nodiscard]] bool end_with_parent() noexcept;
/// From here on this process may take `bytes` more of address space than it has. It leaves no memory image when it
/// dies.
void limit_this_process(std::uint64_t bytes) noexcept;

}  // namespace anew::os
