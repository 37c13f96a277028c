// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/sr25519.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <string_view>

#include "host/substrate/octets.hpp"
#include "host/substrate/signatures.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

bool verifies(const Bytes& signature, const Bytes& message, const Bytes& key) {
  return verify_sr25519(Signature(signature), message, PublicKey(key));
}

bool verifies_deprecated(const Bytes& signature, const Bytes& message, const Bytes& key) {
  return verify_sr25519_deprecated(Signature(signature), message, PublicKey(key));
}

Sr25519Key key_of(const Bytes& bytes) {
  Seed seed;
  std::ranges::copy(bytes, seed.bytes.begin());
  return Sr25519Key(seed);
}

Sr25519Key development_key() {
  return key_of(from_hex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e"));
}

ChainCode code_of(std::string_view hex) {
  ChainCode code{};
  std::ranges::copy(from_hex(hex), code.begin());
  return code;
}

// Vectors of sp-core and of polkadot-js/wasm.
TEST(Sr25519, ExpandsSeedsAsSchnorrkelDoes) {
  EXPECT_EQ(to_bytes(key_of(from_text("12345678901234567890123456789012")).public_key()),
            from_hex("741c08a06f41c596608f6774259bd9043304adfa5d3eea62760bd9be97634d63"));
  EXPECT_EQ(to_bytes(key_of(from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")).public_key()),
            from_hex("44a996beb1eef7bdcab976ab6d2ca26104834164ecf28fb375600576fcc6eb0f"));
  EXPECT_EQ(to_bytes(development_key().public_key()),
            from_hex("46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a"));
}

TEST(Sr25519, DerivesAsSchnorrkelDoes) {
  EXPECT_EQ(to_bytes(development_key().derive_hard(code_of("14416c696365")).public_key()),  // "Alice"
            from_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"));
  EXPECT_EQ(to_bytes(development_key().derive_soft(code_of("14416c696365")).public_key()),
            from_hex("d6c71059dbbe9ad2b0ed3f289738b800836eb425544ce694825285b958ca755e"));
  EXPECT_EQ(to_bytes(development_key().derive_soft(code_of("0c666f6f")).public_key()),  // "foo"
            from_hex("40b9675df90efa6069ff623b0fdfcf706cd47ca7452a5056c7ad58194d23440a"));
}

const Bytes kAlice = from_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
const Bytes kMessage = from_text("I hereby verify that I control 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
const Bytes kSignature = from_hex(
    "b83881d3bd7302981ee1c504fe5b7b394682927131fc0846fd616bb40fa14d02"
    "640fd2aca785b4cb57904765c2e4e75f59a7dd30154c209964369912091f6981");

TEST(Sr25519, VerifiesASignatureOfSchnorrkel) {
  EXPECT_TRUE(verifies(kSignature, kMessage, kAlice));
  EXPECT_TRUE(verifies_deprecated(kSignature, kMessage, kAlice));
}

TEST(Sr25519, RefusesWhatDiffersInABit) {
  for (std::size_t bit = 0; bit < 512; ++bit) {
    EXPECT_FALSE(verifies(with_bit_flipped(kSignature, bit), kMessage, kAlice)) << bit;
    EXPECT_FALSE(verifies_deprecated(with_bit_flipped(kSignature, bit), kMessage, kAlice)) << bit;
  }
  for (std::size_t bit = 0; bit < 256; ++bit)
    EXPECT_FALSE(verifies(kSignature, kMessage, with_bit_flipped(kAlice, bit))) << bit;
  for (std::size_t bit = 0; bit < 8 * kMessage.size(); ++bit)
    EXPECT_FALSE(verifies(kSignature, with_bit_flipped(kMessage, bit), kAlice)) << bit;
}

// Signatures of schnorrkel 0.1.1, from sp-core's tests.
const Bytes kOldKey = from_hex("b4bfa1f7a5166695eb75299fd1c4c03ea212871c342f2c5dfea0902b2c246918");
const Bytes kOldMessage =
    from_text("Verifying that I am the owner of 5G9hQLdsKQswNPgB499DeA5PkFBbgkLPJWkkS6FAM6xGQ8xD. Hash: 221455a3\n");
const Bytes kOldSignature = from_hex(
    "5a9755f069939f45d96aaf125cf5ce7ba1db998686f87f2fb3cbdea922078741"
    "a73891ba265f70c31436e18a9acd14d189d73c12317ab6c313285cd938453202");

TEST(Sr25519, OnlyTheDeprecatedVerificationTakesSignaturesFromBeforeTheAudit) {
  EXPECT_TRUE(verifies_deprecated(kOldSignature, kOldMessage, kOldKey));
  EXPECT_FALSE(verifies(kOldSignature, kOldMessage, kOldKey));

  const Bytes key = to_bytes(key_of(Bytes(32)).public_key());
  const Bytes signature = from_hex(
      "28a854d54903e056f89581c691c1f7d2ff39f8f896c9e9c22475e60902cc2b35"
      "47199e0e91fa32902028f2ca2355e8cdd16cfe19ba5e8b658c94aa80f3b81a00");
  EXPECT_TRUE(verifies_deprecated(signature, from_text("SUBSTRATE"), key));
  EXPECT_FALSE(verifies(signature, from_text("SUBSTRATE"), key));
}

TEST(Sr25519, DeprecatedVerificationRefusesWhatDiffersInABit) {
  for (std::size_t bit = 0; bit < 512; ++bit)
    EXPECT_FALSE(verifies_deprecated(with_bit_flipped(kOldSignature, bit), kOldMessage, kOldKey)) << bit;
  for (std::size_t bit = 0; bit < 256; ++bit)
    EXPECT_FALSE(verifies_deprecated(kOldSignature, kOldMessage, with_bit_flipped(kOldKey, bit))) << bit;
  for (std::size_t bit = 0; bit < 8 * kOldMessage.size(); ++bit)
    EXPECT_FALSE(verifies_deprecated(kOldSignature, with_bit_flipped(kOldMessage, bit), kOldKey)) << bit;
}

TEST(Sr25519, SignaturesAreMarkedAndNeverTheSame) {
  const Sr25519Key key = development_key();
  const Bytes message = from_text("message");
  const Bytes first = to_bytes(key.sign(message));
  const Bytes second = to_bytes(key.sign(message));
  EXPECT_NE(first, second);
  for (const Bytes& signature : {first, second}) {
    EXPECT_NE(signature.back() & std::byte{0x80}, std::byte{0});
    EXPECT_TRUE(verifies(signature, message, to_bytes(key.public_key())));
  }
}

TEST(Sr25519, SoftlyDerivedKeysSignToo) {
  const Sr25519Key key = development_key().derive_soft(code_of("01")).derive_soft(code_of("02"));
  EXPECT_TRUE(verifies(to_bytes(key.sign({})), {}, to_bytes(key.public_key())));
}

/// With schnorrkel's mark.
Bytes signature_of(const Bytes& r, Bytes s) {
  s.back() |= std::byte{0x80};
  return join({r, s});
}

TEST(Sr25519, TheIdentityIsAPointAsAnyOther) {
  const Bytes identity(32);
  const Bytes zero(32);
  EXPECT_TRUE(verifies(signature_of(identity, zero), from_text("any"), identity));

  // [s]B == R + [k]0, whatever k is.
  const Bytes s = join({from_hex("07"), Bytes(31)});
  Bytes r(32);
  ASSERT_EQ(crypto_scalarmult_ristretto255_base(octets(r.data()), octets(s.data())), 0);
  EXPECT_TRUE(verifies(signature_of(r, s), from_text("any"), identity));
  EXPECT_FALSE(verifies(signature_of(r, zero), from_text("any"), identity));
  EXPECT_FALSE(verifies(signature_of(identity, s), from_text("any"), identity));
  EXPECT_FALSE(verifies(signature_of(identity, zero), from_text("any"), kAlice));
}

TEST(Sr25519, RefusesScalarsAndPointsThatAreNotCanonical) {
  const Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const Bytes identity(32);
  EXPECT_FALSE(verifies(signature_of(identity, order), {}, identity));  // it would be 0

  const Bytes s = join({from_hex("07"), Bytes(31)});
  Bytes r(32);
  ASSERT_EQ(crypto_scalarmult_ristretto255_base(octets(r.data()), octets(s.data())), 0);
  for (const char* const encoding_of_0 : {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                          "0000000000000000000000000000000000000000000000000000000000000080"}) {
    EXPECT_FALSE(verifies(signature_of(r, s), {}, from_hex(encoding_of_0))) << encoding_of_0;
    EXPECT_FALSE(verifies(signature_of(from_hex(encoding_of_0), Bytes(32)), {}, identity)) << encoding_of_0;
  }
}

}  // namespace
}  // namespace anew::substrate
