// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/attempt.hpp"

#include <utility>

namespace anew::wasi::detail {
namespace {

thread_local Attempt* current_attempt = nullptr;

}  // namespace

Attempt::Attempt(bool may_leave) noexcept : around_(std::exchange(current_attempt, may_leave ? this : nullptr)) {}
Attempt::~Attempt() { current_attempt = around_; }
Attempt* Attempt::current() noexcept { return current_attempt; }

bool Attempt::again_when(std::span<const os::Awaited> descriptors, std::uint64_t time) {
  auto wait = anew::detail::make_wait();
  auto watch =
      Watch::begin(descriptors, time, [wait] { anew::detail::complete(*wait, std::span<const std::uint64_t>()); });
  if (!watch) return false;
  waited_ = {std::move(wait), std::make_shared<Watch>(*std::move(watch))};
  return true;
}

void Attempt::again(const std::function<void(std::function<void()> tell)>& until) {
  waited_ = {anew::detail::make_wait(), nullptr};
  until([wait = waited_.wait] { anew::detail::complete(*wait, std::span<const std::uint64_t>()); });
}

}  // namespace anew::wasi::detail
