// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts for Prometheus. Each loop has its own, so that cores do not contend for them; who shows them adds them up.
#pragma once

#include <anew/pool.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace anew::serve {

struct Metrics {
  using Count = std::atomic<std::uint64_t>;
  /// Of a request's time, in microseconds: the last one is for all that take longer.
  static constexpr std::array<std::uint64_t, 16> kTimes = {
      50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000, 10000000};

  std::array<Count, 6> responses{};  ///< by the first digit of their status
  std::array<Count, kTimes.size() + 1> times{};
  Count microseconds{};
  Count body_bytes_read{};
  Count body_bytes_written{};
  Count guest_failures{};  ///< traps, exit codes and responses that are none
  Count timed_out{};
  Count clients_gone{};
  Count refused{};  ///< there was no room for another one in flight
  Count connections{};

  void add_response(unsigned status, std::chrono::nanoseconds time) noexcept;
};

/// What the server as a whole counts.
struct ServerCounts {
  std::uint64_t in_flight = 0;
  std::uint64_t open_connections = 0;
  std::uint64_t reloads = 0;
  std::uint64_t failed_reloads = 0;
};

/// The text format of Prometheus, 0.0.4.
[[nodiscard]] std::string metrics_text(std::span<const Metrics* const> loops, const ServerCounts& counts,
                                       std::span<const std::pair<std::string, PoolStatistics>> pools);

}  // namespace anew::serve
