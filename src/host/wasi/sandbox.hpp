// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All that WASI keeps for a lease. What a guest is shown of it, and by which functions, is preview1.hpp's.
#pragma once

#include <anew/wasi.hpp>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "host/wasi/configuration.hpp"
#include "host/wasi/descriptors.hpp"
#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail {

/// What the guest's clocks show, in nanoseconds.
class Clocks {
 public:
  explicit Clocks(Clock clock) noexcept : clock_(clock) {}
  [[nodiscard]] std::uint64_t real() noexcept { return look(os::real_time); }
  [[nodiscard]] std::uint64_t monotonic() noexcept { return look(os::monotonic_time); }
  /// Between two values that a guest can see.
  [[nodiscard]] std::uint64_t resolution() const noexcept {
    switch (clock_) {
      case Clock::kCoarse: return 1'000'000;
      case Clock::kFine: return 1;
      case Clock::kSimulated: break;
    }
    return kLook;
  }
  [[nodiscard]] bool is_simulated() const noexcept { return clock_ == Clock::kSimulated; }
  /// Of simulated clocks: a wait is over.
  void advance_to(std::uint64_t time) noexcept { simulated_ = std::max(simulated_, time); }
  void reset() noexcept { simulated_ = 0; }

 private:
  static constexpr std::uint64_t kLook = 1000;
  [[nodiscard]] std::uint64_t look(std::uint64_t (*system)() noexcept) noexcept {
    if (is_simulated()) return simulated_ += kLook;
    const std::uint64_t now = system();
    return now - now % resolution();
  }
  Clock clock_;
  std::uint64_t simulated_ = 0;
};

/// Random bytes: the system's, or a sequence that begins anew with each lease (splitmix64, Steele and others 2014).
class Random {
 public:
  explicit Random(std::optional<std::uint64_t> seed) noexcept : seed_(seed), state_(seed.value_or(0)) {}
  [[nodiscard]] Outcome<void> fill(std::span<std::byte> bytes);
  void reset() noexcept { state_ = seed_.value_or(0); }

 private:
  [[nodiscard]] std::uint64_t next() noexcept;
  std::optional<std::uint64_t> seed_;
  std::uint64_t state_;
};

/// The state of a lease. Used by one thread at a time.
class Sandbox {
 public:
  explicit Sandbox(std::shared_ptr<const Configuration> configuration);
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// As it was made.
  void reset();

  [[nodiscard]] const Strings& arguments() const noexcept { return own_arguments ? *own_arguments : given_->arguments; }
  [[nodiscard]] const Strings& environment() const noexcept {
    return own_environment ? *own_environment : given_->environment;
  }
  /// Replaces what standard input reads.
  void set_input(std::string bytes);

  Descriptors descriptors;
  Clocks clocks;
  Random random;
  std::string captured_output;
  std::string captured_error;
  std::optional<Strings> own_arguments;
  std::optional<Strings> own_environment;
  std::optional<std::uint32_t> exit_code;

 private:
  void add_beginnings();
  std::shared_ptr<const Configuration> given_;
};

}  // namespace anew::wasi::detail
