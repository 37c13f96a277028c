// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_trie_*, called by a guest.
#include <botan/hash.h>
#include <gtest/gtest.h>

#include <memory>

#include "host/substrate/octets.hpp"
#include "substrate/host_guest.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

Hash keccak_by_botan(const std::string& text) {
  const auto function = Botan::HashFunction::create_or_throw("Keccak-1600(256)");
  function->update(text);
  Hash hash;
  function->final(octets(hash.data()));
  return hash;
}

Bytes compact(std::size_t value) {
  Bytes encoded;
  append_compact(encoded, static_cast<std::uint32_t>(value));
  return encoded;
}

using Pairs = std::vector<std::pair<Bytes, Bytes>>;

Bytes encode(const Pairs& pairs) {
  Bytes encoded = compact(pairs.size());
  for (const auto& [key, value] : pairs) encoded = join({encoded, scale(key), scale(value)});
  return encoded;
}

Bytes encode(const std::vector<Bytes>& values) {
  Bytes encoded = compact(values.size());
  for (const Bytes& value : values) encoded = join({encoded, scale(value)});
  return encoded;
}

/// Keys of two lengths, values on both sides of the length from which version 1 hashes them.
Pairs sample() {
  Pairs pairs;
  for (std::size_t i = 0; i < 100; ++i)
    pairs.emplace_back(i % 3 == 0 ? compact(i * 1000) : compact(i), Bytes(i, static_cast<std::byte>(i)));
  return pairs;
}

NaiveMap map_of(const Pairs& pairs, bool version_1) {
  NaiveMap map;
  for (const auto& [key, value] : pairs) map[key] = {value, version_1 && value.size() >= 33};
  return map;
}

class HostTrie : public HostTest {
 protected:
  /// @param name  "root" or "ordered_root".
  void expect_roots(const std::string& name, const Bytes& encoded, const Pairs& pairs) const {
    struct Kind {
      const char* prefix;
      NaiveTrie::Hasher hasher;
    };
    for (const auto& [prefix, hasher] :
         {Kind{"trie_blake2_256_", NaiveTrie::blake2b}, Kind{"trie_keccak_256_", keccak_by_botan}}) {
      const Bytes version_0 = to_bytes(NaiveTrie::root(map_of(pairs, false), hasher));
      const Bytes version_1 = to_bytes(NaiveTrie::root(map_of(pairs, true), hasher));
      EXPECT_EQ(guest.ask({prefix + name + "_version_1", {encoded}}), version_0) << prefix;
      EXPECT_EQ(guest.ask({prefix + name + "_version_2", {encoded, 0u}}), version_0) << prefix;
      EXPECT_EQ(guest.ask({prefix + name + "_version_2", {encoded, 1u}}), version_1) << prefix;
    }
  }
};

TEST_F(HostTrie, RootsAreThoseOfTheNaiveModel) {
  expect_roots("root", encode(sample()), sample());
  const Pairs one = {{from_text("key"), Bytes(33)}};
  expect_roots("root", encode(one), one);
}

TEST_F(HostTrie, OfTheSameKeyTwiceTheLastOneCounts) {
  Pairs pairs = sample();
  pairs.emplace_back(pairs.front().first, from_text("the last one"));
  expect_roots("root", encode(pairs), pairs);
}

TEST_F(HostTrie, OrderedRootsHaveIndicesAsKeys) {
  for (const std::size_t count : {1u, 2u, 63u, 64u, 65u, 300u}) {
    Pairs pairs;
    std::vector<Bytes> values;
    for (std::size_t i = 0; i < count; ++i) {
      values.emplace_back(i % 50, static_cast<std::byte>(i));
      pairs.emplace_back(compact(i), values.back());
    }
    expect_roots("ordered_root", encode(values), pairs);
  }
}

TEST_F(HostTrie, RootsOfNothing) {
  expect_roots("root", from_hex("00"), {});
  expect_roots("ordered_root", from_hex("00"), {});
  EXPECT_EQ(guest.ask({"trie_blake2_256_root_version_1", {from_hex("00")}}),
            from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"));
  EXPECT_EQ(guest.ask({"trie_keccak_256_root_version_1", {from_hex("00")}}),
            from_hex("bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"));
}

TEST_F(HostTrie, AnUnknownStateVersionTraps) {
  for (const char* const name : {"trie_blake2_256_root_version_2", "trie_blake2_256_ordered_root_version_2",
                                 "trie_keccak_256_root_version_2", "trie_keccak_256_ordered_root_version_2"}) {
    EXPECT_TRUE(
        has(guest.trap({{name, {from_hex("00"), 2u}}}), std::string("ext_") + name + ": 2 is no state version"));
  }
}

TEST_F(HostTrie, MalformedListsTrap) {
  const auto expect_trap = [&](const char* name, const Bytes& encoded) {
    EXPECT_TRUE(has(guest.trap({{name, {encoded}}}), std::string("ext_") + name + ": SCALE data"));
  };
  for (const char* const name : {"trie_blake2_256_root_version_1", "trie_blake2_256_ordered_root_version_1"}) {
    expect_trap(name, {});                                   // no count
    expect_trap(name, from_hex("04"));                       // one item that is not there
    expect_trap(name, from_hex("01"));                       // half a count
    expect_trap(name, from_hex("0100"));                     // a count in a form that is too long
    expect_trap(name, from_hex("04 08 61"));                 // an item that ends early
    expect_trap(name, from_hex("04 feffffff 61"));           // an absurd length
    expect_trap(name, from_hex("feffffff 00 00 00"));        // an absurd count
    expect_trap(name, from_hex("03 ffffffff 00 00"));        // likewise
    expect_trap(name, from_hex("13 ffffffff ffffffff ff"));  // of more than 32 bits
  }
  expect_trap("trie_blake2_256_root_version_1", from_hex("04 04 61"));  // a key without a value
}

TEST_F(HostTrie, AListOfMoreItemsThanTheHostHasRoomForTraps) {
  // Each takes one byte of the guest's memory, but 16 of the host's. There is room for so many in 6 pages and 64 MiB.
  Bytes encoded = compact((1u << 18) + 1);
  encoded.resize(encoded.size() + (1u << 18) + 1);
  const auto runtime = Runtime::create(Engine({.cache = false}), test::wat(R"((module
      (import "env" "ext_trie_blake2_256_ordered_root_version_1" (func $root (param i64) (result i32)))
      (memory (export "memory") 2)
      (global (export "__heap_base") i32 (i32.const 1024))
      (func (export "root") (param i32 i32) (result i64)
        (drop (call $root (i64.or (i64.extend_i32_u (local.get 0))
                                  (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32)))))
        (i64.const 0)))
  )"),
                                       {.heap_pages = 1024, .audit_every = 1});
  ASSERT_TRUE(runtime) << runtime.error().to_string();
  const auto answer = runtime->call("root", encoded);
  ASSERT_FALSE(answer);
  EXPECT_TRUE(has(answer.error().message, "a list of more than 262,144 items"));
  EXPECT_TRUE(runtime->call("root", from_hex("00")));
  EXPECT_EQ(runtime->pool().statistics().audit_failures, 0u) << runtime->pool().audit_report();
}

// As in Substrate: what follows a parameter's value is not looked at.
TEST_F(HostTrie, WhatFollowsAListIsNotLookedAt) {
  EXPECT_EQ(guest.ask({"trie_blake2_256_root_version_1", {join({encode(sample()), from_hex("ff ff")})}}),
            guest.ask({"trie_blake2_256_root_version_1", {encode(sample())}}));
}

}  // namespace
}  // namespace anew::substrate
