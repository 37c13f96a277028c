// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/ed25519.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "host/substrate/octets.hpp"
#include "host/substrate/signatures.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

bool verifies(const Bytes& signature, const Bytes& message, const Bytes& key) {
  return verify_ed25519(Signature(signature), message, PublicKey(key));
}

bool verifies_by_libsodium(const Bytes& signature, const Bytes& message, const Bytes& key) {
  return crypto_sign_ed25519_verify_detached(octets(signature.data()), octets(message.data()), message.size(),
                                             octets(key.data())) == 0;
}

Ed25519Key key_of(const char* hex) {
  Seed seed;
  std::ranges::copy(from_hex(hex), seed.bytes.begin());
  return Ed25519Key(seed);
}

struct Vector {
  const char* seed;
  const char* key;
  const char* message;
  const char* signature;
};

/// RFC 8032, 7.1, tests 1 to 3.
constexpr auto kRfc8032 = std::to_array<Vector>({
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
});

TEST(Ed25519, SignsAndVerifiesAsRfc8032Says) {
  for (const Vector& vector : kRfc8032) {
    const Ed25519Key key = key_of(vector.seed);
    EXPECT_EQ(to_bytes(key.public_key()), from_hex(vector.key));
    EXPECT_EQ(to_bytes(key.sign(from_hex(vector.message))), from_hex(vector.signature));
    EXPECT_TRUE(verifies(from_hex(vector.signature), from_hex(vector.message), from_hex(vector.key)));
  }
}

TEST(Ed25519, RefusesWhatDiffersInABit) {
  const Bytes key = from_hex(kRfc8032[2].key);
  const Bytes message = from_hex(kRfc8032[2].message);
  const Bytes signature = from_hex(kRfc8032[2].signature);
  for (std::size_t bit = 0; bit < 512; ++bit)
    EXPECT_FALSE(verifies(with_bit_flipped(signature, bit), message, key)) << bit;
  for (std::size_t bit = 0; bit < 256; ++bit)
    EXPECT_FALSE(verifies(signature, message, with_bit_flipped(key, bit))) << bit;
  for (std::size_t bit = 0; bit < 16; ++bit)
    EXPECT_FALSE(verifies(signature, with_bit_flipped(message, bit), key)) << bit;
}

/// Every encoding of the points whose order divides 8. The last six are not canonical.
constexpr auto kSmallOrder = std::to_array<const char*>({
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
});

TEST(Ed25519, AcceptsPointsOfSmallOrderAsZip215Says) {
  const Bytes message = from_text("Zcash");
  for (const char* const key : kSmallOrder) {
    for (const char* const r : kSmallOrder) {
      const Bytes signature = join({from_hex(r), Bytes(32)});
      EXPECT_TRUE(verifies(signature, message, from_hex(key))) << key << ' ' << r;
      Bytes other = signature;
      other[32] = std::byte{1};  // s = 1: [8]B is not the identity
      EXPECT_FALSE(verifies(other, message, from_hex(key))) << key << ' ' << r;
    }
  }
}

struct Case {
  const char* message;
  const char* key;
  const char* signature;
  bool valid;
};

/// "Taming the many EdDSAs" (https://eprint.iacr.org/2020/1244), with what ZIP-215 says of them.
constexpr auto kSpeccheck = std::to_array<Case>({
    {"8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
     "0000000000000000000000000000000000000000000000000000000000000000",
     true},  // s = 0, R and A of small order
    {"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
     true},  // A of small order
    {"aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
     "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
     true},  // R of small order
    {"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
     "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
     true},  // R and A of mixed order
    {"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
     "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
     true},  // the same, but only with the cofactor
    {"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
     "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
     true},  // the same, but not if 8k is reduced before A is multiplied by it
    {"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
     "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
     "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
     "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
     false},  // s > L
    {"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
     "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
     "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
     "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
     false},  // s far greater than L
    {"fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
     "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
     false},  // R is not canonical, and was hashed as if it were
    {"84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
     "084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
     true},  // R is not canonical, and was hashed as it is
});

TEST(Ed25519, DecidesTheEdgeCasesAsZip215Says) {
  for (const Case& one : kSpeccheck)
    EXPECT_EQ(verifies(from_hex(one.signature), from_hex(one.message), from_hex(one.key)), one.valid) << one.signature;
}

TEST(Ed25519, AcceptsWhatLibsodiumRefuses) {
  // Otherwise the tests above would say nothing about the decision by ZIP-215.
  const Case& with_cofactor_only = kSpeccheck[4];
  EXPECT_FALSE(verifies_by_libsodium(from_hex(with_cofactor_only.signature), from_hex(with_cofactor_only.message),
                                     from_hex(with_cofactor_only.key)));
}

TEST(Ed25519, RefusesBytesThatAreNoPoint) {
  const Bytes no_point = join({from_hex("02"), Bytes(31)});
  const Bytes identity = from_hex(kSmallOrder[0]);
  EXPECT_TRUE(verifies(join({identity, Bytes(32)}), {}, identity));
  EXPECT_FALSE(verifies(join({no_point, Bytes(32)}), {}, identity));
  EXPECT_FALSE(verifies(join({identity, Bytes(32)}), {}, no_point));
}

}  // namespace
}  // namespace anew::substrate
