// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace anew::cli {

/// A line on a terminal that says how far something long has come, and goes when it is done. Silent when standard error
/// is no terminal, and during the first quarter of a second. May be updated from several threads.
class Progress {
 public:
  explicit Progress(std::string_view what);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done, std::uint64_t all) noexcept;
  /// Removes the line.
  void finish() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool terminal_;
  std::atomic<Clock::rep> next_;  ///< when the line may change again
  std::atomic<bool> shown_ = false;
};

}  // namespace anew::cli
