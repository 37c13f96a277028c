// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/substrate/keystore.hpp>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "host/substrate/hashing.hpp"
#include "host/substrate/secret_uri.hpp"
#include "host/substrate/signatures.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

constexpr KeyTypeId kBabe = {'b', 'a', 'b', 'e'};
constexpr KeyTypeId kGrandpa = {'g', 'r', 'a', 'n'};
constexpr KeyScheme kSchemes[] = {KeyScheme::kEd25519, KeyScheme::kSr25519, KeyScheme::kEcdsa};

Bytes generate(KeyScheme scheme, std::string_view suri) {
  const Result<Bytes> key = Keystore().generate(scheme, kBabe, suri);
  EXPECT_TRUE(key) << key.error().message;
  return key.value_or(Bytes{});
}

std::string refusal(KeyScheme scheme, std::string_view suri) {
  const Result<Bytes> key = Keystore().generate(scheme, kBabe, suri);
  if (key) return "accepted";
  EXPECT_EQ(key.error().code, ErrorCode::kArgument);
  return key.error().message;
}

bool verifies(KeyScheme scheme, const Bytes& signature, const Bytes& message, const Bytes& key) {
  switch (scheme) {
    case KeyScheme::kEd25519: return verify_ed25519(Signature(signature), message, PublicKey(key));
    case KeyScheme::kSr25519: return verify_sr25519(Signature(signature), message, PublicKey(key));
    case KeyScheme::kEcdsa:
      return verify_ecdsa(EcdsaSignature(signature), blake2b_256(message), std::span<const std::byte, 33>(key),
                          EcdsaParsing::kStandard);
  }
  return false;
}

constexpr auto kDevelopmentPhrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

