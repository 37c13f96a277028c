// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an overlay has for a key. Runtimes append event after event to one value, in transactions that may be undone:
// so a value that grows is kept as its items, without the count in front of them that changes its width, and copies of
// it share them.
#pragma once

#include <anew/substrate/state.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace anew::substrate {

/// A value, or none. Copies cost nothing. A value that was copied may only be appended to while its copies that were
/// appended to are no longer used: as if it were undone.
class OverlayValue {
 public:
  /// None.
  OverlayValue() noexcept = default;
  /// @param value  null: none.
  explicit OverlayValue(StorageValue value) noexcept : whole_(std::move(value)) {}

  [[nodiscard]] bool has_value() const noexcept { return whole_ != nullptr || items_ != nullptr; }
  /// The value, or null. Of one that grew since the last time, encoded anew.
  [[nodiscard]] StorageValue value() const;

  /// How much the next append() copies besides the item: all, if nothing was appended yet.
  [[nodiscard]] std::size_t bytes_to_copy() const noexcept { return whole_ != nullptr ? whole_->size() : 0; }
  /// Makes further copies share what append() adds to, if the value is a SCALE-encoded sequence.
  void prepare_append();
  /// Appends an item to the sequence. What is not one is replaced by a sequence of that item.
  void append(BytesView item);

 private:
  struct Items {
    Bytes bytes;
    // What value() made last, until an item is added.
    StorageValue encoded;
    std::size_t encoded_size = 0;
    std::uint32_t encoded_count = 0;
  };

  StorageValue whole_;            // null if it grows
  std::shared_ptr<Items> items_;  // null if it does not
  std::size_t size_ = 0;          // of its items; behind them may be those of copies
  std::uint32_t count_ = 0;
};

}  // namespace anew::substrate
