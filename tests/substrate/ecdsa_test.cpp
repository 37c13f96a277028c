// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/ecdsa.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "host/substrate/hashing.hpp"
#include "host/substrate/signatures.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

constexpr EcdsaParsing kBoth[] = {EcdsaParsing::kOverflowing, EcdsaParsing::kStandard};

Hash hash_of(const Bytes& bytes) {
  Hash hash{};
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

EcdsaKey key_of(std::string_view hex) {
  Seed seed;
  std::ranges::copy(from_hex(hex), seed.bytes.begin());
  return EcdsaKey::from_seed(seed).value();
}

Bytes signature_of(std::string_view r, std::string_view s, unsigned v) {
  return join({from_hex(r), from_hex(s), {static_cast<std::byte>(v)}});  // less than 256
}

auto recover(const Bytes& signature, EcdsaParsing parsing, const Hash& hash = {}) {
  return recover_ecdsa_compressed(EcdsaSignature(signature), hash, parsing);
}

bool verifies(const Bytes& signature, const Hash& hash, const Bytes& key, EcdsaParsing parsing) {
  return verify_ecdsa(EcdsaSignature(signature), hash, std::span<const std::byte, 33>(key), parsing);
}

// A vector of sp-core.
constexpr std::string_view kSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const Bytes kSignature = from_hex(
    "3dde91174bd9359027be59a428b8146513df80a2a3c7eda2194f64de04a69ab9"
    "7b753169e94db6ffd50921a2668a48b94ca11e3d32c1ff19cfe88890aa7e8f3c00");
const Bytes kWholeKey = from_hex(
    "8db55b05db86c0b1786ca49f095d76344c9e6056b2f02701a7e7f3c20aabfd91"
    "3ebbe148dd17c56551a52952371071a6c604b3f3abe8f2c8fa742158ea6dd7d4");
const Hash kHash = blake2b_256({});

TEST(Ecdsa, SignsRecoversAndVerifiesAsSpCoreDoes) {
  const EcdsaKey key = key_of(kSeed);
  const Bytes public_key = to_bytes(key.public_key());
  EXPECT_EQ(to_bytes(key.sign(kHash)), kSignature);
  for (const EcdsaParsing parsing : kBoth) {
    const auto whole = recover_ecdsa(EcdsaSignature(kSignature), kHash, parsing);
    ASSERT_TRUE(whole);
    EXPECT_EQ(to_bytes(*whole), kWholeKey);
    const auto compressed = recover(kSignature, parsing, kHash);
    ASSERT_TRUE(compressed);
    EXPECT_EQ(to_bytes(*compressed), public_key);
    EXPECT_TRUE(verifies(kSignature, kHash, public_key, parsing));
  }
}

// Vectors of polkadot-js/wasm.
TEST(Ecdsa, SignsAndRecoversAsTheRustPortDoes) {
  const auto recovered = recover(signature_of("7505f2880114da51b3f5d535f8687953c0ab9af4ab81e592eaebebf53b728d2b",
                                              "6dfd9b5bcd70fee412b1f31360e7c2774009305cb84fc50c1d0ff8034dfa5fff", 0),
                                 EcdsaParsing::kOverflowing,
                                 hash_of(from_hex("a30b64ce1eedf409c8afb801d72c05234e64849ea538c15dd3c8cf4ffcf166c9")));
  ASSERT_TRUE(recovered);
  EXPECT_EQ(to_bytes(*recovered), from_hex("028d13da15a02f3a70677339d51b14177ee9b49657662b35e56a9d9dee17db1d30"));

  const EcdsaKey key = key_of("4380de832af797688026ce24f85204d508243f201650c1a134929e5458b7fbae");
  EXPECT_EQ(to_bytes(key.public_key()), from_hex("03fd8c74f795ced92064b86191cb2772b1e3a0947740aa0a5a6e379592471fd85b"));
  EXPECT_EQ(to_bytes(key.sign(hash_of(from_hex("68c731589a583d08b70861683b59ce3dd56284cb2f0da5b6cd83e6641dac3aab")))),
            from_hex("df92f73d9f060cefacf187b5414491cb992998ace017fa48839b5cda3e264ba8"
                     "3b105adec9e9872647a7d8bb28855b45e22805aea3d097953cbb1391f671d13e01"));
}

TEST(Ecdsa, RefusesWhatDiffersInABit) {
  const Bytes key = to_bytes(key_of(kSeed).public_key());
  for (const EcdsaParsing parsing : kBoth) {
    for (std::size_t bit = 0; bit < 8 * 65; ++bit) {
      EXPECT_FALSE(verifies(with_bit_flipped(kSignature, bit), kHash, key, parsing)) << bit;
    }
    for (std::size_t bit = 0; bit < 8 * 33; ++bit) {
      EXPECT_FALSE(verifies(kSignature, kHash, with_bit_flipped(key, bit), parsing)) << bit;
    }
    for (std::size_t bit = 0; bit < 256; ++bit) {
      EXPECT_FALSE(verifies(kSignature, hash_of(with_bit_flipped(to_bytes(kHash), bit)), key, parsing)) << bit;
    }
  }
}

TEST(Ecdsa, RecoveryTakesEthereumsVAndVerificationDoesNot) {
  const Bytes key = to_bytes(key_of(kSeed).public_key());
  for (const EcdsaParsing parsing : kBoth) {
    for (unsigned v = 0; v < 256; ++v) {
      Bytes signature = kSignature;
      signature.back() = static_cast<std::byte>(v);  // less than 256
      const auto recovered = recover(signature, parsing, kHash);
      if (v == 0 || v == 27) {
        ASSERT_TRUE(recovered) << v;
        EXPECT_EQ(to_bytes(*recovered), key);
      } else if (v == 1 || v == 28) {
        ASSERT_TRUE(recovered) << v;
        EXPECT_NE(to_bytes(*recovered), key);
      } else {
        ASSERT_FALSE(recovered) << v;  // 2 and 3: this r plus the order is no coordinate
        EXPECT_EQ(recovered.error(),
                  v == 2 || v == 3 || v == 29 || v == 30 ? RecoverError::kBadSignature : RecoverError::kBadV);
      }
      EXPECT_EQ(verifies(signature, kHash, key, parsing), v == 0) << v;
    }
  }
}

// Numbers, and what they are with the order of the group added or taken off.
constexpr std::string_view kZero = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kOne = "0000000000000000000000000000000000000000000000000000000000000001";
constexpr std::string_view kFive = "0000000000000000000000000000000000000000000000000000000000000005";
constexpr std::string_view kOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
constexpr std::string_view kOrderLessFive = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413c";
constexpr std::string_view kOrderAndOne = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142";
constexpr std::string_view kOrderAndFive = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364146";
constexpr std::string_view kGreatest = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
constexpr std::string_view kGreatestReduced = "000000000000000000000000000000014551231950b75fc4402da1732fc9bebe";

TEST(Ecdsa, OnlyTheOverflowingParsingReducesRAndS) {
  const auto expected = recover(signature_of(kOne, kFive, 0), EcdsaParsing::kStandard);
  ASSERT_TRUE(expected);
  for (const std::string_view r : {kOne, kOrderAndOne}) {
    for (const std::string_view s : {kFive, kOrderAndFive}) {
      const Bytes signature = signature_of(r, s, 0);
      const auto overflowing = recover(signature, EcdsaParsing::kOverflowing);
      ASSERT_TRUE(overflowing) << r << ' ' << s;
      EXPECT_EQ(*overflowing, *expected);
      EXPECT_TRUE(verifies(signature, {}, to_bytes(*expected), EcdsaParsing::kOverflowing));

      const bool overflows = r != kOne || s != kFive;
      const auto standard = recover(signature, EcdsaParsing::kStandard);
      EXPECT_EQ(standard.has_value(), !overflows);
      if (overflows) {
        EXPECT_EQ(standard.error(), RecoverError::kBadRs);
      }
      EXPECT_EQ(verifies(signature, {}, to_bytes(*expected), EcdsaParsing::kStandard), !overflows);
    }
  }
  EXPECT_EQ(recover(signature_of(kOne, kGreatest, 0), EcdsaParsing::kOverflowing),
            recover(signature_of(kOne, kGreatestReduced, 0), EcdsaParsing::kStandard));
}

TEST(Ecdsa, ZerosAreBadSignatures) {
  for (const EcdsaParsing parsing : kBoth) {
    EXPECT_EQ(recover(signature_of(kZero, kFive, 0), parsing).error(), RecoverError::kBadSignature);
    EXPECT_EQ(recover(signature_of(kOne, kZero, 0), parsing).error(), RecoverError::kBadSignature);
  }
  EXPECT_EQ(recover(signature_of(kOrder, kFive, 0), EcdsaParsing::kOverflowing).error(), RecoverError::kBadSignature);
  EXPECT_EQ(recover(signature_of(kOne, kOrder, 0), EcdsaParsing::kOverflowing).error(), RecoverError::kBadSignature);
  EXPECT_EQ(recover(signature_of(kOrder, kFive, 0), EcdsaParsing::kStandard).error(), RecoverError::kBadRs);
  EXPECT_EQ(recover(signature_of(kOne, kOrder, 0), EcdsaParsing::kStandard).error(), RecoverError::kBadRs);
}

TEST(Ecdsa, AHighSIsAsGoodAsItsLowOne) {
  for (const EcdsaParsing parsing : kBoth) {
    const auto low = recover(signature_of(kOne, kFive, 0), parsing);
    ASSERT_TRUE(low);
    EXPECT_EQ(recover(signature_of(kOne, kOrderLessFive, 1), parsing), low);
  }
}

TEST(Ecdsa, ABadVIsReportedBeforeBadRs) {
  EXPECT_EQ(recover(signature_of(kGreatest, kGreatest, 4), EcdsaParsing::kStandard).error(), RecoverError::kBadV);
}

TEST(Ecdsa, RefusesSeedsThatAreNoKeys) {
  for (const std::string_view seed : {kZero, kOrder, kGreatest}) {
    Seed bytes;
    std::ranges::copy(from_hex(seed), bytes.bytes.begin());
    EXPECT_FALSE(EcdsaKey::from_seed(bytes)) << seed;
  }
}

}  // namespace
}  // namespace anew::substrate