// What every Substrate tool derives.
TEST(SecretUris, NameTheKnownSr25519Keys) {
  const auto key = [](std::string_view suri) { return generate(KeyScheme::kSr25519, suri); };
  EXPECT_EQ(key(""), from_hex("46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a"));
  EXPECT_EQ(key(kDevelopmentPhrase), key(""));
  EXPECT_EQ(key("0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e"), key(""));
  EXPECT_EQ(key("0xFAC7959DBFE72F052E5A0C3C8D6530F202B02FD8F9F5CA3580EC8DEB7797479E"), key(""));
  EXPECT_EQ(key("//Alice"), from_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"));
  EXPECT_EQ(key(std::string(kDevelopmentPhrase) + "//Alice"), key("//Alice"));
  EXPECT_EQ(key("//Bob"), from_hex("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"));
  EXPECT_EQ(key("//Alice//stash"), from_hex("be5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f"));
  EXPECT_EQ(key("/Alice"), from_hex("d6c71059dbbe9ad2b0ed3f289738b800836eb425544ce694825285b958ca755e"));
  EXPECT_EQ(key("/foo"), from_hex("40b9675df90efa6069ff623b0fdfcf706cd47ca7452a5056c7ad58194d23440a"));
}

TEST(SecretUris, NameTheKnownEd25519Keys) {
  const auto key = [](std::string_view suri) { return generate(KeyScheme::kEd25519, suri); };
  EXPECT_EQ(key("//Alice"), from_hex("88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"));
  EXPECT_EQ(key("//Bob"), from_hex("d17c2d7823ebf260fd138f2d7e27d114c0145d968b5ff5006125f2414fadae69"));
  EXPECT_EQ(key("0x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
  // A junction of zeros.
  EXPECT_EQ(key("0x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60//0"),
            key("0xede3354e133f9c8e337ddd6ee5415ed4b4ffe5fc7d21e933f4930a3730e5b21c"));
}

TEST(SecretUris, NameTheKnownEcdsaKeys) {
  const auto key = [](std::string_view suri) { return generate(KeyScheme::kEcdsa, suri); };
  EXPECT_EQ(key("//Alice"), from_hex("020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1"));
  EXPECT_EQ(key("//Bob"), from_hex("0390084fdbf27d2b79d26a4f13f0ccd982cb755a661969143c37cbc49ef5b91f27"));
  EXPECT_EQ(key("0x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60//0"),
            key("0xb8eefc4937200a8382d00050e050ced2d4ab72cc2ef1b061477afb51564fdd61"));
}

/// Of the only junction of a URI.
Bytes code_of(std::string_view suri) {
  const Result<SecretUri> uri = parse_secret_uri(suri);
  EXPECT_TRUE(uri) << suri;
  return uri && uri->junctions.size() == 1 ? to_bytes(uri->junctions[0].code) : Bytes{};
}

Bytes padded(Bytes bytes) {
  bytes.resize(32);
  return bytes;
}

TEST(SecretUris, HaveJunctionsInScale) {
  EXPECT_EQ(code_of("//Alice"), padded(from_hex("14 416c696365")));
  EXPECT_EQ(code_of("/Alice"), padded(from_hex("14 416c696365")));
  EXPECT_EQ(code_of("//1"), padded(from_hex("01")));
  EXPECT_EQ(code_of("//0001"), padded(from_hex("01")));
  EXPECT_EQ(code_of("//+1"), padded(from_hex("01")));  // as Rust reads numbers
  EXPECT_EQ(code_of("//18446744073709551615"), padded(from_hex("ffffffffffffffff")));
  EXPECT_EQ(code_of("//18446744073709551616"), padded(join({from_hex("50"), from_text("18446744073709551616")})));
  EXPECT_EQ(code_of("//-1"), padded(join({from_hex("08"), from_text("-1")})));
  EXPECT_EQ(code_of("//1 "), padded(join({from_hex("08"), from_text("1 ")})));

  const std::string longest(31, 'x');
  EXPECT_EQ(code_of("//" + longest), join({from_hex("7c"), from_text(longest)}));
  EXPECT_EQ(code_of("//" + longest + "x"), to_bytes(blake2b_256(join({from_hex("80"), from_text(longest + "x")}))));
}

TEST(SecretUris, HaveHardAndSoftJunctions) {
  const Result<SecretUri> uri = parse_secret_uri("//a/b//c");
  ASSERT_TRUE(uri);
  ASSERT_EQ(uri->junctions.size(), 3u);
  EXPECT_TRUE(uri->junctions[0].hard);
  EXPECT_FALSE(uri->junctions[1].hard);
  EXPECT_TRUE(uri->junctions[2].hard);
}

TEST(SecretUris, AreRefusedWithWhatIsWrong) {
  const auto contains = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  for (const KeyScheme scheme : kSchemes) {
    EXPECT_TRUE(contains(refusal(scheme, "//Alice///secret"), "password"));
    EXPECT_TRUE(contains(refusal(scheme, "//Alice//"), "junction 2"));
    EXPECT_TRUE(contains(refusal(scheme, "/"), "junction 1"));
    EXPECT_TRUE(contains(refusal(scheme, "0x1234"), "64 hexadecimal digits"));
    EXPECT_TRUE(contains(refusal(scheme, "0x" + std::string(63, '0') + "g"), "64 hexadecimal digits"));
    EXPECT_TRUE(contains(refusal(scheme, "0x" + std::string(62, '0') + "-1"), "64 hexadecimal digits"));
    EXPECT_TRUE(contains(refusal(scheme, "Alice"), "phrase"));
    EXPECT_TRUE(contains(refusal(scheme, "legal winner thank year wave sausage worth useful legal winner thank yellow"),
                         "phrase"));
    EXPECT_TRUE(contains(refusal(scheme, "//\xFF"), "UTF-8"));
    EXPECT_TRUE(contains(refusal(scheme, "//" + std::string(1 << 20, 'x')), "bytes"));
  }
  EXPECT_TRUE(contains(refusal(KeyScheme::kEd25519, "//a/b"), "soft"));
  EXPECT_TRUE(contains(refusal(KeyScheme::kEcdsa, "/a"), "soft"));
  const std::string zero = "0x" + std::string(64, '0');
  EXPECT_TRUE(contains(refusal(KeyScheme::kEcdsa, zero), "no secp256k1 key"));
  EXPECT_TRUE(contains(refusal(KeyScheme::kEcdsa, zero + "//a"), "no secp256k1 key"));
}

TEST(SecretUris, AreNotQuotedWhereTheyAreRefused) {
  EXPECT_EQ(refusal(KeyScheme::kSr25519, "my words").find("my words"), std::string::npos);
  EXPECT_EQ(refusal(KeyScheme::kSr25519, "0xc0ffee").find("c0ffee"), std::string::npos);
  EXPECT_EQ(refusal(KeyScheme::kSr25519, "//a///hunter2").find("hunter2"), std::string::npos);
}

TEST(Keystore, SignsWithTheKeysItHas) {
  for (const KeyScheme scheme : kSchemes) {
    Keystore store;
    const Bytes key = store.generate(scheme, kBabe, "//Alice").value();
    const Bytes message = from_text("message");
    const auto signature = store.sign(scheme, kBabe, key, message);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verifies(scheme, *signature, message, key));
    EXPECT_FALSE(verifies(scheme, *signature, from_text("another"), key));

    EXPECT_FALSE(store.sign(scheme, kGrandpa, key, message));
    EXPECT_FALSE(store.sign(scheme, kBabe, with_bit_flipped(key, 0), message));
    EXPECT_FALSE(store.sign(scheme, kBabe, {}, message));
    for (const KeyScheme other : kSchemes) {
      EXPECT_EQ(store.sign(other, kBabe, key, message).has_value(), other == scheme);
    }
  }
}

TEST(Keystore, EcdsaSignsHashes) {
  Keystore store;
  const Bytes key = store.generate(KeyScheme::kEcdsa, kBabe, "//Alice").value();
  const Bytes message = from_text("message");
  EXPECT_EQ(store.sign_prehashed(kBabe, key, blake2b_256(message)), store.sign(KeyScheme::kEcdsa, kBabe, key, message));
  EXPECT_FALSE(store.sign_prehashed(kGrandpa, key, {}));
}

TEST(Keystore, ListsTheKeysOfASchemeAndTypeSorted) {
  Keystore store;
  EXPECT_TRUE(store.public_keys(KeyScheme::kSr25519, kBabe).empty());
  std::vector<Bytes> keys;
  for (int i = 0; i < 20; ++i) keys.push_back(store.generate(KeyScheme::kSr25519, kBabe, std::nullopt).value());
  const Bytes other = store.generate(KeyScheme::kSr25519, kGrandpa, "//Alice").value();
  (void)store.generate(KeyScheme::kEd25519, kBabe, "//Alice").value();
  (void)store.generate(KeyScheme::kSr25519, kGrandpa, "//Alice").value();  // once more

  const auto before = [](const Bytes& a, const Bytes& b) { return std::ranges::lexicographical_compare(a, b); };
  std::ranges::sort(keys, before);
  EXPECT_EQ(store.public_keys(KeyScheme::kSr25519, kBabe), keys);
  EXPECT_EQ(store.public_keys(KeyScheme::kSr25519, kGrandpa), std::vector<Bytes>{other});
  EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());  // random ones differ
}

TEST(Keystore, ServesManyThreads) {
  Keystore store;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store] {
      for (int i = 0; i < 20; ++i) {
        for (const KeyScheme scheme : kSchemes) {
          const Bytes key = store.generate(scheme, kBabe, std::nullopt).value();
          const auto signature = store.sign(scheme, kBabe, key, key);
          ASSERT_TRUE(signature);
          EXPECT_TRUE(verifies(scheme, *signature, key, key));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const KeyScheme scheme : kSchemes) EXPECT_EQ(store.public_keys(scheme, kBabe).size(), 80u);
}

TEST(Keystore, MovesWithItsKeys) {
  Keystore store;
  const Bytes key = store.generate(KeyScheme::kSr25519, kBabe, "//Alice").value();
  const Keystore moved = std::move(store);
  EXPECT_EQ(moved.public_keys(KeyScheme::kSr25519, kBabe), std::vector<Bytes>{key});
}

TEST(Secrets, AreWipedWhenTheyGo) {
  std::array<std::byte, sizeof(Seed)> memory{};
  auto* const seed = new (memory.data()) Seed(Seed::random());
  EXPECT_NE(memory, decltype(memory){});
  std::destroy_at(seed);
  EXPECT_EQ(memory, decltype(memory){});
}

}  // namespace
}  // namespace anew::substrate
