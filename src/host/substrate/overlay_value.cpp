// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/overlay_value.hpp"

#include <span>
#include <utility>

#include "host/substrate/scale.hpp"

namespace anew::substrate {

StorageValue OverlayValue::value() const {
  if (items_ == nullptr) return whole_;
  if (items_->encoded == nullptr || items_->encoded_size != size_ || items_->encoded_count != count_) {
    constexpr std::size_t kMaximumCountBytes = 5;
    Bytes encoded;
    encoded.reserve(kMaximumCountBytes + size_);
    append_compact(encoded, count_);
    const BytesView items = BytesView(items_->bytes).first(size_);
    encoded.insert(encoded.end(), items.begin(), items.end());
    items_->encoded = std::make_shared<const Bytes>(std::move(encoded));
    items_->encoded_size = size_;
    items_->encoded_count = count_;
  }
  return items_->encoded;
}

void OverlayValue::prepare_append() {
  if (whole_ == nullptr) return;
  // Only the count is looked at, as in Substrate: whether items follow, nobody here knows.
  ScaleReader reader(*whole_);
  std::uint32_t count = 0;
  if (!reader.compact(count)) return;
  const BytesView items = BytesView(*whole_).subspan(reader.position());
  const std::size_t size = items.size();
  items_ = std::make_shared<Items>(Items{Bytes(items.begin(), items.end()), std::move(whole_), size, count});
  whole_ = nullptr;
  size_ = size;
  count_ = count;
}

void OverlayValue::append(BytesView item) {
  prepare_append();
  if (items_ == nullptr) {
    whole_ = nullptr;
    items_ = std::make_shared<Items>();
  }
  items_->bytes.resize(size_);  // without those of copies, which are no longer used
  items_->bytes.insert(items_->bytes.end(), item.begin(), item.end());
  items_->encoded = nullptr;
  size_ = items_->bytes.size();
  ++count_;  // past the greatest it is zero again, as in Substrate
}

}  // namespace anew::substrate
