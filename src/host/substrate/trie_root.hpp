// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Roots of tries that are made for their roots only.
#pragma once

#include <anew/substrate/state.hpp>
#include <span>
#include <utility>

#include "host/substrate/trie_node.hpp"

namespace anew::substrate {

/// The root of a trie with these pairs of key and value; of the same key twice, the last one counts.
[[nodiscard]] Hash trie_root(std::span<const std::pair<BytesView, BytesView>> pairs, StateVersion version,
                             TrieHasher hasher);

/// The root of a trie in which each value's key is its index, SCALE-encoded as a compact integer: so a header commits
/// to its block's extrinsics. @param values  fewer than 2^32.
[[nodiscard]] Hash ordered_trie_root(std::span<const BytesView> values, StateVersion version, TrieHasher hasher);

}  // namespace anew::substrate
