// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which marks of written memory were made since the last label: a store near one of them needs none (see
// abi::kSlackBytes).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace anew::codegen::quick {

class StoreMarks {
 public:
  /// An address that is a constant, or a local's value and a constant.
  struct Place {
    static constexpr std::uint32_t kConstant = 0xFFFF'FFFF;
    std::uint32_t local = kConstant;
    std::uint32_t version = 0;  ///< which of the local's values
    std::uint64_t offset = 0;
    [[nodiscard]] bool is_constant() const noexcept { return local == kConstant; }
  };

  void begin_function(std::size_t locals) {
    if (version_.size() < locals) version_.resize(locals, 0);
    forget();
  }
  void forget() noexcept { count_ = next_ = 0; }
  /// The local has another value from here on.
  void change(std::uint32_t local) noexcept { ++version_[local]; }
  [[nodiscard]] Place place(std::uint32_t local, std::uint64_t offset) const noexcept {
    return {local, version_[local], offset};
  }

  /// Whether a restore of what is marked covers `bytes` bytes at `place`.
  /// @param slack  how far past a card a restore reaches.
  [[nodiscard]] bool cover(const Place& place, std::uint32_t bytes, std::uint64_t card_bytes,
                           std::uint64_t slack) const noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
      const Place& marked = marked_[i];
      if (marked.local != place.local || marked.version != place.version) continue;
      // A restore reaches from the start of the marked card to the slack past its end. Where in its card the marked
      // address lies is known only if it is a constant; else it may be the first byte or the last.
      const std::uint64_t begin = place.is_constant() ? marked.offset & ~(card_bytes - 1) : marked.offset;
      const std::uint64_t covered = place.is_constant() ? card_bytes + slack : slack;
      if (place.offset >= begin && place.offset - begin + bytes <= covered) return true;
    }
    return false;
  }
  void add(const Place& place) noexcept {
    marked_[next_] = place;
    next_ = (next_ + 1) % static_cast<std::uint32_t>(marked_.size());
    count_ = std::min(count_ + 1, static_cast<std::uint32_t>(marked_.size()));
  }

 private:
  std::array<Place, 4> marked_{};
  std::uint32_t count_ = 0;
  std::uint32_t next_ = 0;
  std::vector<std::uint32_t> version_;  ///< by local: changes with every assignment
};

}  // namespace anew::codegen::quick
