// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of storage keys, those that Substrate itself gives a meaning (sp_storage::well_known_keys), and their
// values.
#pragma once

#include <anew/substrate/state.hpp>
#include <cstring>
#include <memory>
#include <string_view>

#include "host/substrate/octets.hpp"

namespace anew::substrate {

/// The order of keys: that of their bytes. Looks up by view.
struct KeyOrder {
  using is_transparent = void;
  [[nodiscard]] bool operator()(BytesView a, BytesView b) const noexcept {
    const std::size_t common = a.size() < b.size() ? a.size() : b.size();
    // The pointers of empty spans may be null, which memcmp does not take.
    const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    return order != 0 ? order < 0 : a.size() < b.size();
  }
};

[[nodiscard]] inline bool starts_with(BytesView key, BytesView prefix) noexcept {
  return key.size() >= prefix.size() && (prefix.empty() || std::memcmp(key.data(), prefix.data(), prefix.size()) == 0);
}

[[nodiscard]] inline StorageValue make_value(BytesView bytes) {
  return std::make_shared<const Bytes>(bytes.begin(), bytes.end());
}

/// Where runtime code lies.
inline constexpr std::string_view kCodeKey = ":code";
/// Where the number of heap pages lies, as a u64.
inline constexpr std::string_view kHeapPagesKey = ":heappages";
/// What the keys of child tries' roots begin with.
inline constexpr std::string_view kChildStoragePrefix = ":child_storage:";
/// The same of default child tries, the only ones there are.
inline constexpr std::string_view kDefaultChildPrefix = ":child_storage:default:";

/// Where the top trie holds a child trie's root.
[[nodiscard]] inline Bytes child_root_key(BytesView storage_key) {
  const BytesView prefix = as_bytes(kDefaultChildPrefix);
  Bytes key(prefix.begin(), prefix.end());
  key.insert(key.end(), storage_key.begin(), storage_key.end());
  return key;
}

}  // namespace anew::substrate
