// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_trie_*.
#include "host/substrate/hashing.hpp"
#include "host/substrate/host_functions.hpp"
#include "host/substrate/trie_proof.hpp"
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
  const char* verify_proof_1;
  const char* verify_proof_2;
};

void define_for_hasher(HostFunctions& functions, const Names& names, TrieHasher hasher) {
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
  functions.define(names.verify_proof_1,
                   [hasher](const HostCall&, HashBytes root, const Values& proof, BytesView key, BytesView value) {
                     return verify_trie_proof(root, proof, key, value, StateVersion::kV0, hasher);
                   });
  functions.define(names.verify_proof_2, [hasher](const HostCall&, HashBytes root, const Values& proof, BytesView key,
                                                  BytesView value, StateVersion version) {
    return verify_trie_proof(root, proof, key, value, version, hasher);
  });
}

}  // namespace

void define_trie(HostFunctions& functions) {
  define_for_hasher(functions,
                    {.root_1 = "ext_trie_blake2_256_root_version_1",
                     .root_2 = "ext_trie_blake2_256_root_version_2",
                     .ordered_root_1 = "ext_trie_blake2_256_ordered_root_version_1",
                     .ordered_root_2 = "ext_trie_blake2_256_ordered_root_version_2",
                     .verify_proof_1 = "ext_trie_blake2_256_verify_proof_version_1",
                     .verify_proof_2 = "ext_trie_blake2_256_verify_proof_version_2"},
                    blake2b_256);
  define_for_hasher(functions,
                    {.root_1 = "ext_trie_keccak_256_root_version_1",
                     .root_2 = "ext_trie_keccak_256_root_version_2",
                     .ordered_root_1 = "ext_trie_keccak_256_ordered_root_version_1",
                     .ordered_root_2 = "ext_trie_keccak_256_ordered_root_version_2",
                     .verify_proof_1 = "ext_trie_keccak_256_verify_proof_version_1",
                     .verify_proof_2 = "ext_trie_keccak_256_verify_proof_version_2"},
                    keccak_256);
}

}  // namespace anew::substrate
