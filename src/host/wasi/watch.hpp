// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Descriptors and times that calls wait for which no thread is in: one thread of the process watches all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail {

/// Has somebody told when one of some descriptors is ready or a time is over, for as long as this is there; the last of
/// that may come while it goes.
class Watch {
 public:
  static constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

  /// @param time  of os::monotonic_time(); kForever for none.
  /// @param tell  called once, by another thread; it neither waits nor throws.
  /// @return nothing if the system has no thread or descriptor for that, or there is no memory.
  [[nodiscard]] static std::optional<Watch> begin(std::span<const os::Awaited> descriptors, std::uint64_t time,
                                                  std::function<void()> tell);
  Watch(Watch&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  Watch& operator=(Watch&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

 private:
  explicit Watch(std::uint64_t number) noexcept : number_(number) {}
  std::uint64_t number_;  ///< 0: none
};

}  // namespace anew::wasi::detail
