// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/descriptors.hpp"

#include <utility>

namespace anew::wasi::detail {

Outcome<std::uint32_t> Descriptors::add(OpenDescriptor open) {
  if (free_ != kNothing) {
    const std::uint32_t number = free_;
    free_ = entries_[number].next_free;
    entries_[number].open = std::move(open);
    return number;
  }
  if (is_full()) return fail(Errno::kMfile);
  entries_.push_back({std::move(open)});
  return static_cast<std::uint32_t>(entries_.size() - 1);  // at most maximum_
}

void Descriptors::close(std::uint32_t number) noexcept {
  entries_[number].open = {};
  entries_[number].next_free = std::exchange(free_, number);
}

void Descriptors::clear() noexcept {
  constexpr std::size_t kKept = 256;
  const bool is_large = entries_.capacity() > kKept;
  entries_.clear();
  if (is_large) entries_ = std::vector<Entry>();
  free_ = kNothing;
}

}  // namespace anew::wasi::detail
