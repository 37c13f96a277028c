// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/progress.hpp"

#include <algorithm>
#include <cstdio>

#include "cli/output.hpp"
#include "os/terminal.hpp"

namespace anew::cli {

namespace {
constexpr std::chrono::milliseconds kDelay{250};
constexpr std::chrono::milliseconds kInterval{100};
}  // namespace

Progress::Progress(std::string_view what)
    : what_(printable(what)),
      terminal_(os::standard_error_is_terminal()),
      next_((Clock::now() + kDelay).time_since_epoch().count()) {}

void Progress::update(std::uint64_t done, std::uint64_t all) noexcept {
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  Clock::rep next = next_.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < next) return;
  // One thread at a time wins the right to print; the others go on with their work.
  if (!next_.compare_exchange_strong(next, (now + kInterval).time_since_epoch().count())) return;
  const double percent = 100.0 * static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(all, 1));
  std::fprintf(stderr, "\r\033[K%s: %.0f %%", what_.c_str(), std::min(percent, 100.0));
  shown_.store(true, std::memory_order_relaxed);
}

void Progress::finish() noexcept {
  if (shown_.exchange(false)) std::fputs("\r\033[K", stderr);
}

}  // namespace anew::cli
