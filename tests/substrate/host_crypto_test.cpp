// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_crypto_*, called by a guest. The schemes themselves have their own tests.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "host/substrate/octets.hpp"
#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

class HostCrypto : public HostTest {
 protected:
  Keystore keystore;
  const MemoryState state;
  Externalities externalities{state, {.keystore = &keystore}};

  /// @param name  without "crypto_".
  static Step step(std::string_view name, std::initializer_list<Argument> arguments = {}) {
    return {"crypto_" + std::string(name), arguments};
  }
  Bytes ask(std::string_view name, std::initializer_list<Argument> arguments = {}) {
    return guest.ask(step(name, arguments), &externalities);
  }
};

const Bytes kGood = u32(1);
const Bytes kBad = u32(0);

struct Signed {
  Bytes signature;
  Bytes message;
  Bytes key;
};

/// RFC 8032, 7.1, test 3.
const Signed kEd25519 = {from_hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                                  "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
                         from_hex("af82"),
                         from_hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")};
/// Of schnorrkel, by polkadot-js/wasm; and of its version 0.1.1, by sp-core.
const Signed kSr25519 = {from_hex("b83881d3bd7302981ee1c504fe5b7b394682927131fc0846fd616bb40fa14d02"
                                  "640fd2aca785b4cb57904765c2e4e75f59a7dd30154c209964369912091f6981"),
                         from_text("I hereby verify that I control 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
                         from_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")};
const Signed kOldSr25519 = {
    from_hex("5a9755f069939f45d96aaf125cf5ce7ba1db998686f87f2fb3cbdea922078741"
             "a73891ba265f70c31436e18a9acd14d189d73c12317ab6c313285cd938453202"),
    from_text("Verifying that I am the owner of 5G9hQLdsKQswNPgB499DeA5PkFBbgkLPJWkkS6FAM6xGQ8xD. Hash: 221455a3\n"),
    from_hex("b4bfa1f7a5166695eb75299fd1c4c03ea212871c342f2c5dfea0902b2c246918")};
/// A vector of sp-core: of the empty message.
const Signed kEcdsa = {from_hex("3dde91174bd9359027be59a428b8146513df80a2a3c7eda2194f64de04a69ab9"
                                "7b753169e94db6ffd50921a2668a48b94ca11e3d32c1ff19cfe88890aa7e8f3c00"),
                       {},
                       from_hex("028db55b05db86c0b1786ca49f095d76344c9e6056b2f02701a7e7f3c20aabfd91")};
/// BLAKE2b-256 of nothing.
const Bytes kEmptyHash = from_hex("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
const Bytes kWholeEcdsaKey = from_hex(
    "8db55b05db86c0b1786ca49f095d76344c9e6056b2f02701a7e7f3c20aabfd91"
    "3ebbe148dd17c56551a52952371071a6c604b3f3abe8f2c8fa742158ea6dd7d4");

TEST_F(HostCrypto, VerificationTakesGoodSignaturesAndNoOthers) {
  struct Case {
    const char* function;
    Signed good;
  };
  for (const auto& [function, good] :
       {Case{"ed25519_verify_version_1", kEd25519}, Case{"ed25519_batch_verify_version_1", kEd25519},
        Case{"sr25519_verify_version_1", kSr25519}, Case{"sr25519_verify_version_2", kSr25519},
        Case{"sr25519_batch_verify_version_1", kSr25519}, Case{"ecdsa_verify_version_1", kEcdsa},
        Case{"ecdsa_verify_version_2", kEcdsa}, Case{"ecdsa_batch_verify_version_1", kEcdsa}}) {
    const auto& [signature, message, key] = good;
    EXPECT_EQ(ask(function, {signature, message, key}), kGood) << function;
    EXPECT_EQ(ask(function, {with_bit_flipped(signature, 100), message, key}), kBad) << function;
    EXPECT_EQ(ask(function, {signature, join({message, from_hex("00")}), key}), kBad) << function;
    EXPECT_EQ(ask(function, {signature, message, with_bit_flipped(key, 20)}), kBad) << function;
    EXPECT_EQ(ask(function, {Bytes(signature.size(), std::byte{0xFF}), message, Bytes(key.size(), std::byte{0xFF})}),
              kBad)
        << function;
  }
}

TEST_F(HostCrypto, Ed25519SignaturesOfLibsodiumAreGood) {
  Bytes key(32), secret(64), signature(64);
  const Bytes message = from_text("a message");
  ASSERT_EQ(crypto_sign_ed25519_keypair(octets(key.data()), octets(secret.data())), 0);
  ASSERT_EQ(crypto_sign_ed25519_detached(octets(signature.data()), nullptr, octets(message.data()), message.size(),
                                         octets(secret.data())),
            0);
  EXPECT_EQ(ask("ed25519_verify_version_1", {signature, message, key}), kGood);
}

TEST_F(HostCrypto, OnlyTheFirstVersionTakesSr25519SignaturesFromBeforeTheAudit) {
  const auto& [signature, message, key] = kOldSr25519;
  EXPECT_EQ(ask("sr25519_verify_version_1", {signature, message, key}), kGood);
  EXPECT_EQ(ask("sr25519_verify_version_2", {signature, message, key}), kBad);
  EXPECT_EQ(ask("sr25519_batch_verify_version_1", {signature, message, key}), kBad);
}

TEST_F(HostCrypto, PrehashedVerificationTakesAHash) {
  EXPECT_EQ(ask("ecdsa_verify_prehashed_version_1", {kEcdsa.signature, kEmptyHash, kEcdsa.key}), kGood);
  EXPECT_EQ(ask("ecdsa_verify_prehashed_version_1", {kEcdsa.signature, Bytes(32), kEcdsa.key}), kBad);
}

// r is 1 and s is 5, or r is more than it by the order of the group. No value of theirs verifies the empty message; the
// key is what is recovered.
const Bytes kSmall = from_hex(
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000005"
    "00");
const Bytes kOverflowing = from_hex(
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142"
    "0000000000000000000000000000000000000000000000000000000000000005"
    "00");

TEST_F(HostCrypto, OnlyTheFirstVersionsReduceRAndS) {
  const Bytes recovered = ask("secp256k1_ecdsa_recover_compressed_version_2", {kSmall, kEmptyHash});
  ASSERT_EQ(recovered.size(), 34u);
  EXPECT_EQ(ask("secp256k1_ecdsa_recover_compressed_version_1", {kOverflowing, kEmptyHash}), recovered);
  const Bytes key(recovered.begin() + 1, recovered.end());
  EXPECT_EQ(ask("ecdsa_verify_version_1", {kOverflowing, "", key}), kGood);
  EXPECT_EQ(ask("ecdsa_verify_version_2", {kOverflowing, "", key}), kBad);
  EXPECT_EQ(ask("ecdsa_verify_version_2", {kSmall, "", key}), kGood);
  EXPECT_EQ(ask("ecdsa_verify_prehashed_version_1", {kOverflowing, kEmptyHash, key}), kBad);
  EXPECT_EQ(ask("ecdsa_batch_verify_version_1", {kOverflowing, "", key}), kBad);
}

TEST_F(HostCrypto, RecoveryReturnsTheKey) {
  for (const char* const version : {"1", "2"}) {
    for (const unsigned v : {0u, 27u}) {  // Ethereum adds 27
      Bytes signature = kEcdsa.signature;
      signature.back() = static_cast<std::byte>(v);
      EXPECT_EQ(ask(std::string("secp256k1_ecdsa_recover_version_") + version, {signature, kEmptyHash}),
                join({from_hex("00"), kWholeEcdsaKey}));
      EXPECT_EQ(ask(std::string("secp256k1_ecdsa_recover_compressed_version_") + version, {signature, kEmptyHash}),
                join({from_hex("00"), kEcdsa.key}));
    }
  }
}

TEST_F(HostCrypto, RecoveryTellsWhatIsWrong) {
  Bytes bad_v = kEcdsa.signature;
  bad_v.back() = std::byte{4};
  Bytes zero_r = kSmall;
  zero_r[31] = std::byte{0};
  for (const char* const function :
       {"secp256k1_ecdsa_recover_version_", "secp256k1_ecdsa_recover_compressed_version_"}) {
    const auto recover = [&](const char* version, const Bytes& signature) {
      return ask(std::string(function) + version, {signature, kEmptyHash});
    };
    EXPECT_EQ(recover("2", kOverflowing), from_hex("01 00")) << "bad r or s";
    EXPECT_EQ(recover("1", kOverflowing).size(), std::string_view(function).contains("compressed") ? 34u : 65u);
    for (const char* const version : {"1", "2"}) {
      EXPECT_EQ(recover(version, bad_v), from_hex("01 01"));
      EXPECT_EQ(recover(version, zero_r), from_hex("01 02")) << "a bad signature";
    }
  }
}

TEST_F(HostCrypto, ABatchIsGoodIfAllOfItsSignaturesAre) {
  const Step good = step("ed25519_batch_verify_version_1", {kEd25519.signature, kEd25519.message, kEd25519.key});
  const Step bad = step("ed25519_batch_verify_version_1", {kEd25519.signature, "another message", kEd25519.key});
  const Step good_sr = step("sr25519_batch_verify_version_1", {kSr25519.signature, kSr25519.message, kSr25519.key});
  const Step bad_sr = step("sr25519_batch_verify_version_1", {kSr25519.signature, "another message", kSr25519.key});
  const Step good_ecdsa = step("ecdsa_batch_verify_version_1", {kEcdsa.signature, kEcdsa.message, kEcdsa.key});
  const Step bad_ecdsa = step("ecdsa_batch_verify_version_1", {kEcdsa.signature, "another message", kEcdsa.key});
  const Step start = step("start_batch_verify_version_1");
  const Step finish = step("finish_batch_verify_version_1");

  EXPECT_EQ(guest.run({start, finish}, &externalities).back(), kGood);
  EXPECT_EQ(guest.run({start, good, good_sr, good_ecdsa, finish}, &externalities).back(), kGood);
  for (const Step& one : {bad, bad_sr, bad_ecdsa}) {
    const Answers answers = guest.run({start, good, one, good_ecdsa, finish, start, good_sr, finish}, &externalities);
    EXPECT_EQ(answers[2], kBad) << "told at once, as nodes of today do";
    EXPECT_EQ(answers[4], kBad);
    EXPECT_EQ(answers[7], kGood) << "a new batch";
  }
  // Verification outside of batches does not count.
  EXPECT_EQ(guest.run({start, step("ed25519_verify_version_1", {Bytes(64), "m", kEd25519.key}), finish}, &externalities)
                .back(),
            kGood);
}

TEST_F(HostCrypto, BatchesMustBeStartedOnceAndBeforeTheyEnd) {
  const Step start = step("start_batch_verify_version_1");
  EXPECT_TRUE(has(guest.trap({start, start}, &externalities), "ext_crypto_start_batch_verify_version_1: a batch was"));
  EXPECT_TRUE(has(guest.trap({step("finish_batch_verify_version_1")}, &externalities),
                  "ext_crypto_finish_batch_verify_version_1: no batch was started"));
  (void)guest.run({start}, &externalities);
  EXPECT_TRUE(has(guest.trap({step("finish_batch_verify_version_1")}, &externalities), "no batch was started"))
      << "a batch ends with its call";
}

struct Scheme {
  const char* name;
  KeyScheme scheme;
  const char* alice;  ///< the known public key of "//Alice"
};

constexpr Scheme kSchemes[] = {
    {"ed25519_", KeyScheme::kEd25519, "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"},
    {"sr25519_", KeyScheme::kSr25519, "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"},
    {"ecdsa_", KeyScheme::kEcdsa, "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1"}};
constexpr KeyTypeId kBabe = {'b', 'a', 'b', 'e'};

TEST_F(HostCrypto, GeneratesListsAndSignsWithKeysOfTheKeystore) {
  for (const auto& [name, scheme, alice_hex] : kSchemes) {
    const std::string prefix = name;
    const Bytes alice = from_hex(alice_hex);
    EXPECT_EQ(ask(prefix + "public_keys_version_1", {"babe"}), from_hex("00")) << name;
    EXPECT_EQ(ask(prefix + "generate_version_1", {"babe", some(scale("//Alice"))}), alice) << name;
    EXPECT_EQ(ask(prefix + "public_keys_version_1", {"babe"}), join({from_hex("04"), alice})) << name;
    EXPECT_EQ(ask(prefix + "public_keys_version_1", {"gran"}), from_hex("00")) << "of another type";

    const Bytes random = ask(prefix + "generate_version_1", {"babe", kNone});
    EXPECT_EQ(random.size(), alice.size());
    EXPECT_NE(random, alice);
    Bytes both = join({from_hex("08"), std::min(random, alice), std::max(random, alice)});
    EXPECT_EQ(ask(prefix + "public_keys_version_1", {"babe"}), both) << name;
    EXPECT_EQ(keystore.public_keys(scheme, kBabe).size(), 2u) << "they are in the host's keystore";

    for (const Bytes& key : {alice, random}) {
      const Bytes answer = ask(prefix + "sign_version_1", {"babe", key, "message"});
      ASSERT_EQ(answer.size(), scheme == KeyScheme::kEcdsa ? 66u : 65u) << "an Option of bytes without a length";
      EXPECT_EQ(answer.front(), std::byte{1});
      const Bytes signature(answer.begin() + 1, answer.end());
      const std::string verify = prefix + (scheme == KeyScheme::kEd25519 ? "verify_version_1" : "verify_version_2");
      EXPECT_EQ(ask(verify, {signature, "message", key}), kGood) << name;
      EXPECT_EQ(ask(verify, {signature, "another message", key}), kBad) << name;
      EXPECT_EQ(ask(prefix + "sign_version_1", {"gran", key, "message"}), kNone) << "of another type";
    }
    EXPECT_EQ(ask(prefix + "sign_version_1", {"babe", Bytes(alice.size(), std::byte{9}), "message"}), kNone);
  }
}

TEST_F(HostCrypto, SignsHashes) {
  const Bytes key = ask("ecdsa_generate_version_1", {"babe", some(scale("//Alice"))});
  const Bytes answer = ask("ecdsa_sign_prehashed_version_1", {"babe", key, kEmptyHash});
  ASSERT_EQ(answer.size(), 66u);
  EXPECT_EQ(answer, ask("ecdsa_sign_version_1", {"babe", key, ""})) << "ECDSA signs BLAKE2b-256 of a message";
  const Bytes signature(answer.begin() + 1, answer.end());
  EXPECT_EQ(ask("ecdsa_verify_prehashed_version_1", {signature, kEmptyHash, key}), kGood);
  EXPECT_EQ(ask("ecdsa_sign_prehashed_version_1", {"gran", key, kEmptyHash}), kNone);
}

TEST_F(HostCrypto, SeedsThatAreNoneTrap) {
  for (const Scheme& scheme : kSchemes) {
    const std::string name = scheme.name + std::string("generate_version_1");
    const auto message = [&](const Bytes& seed) { return guest.trap({step(name, {"babe", seed})}, &externalities); };
    EXPECT_TRUE(has(message(some(scale(from_hex("ff")))), "ext_crypto_" + name + ": the seed is not UTF-8"));
    EXPECT_TRUE(has(message(some(scale("no such phrase"))), "ext_crypto_" + name + ": "));
    for (const Bytes& malformed : {Bytes{}, from_hex("01"), from_hex("02 00"), from_hex("01 10 61")})
      EXPECT_TRUE(has(message(malformed), "ext_crypto_" + name + ": SCALE data"));
    EXPECT_EQ(keystore.public_keys(scheme.scheme, kBabe).size(), 0u);
  }
}

TEST_F(HostCrypto, WithoutAKeystoreWhatNeedsOneTraps) {
  Externalities bare(state);
  std::vector<Step> steps = {step("ecdsa_sign_prehashed_version_1", {"babe", kEcdsa.key, kEmptyHash})};
  for (const Scheme& scheme : kSchemes) {
    const std::string prefix = scheme.name;
    steps.push_back(step(prefix + "public_keys_version_1", {"babe"}));
    steps.push_back(step(prefix + "generate_version_1", {"babe", kNone}));
    steps.push_back(step(prefix + "sign_version_1", {"babe", from_hex(scheme.alice), "message"}));
  }
  for (const Step& one : steps)
    EXPECT_TRUE(has(guest.trap({one}, &bare), "ext_" + one.function + ": this call has no keystore"));
}

}  // namespace
}  // namespace anew::substrate
