// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Proofs that a trie has a value (polkadot-sdk, sp_trie::verify_trie_proof; crate trie-db, module `proof`).
//
// A proof is the nodes from the root to the value, without what can be computed: the value itself is empty or, in a
// branch, not there; of the child that the path goes on in, a node that is an item of its own leaves its Merkle value
// empty, and a shorter one lies in its parent with the same left out.
#pragma once

#include <anew/substrate/state.hpp>
#include <span>

#include "host/substrate/trie_node.hpp"

namespace anew::substrate {

/// Whether the proof shows that a trie with this root has this value under this key. As in Substrate, a proof that
/// holds more than it must is none; what lies in an item behind its node is not looked at.
/// @param version  of the value: how it lies in its node.
[[nodiscard]] bool verify_trie_proof(std::span<const std::byte, 32> root, std::span<const BytesView> proof,
                                     BytesView key, BytesView value, StateVersion version, TrieHasher hasher);

}  // namespace anew::substrate
