// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/sandbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace anew::wasi::detail {
namespace {

/// Empties what a guest filled, and keeps room for the next one's: a little.
void empty(std::string& captured) noexcept {
  constexpr std::size_t kKept = 65'536;
  captured.clear();
  if (captured.capacity() > kKept) captured = std::string();
}

}  // namespace

std::uint64_t Random::next() noexcept {
  std::uint64_t value = state_ += 0x9E3779B97F4A7C15;  // wraps around, as all of it may
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
  value = (value ^ value >> 27) * 0x94D049BB133111EB;
  return value ^ value >> 31;
}

Outcome<void> Random::fill(std::span<std::byte> bytes) {
  if (!seed_) return to_outcome(os::fill_random(bytes));
  while (!bytes.empty()) {
    const std::uint64_t value = next();
    const std::size_t count = std::min(bytes.size(), sizeof(value));
    std::memcpy(bytes.data(), &value, count);
    bytes = bytes.subspan(count);
  }
  return {};
}

Sandbox::Sandbox(std::shared_ptr<const Configuration> configuration)
    : descriptors(configuration->options.maximum_descriptors),
      clocks(configuration->options.clock),
      random(configuration->options.random_seed),
      given_(std::move(configuration)) {
  add_beginnings();
}

void Sandbox::add_beginnings() {
  descriptors.reserve(given_->beginnings.size());
  for (const OpenDescriptor& each : given_->beginnings) {
    OpenDescriptor open = copy_of(each);
    if (open.backing == Backing::kCapture) open.captured = descriptors.size() == 1 ? &captured_output : &captured_error;
    (void)descriptors.add(std::move(open));  // there is room for all: Configuration::make counts them
  }
}

void Sandbox::reset() {
  descriptors.clear();
  clocks.reset();
  random.reset();
  empty(captured_output);
  empty(captured_error);
  own_arguments.reset();
  own_environment.reset();
  exit_code.reset();
  add_beginnings();
}

void Sandbox::set_input(std::string bytes) {
  OpenDescriptor* const input = descriptors.find(0);
  if (input == nullptr) return;  // the guest closed it
  // Kept by the descriptor, which the guest may give another number before the input is set once more.
  auto own = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *own;
  *input = {.backing = Backing::kBytes,
            .rights = right::kOfStreams & ~right::kFdWrite,
            .bytes = view,
            .own_bytes = std::move(own)};
}

}  // namespace anew::wasi::detail
