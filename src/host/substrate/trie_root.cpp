// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/trie_root.hpp"

#include <map>
#include <memory>
#include <vector>

#include "host/substrate/scale.hpp"
#include "host/substrate/storage_keys.hpp"
#include "host/substrate/trie.hpp"
#include "runtime/stop.hpp"

namespace anew::substrate {

Hash trie_root(std::span<const std::pair<BytesView, BytesView>> pairs, StateVersion version, TrieHasher hasher) {
  std::map<BytesView, BytesView, KeyOrder> sorted;
  for (const auto& [key, value] : pairs) {
    detail::check_stop();
    sorted.insert_or_assign(key, value);
  }

  std::vector<TrieChange> changes;
  changes.reserve(sorted.size());
  for (const auto& [key, value] : sorted)
    changes.push_back({key, std::make_shared<const Bytes>(value.begin(), value.end())});
  return Trie(hasher).with(changes, version).root();
}

Hash ordered_trie_root(std::span<const BytesView> values, StateVersion version, TrieHasher hasher) {
  std::vector<CompactLength> keys;
  keys.reserve(values.size());
  std::vector<std::pair<BytesView, BytesView>> pairs;
  pairs.reserve(values.size());
  for (const BytesView value : values) {
    keys.emplace_back(static_cast<std::uint32_t>(keys.size()));  // the number of values fits
    pairs.emplace_back(keys.back().bytes(), value);
  }
  return trie_root(pairs, version, hasher);
}

}  // namespace anew::substrate
