// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/trie_proof.hpp"

#include <botan/hash.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "host/substrate/octets.hpp"
#include "substrate/host_guest.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

Bytes encode(const std::vector<Bytes>& items) {
  Bytes encoded;
  append_compact(encoded, static_cast<std::uint32_t>(items.size()));
  for (const Bytes& item : items) encoded = join({encoded, scale(item)});
  return encoded;
}

bool verify(const Hash& root, const std::vector<Bytes>& proof, const Bytes& key, const Bytes& value,
            StateVersion version = StateVersion::kV0) {
  const std::vector<BytesView> items(proof.begin(), proof.end());
  return verify_trie_proof(root, items, key, value, version, blake2b_256);
}

/// Nodes of all kinds: branches with and without values, leaves in their parents and on their own.
NaiveMap sample(bool version_1) {
  NaiveMap map;
  for (const std::size_t size : {1u, 5u, 20u, 31u, 32u, 33u, 100u}) {
    for (const char* const stem : {"", "00", "01", "0100", "f0f1f2f3f4f5f6f7f8f9fa", "f0f1"}) {
      const Bytes key = join({from_hex(stem), Bytes(size % 3, static_cast<std::byte>(size))});
      map[key] = {Bytes(size, static_cast<std::byte>(size)), version_1 && size >= 33};
    }
  }
  return map;
}

struct Vector {
  std::uint32_t version;
  const char* root;
  const char* proof;
  const char* key;
  const char* value;
};

// Made by sp_trie::generate_trie_proof, with BLAKE2b.
constexpr Vector kVectors[] = {
    // One leaf.
    {0, "ef3c8357fef48c143838759205190aa01b582632193c40b8d0455513b2e7ff64", "041044010100", "0101", "98ea"},
    // A leaf below a branch, on its own.
    {0, "b8ed6cbf18f6739d9d7445b000d23b9c1d24abe18211e7840cae4b56573774de", "0818c0020004f200104300ff00", "10ff",
     "e6a807af8f8088c82c237802ea7c2cd6f5576acc50d999bf555f45746916350749c0de6c0efc78e3"},
    // The same with a value that lies there as its hash.
    {1, "d3150769e34a08fb23367a7f634abe1ab7ae4ec30309df4cd5341b59bce4afb6", "0818c00100043f000c410100", "01",
     "acebacc864e9dfd788bed43543cb912246153b8f9d16be1e54415eabfc18936ffd"},
    // Three nodes, with a sibling inside the root.
    {1, "ede0372a20f20b5d8634d25f9bf6df44b4225c5e574a40db5288943b8926f719",
     "0c28c0020014afa2169c1c00288100030010410004c0000c410000", "1010",
     "a5bfa7d06a55f18c8dde7dce82113a7d7ddf148121f20e0c410211677f5c6256db300106bbe48c22098f683fbe250e0db792281af0e2920b6"
     "2"
     "168daca18efbfbea40f0c198e34cd7c5b471dbac388949be705690a4568b8a2a12b9fef5af21c998356d43"},
    // The value of a branch, under the empty key.
    {0, "fe5e8f6c8a460b77981c344fa473a3184c3bb3c6562ab9519610f5118e7ed5c8", "042480008010410f04b455", "", "855a"},
    // All in one node.
    {1, "d09180ddfb86a947c6b3a8aa6a71aebee8602b3053b944af2029bd8ed3c431c4",
     "0474800280488003002444110114e64808a2e9104008c5f314450fffff007a", "ffffff", "ea08"},
    {1, "c9067e9b7f95a55fe80498ecd831fd6e0146da83b5e107f0352a752d95bcece2", "04084000", "",
     "3c411c9397104d02b54eba1840e63b7028700c26c230fe2d2e9d7c18b0b5828f9f"},
};

class TrieProof : public HostTest {};

TEST_F(TrieProof, GuestsVerifyThoseOfSubstrate) {
  for (const Vector& each : kVectors) {
    const std::vector<Argument> arguments = {from_hex(each.root), from_hex(each.proof), from_hex(each.key),
                                             from_hex(each.value)};
    std::vector<Argument> with_version = arguments;
    with_version.emplace_back(each.version);
    EXPECT_EQ(guest.ask({"trie_blake2_256_verify_proof_version_2", with_version}), u32(1)) << each.proof;
    EXPECT_EQ(guest.ask({"trie_keccak_256_verify_proof_version_2", with_version}), u32(0)) << each.proof;
    // Version 1 knows version 0 of the state only: in the other one long values lie as their hashes.
    const bool is_same = each.version == 0 || from_hex(each.value).size() < 33;
    EXPECT_EQ(guest.ask({"trie_blake2_256_verify_proof_version_1", arguments}), u32(is_same ? 1 : 0)) << each.proof;
    with_version.back() = 1u - each.version;
    EXPECT_EQ(guest.ask({"trie_blake2_256_verify_proof_version_2", with_version}),
              u32(from_hex(each.value).size() < 33 ? 1 : 0))
        << each.proof;
    with_version.back() = 2u;
    EXPECT_TRUE(has(guest.trap({{"trie_blake2_256_verify_proof_version_2", with_version}}), "2 is no state version"));
  }
}

