// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_trie_*.
#include "host/substrate/hashing.hpp"
#include "host/substrate/host_functions.hpp"
#include "host/substrate/trie_root.hpp"

namespace anew::substrate {
namespace {

using Pairs = std::vector<std::pair<BytesView, BytesView>>;
using Values = std::vector<BytesView>;

/// Version 1 of the functions knows version 0 of the state only.
struct Names {
  const char* root_1;
  const char* root_2;
  const char* ordered_root_1;
  const char* ordered_root_2;
};

void define_roots(HostFunctions& functions, const Names& names, TrieHasher hasher) {
  functions.define(names.root_1, [hasher](const HostCall&, const Pairs& pairs) -> Hash {
    return trie_root(pairs, StateVersion::kV0, hasher);
  });
  functions.define(names.root_2, [hasher](const HostCall&, const Pairs& pairs, StateVersion version) -> Hash {
    return trie_root(pairs, version, hasher);
  });
  functions.define(names.ordered_root_1, [hasher](const HostCall&, const Values& values) -> Hash {
    return ordered_trie_root(values, StateVersion::kV0, hasher);
  });
  functions.define(names.ordered_root_2, [hasher](const HostCall&, const Values& values, StateVersion version) -> Hash {
    return ordered_trie_root(values, version, hasher);
  });
}

}  // namespace

void define_trie(HostFunctions& functions) {
  define_roots(functions,
               {.root_1 = "ext_trie_blake2_256_root_version_1",
                .root_2 = "ext_trie_blake2_256_root_version_2",
                .ordered_root_1 = "ext_trie_blake2_256_ordered_root_version_1",
                .ordered_root_2 = "ext_trie_blake2_256_ordered_root_version_2"},
               blake2b_256);
  define_roots(functions,
               {.root_1 = "ext_trie_keccak_256_root_version_1",
                .root_2 = "ext_trie_keccak_256_root_version_2",
                .ordered_root_1 = "ext_trie_keccak_256_ordered_root_version_1",
                .ordered_root_2 = "ext_trie_keccak_256_ordered_root_version_2"},
               keccak_256);
}

}  // namespace anew::substrate