Hash keccak_by_botan(const std::string& text) {
  const auto function = Botan::HashFunction::create_or_throw("Keccak-1600(256)");
  function->update(text);
  Hash hash;
  function->final(octets(hash.data()));
  return hash;
}

TEST_F(TrieProof, GuestsVerifyThoseWithKeccak) {
  const NaiveMap map = sample(true);
  const Hash root = NaiveTrie::root(map, keccak_by_botan);
  for (const auto& [key, value] : map) {
    const Bytes proof = encode(NaiveTrie::proof(map, key, keccak_by_botan));
    EXPECT_EQ(guest.ask({"trie_keccak_256_verify_proof_version_2", {root, proof, key, value.bytes, 1u}}), u32(1));
    EXPECT_EQ(guest.ask({"trie_keccak_256_verify_proof_version_1", {root, proof, key, value.bytes}}),
              u32(value.hashed ? 0 : 1));
  }
}

TEST_F(TrieProof, AListThatIsNoneTraps) {
  EXPECT_TRUE(has(guest.trap({{"trie_blake2_256_verify_proof_version_1", {Hash{}, from_hex("04 08 00"), "k", "v"}}}),
                  "ext_trie_blake2_256_verify_proof_version_1: SCALE data"));
}

TEST(TrieProofs, ShowEachValueAndNoOther) {
  for (const StateVersion version : {StateVersion::kV0, StateVersion::kV1}) {
    const NaiveMap map = sample(version == StateVersion::kV1);
    const Hash root = NaiveTrie::root(map);
    ASSERT_GT(map.size(), 15u);
    for (const auto& [key, value] : map) {
      const std::vector<Bytes> proof = NaiveTrie::proof(map, key);
      EXPECT_TRUE(verify(root, proof, key, value.bytes, version)) << key.size() << " " << value.bytes.size();
      Hash other_root = root;
      other_root[7] ^= std::byte{1};
      EXPECT_FALSE(verify(other_root, proof, key, value.bytes, version));
      for (std::size_t bit = 0; bit < value.bytes.size() * 8; bit += 7)
        EXPECT_FALSE(verify(root, proof, key, with_bit_flipped(value.bytes, bit), version));
      EXPECT_FALSE(verify(root, proof, key, join({value.bytes, from_hex("00")}), version));
      EXPECT_FALSE(verify(root, proof, key, {}, version));
      EXPECT_FALSE(verify(root, proof, join({key, from_hex("00")}), value.bytes, version));
      for (const auto& [other_key, other_value] : map) {
        if (other_key == key) continue;
        EXPECT_FALSE(verify(root, proof, other_key, value.bytes, version));
        EXPECT_FALSE(verify(root, proof, other_key, other_value.bytes, version));
      }
    }
  }
}

TEST(TrieProofs, ThatAreMalformedShowNothing) {
  const NaiveMap map = sample(true);
  const Hash root = NaiveTrie::root(map);
  for (const auto& [key, value] : map) {
    const std::vector<Bytes> proof = NaiveTrie::proof(map, key);
    const auto shows = [&](const std::vector<Bytes>& changed) {
      return verify(root, changed, key, value.bytes, StateVersion::kV1);
    };
    EXPECT_FALSE(shows({}));
    EXPECT_FALSE(shows({Bytes{}}));
    EXPECT_FALSE(shows({from_hex("00")})) << "the empty trie";
    std::vector<Bytes> changed = proof;
    changed.emplace_back();
    EXPECT_FALSE(shows(changed)) << "one item too many";
    changed = proof;
    changed.insert(changed.begin(), proof.front());
    EXPECT_FALSE(shows(changed));
    for (std::size_t i = 0; i < proof.size(); ++i) {
      changed = proof;
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(shows(changed)) << "one item too few";
      for (std::size_t bit = 0; bit < proof[i].size() * 8; ++bit) {
        changed = proof;
        changed[i] = with_bit_flipped(proof[i], bit);
        EXPECT_FALSE(shows(changed)) << "bit " << bit << " of item " << i;
      }
      for (std::size_t size = 0; size < proof[i].size(); ++size) {
        changed = proof;
        changed[i].resize(size);
        EXPECT_FALSE(shows(changed)) << "item " << i << " cut to " << size;
      }
      changed = proof;
      changed[i].push_back(std::byte{1});
      EXPECT_TRUE(shows(changed)) << "what lies behind a node is not looked at, as in Substrate";
    }
  }
}

// Nodes that lie in their parents' are no longer than hashes, however many a proof says that there are.
TEST(TrieProofs, OfNodesWithinNodesEndSoon) {
  Bytes node = from_hex("40 00");
  while (node.size() < 2000) {
    Bytes outer = from_hex("80 0100");
    append_bytes(outer, node);
    node = std::move(outer);
  }
  EXPECT_FALSE(verify(Hash{}, {node}, Bytes(1000), from_text("v")));
}

}  // namespace
}  // namespace anew::substrate
