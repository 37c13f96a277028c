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

struct PhraseVector {
  std::string_view phrase;
  std::string_view seed;
};

// Those of crate substrate-bip39, whose password is "Substrate".
constexpr PhraseVector kPhrases[] = {
    {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
     "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"},
    {"legal winner thank year wave sausage worth useful legal winner thank yellow",
     "4313249608fe8ac10fd5886c92c4579007272cb77c21551ee5b8d60b78041685"},
    {"letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
     "27f3eb595928c60d5bc91a4d747da40ed236328183046892ed6cd5aa9ae38122"},
    {"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
     "227d6256fd4f9ccaf06c45eaa4b2345969640462bbb00c5f51f43cb43418c7a7"},
    {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon abandon agent",
     "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"},
    {"legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal "
     "will",
     "cb1d50e14101024a88905a098feb1553d4306d072d7460e167a60ccb3439a681"},
    {"letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic "
     "avoid letter always",
     "9ddecf32ce6bee77f867f3c4bb842d1f0151826a145cb4489598fe71ac29e355"},
    {"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo when",
     "8971cb290e7117c64b63379c97ed3b5c6da488841bd9f95cdc2a5651ac89571e"},
    {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
     "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"},
    {"legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal "
     "winner thank year wave sausage worth title",
     "3037276a5d05fcd7edf51869eb841bdde27c574dae01ac8cfb1ea476f6bea6ef"},
    {"letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic "
     "avoid letter advice cage absurd amount doctor acoustic bless",
     "2c9c6144a06ae5a855453d98c3dea470e2a8ffb78179c2e9eb15208ccca7d831"},
    {"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
     "047e89ef7739cbfe30da0ad32eb1720d8f62441dd4f139b981b8e2d0bd412ed4"},
    {"ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
     "f4956be6960bc145cdab782e649a5056598fd07cd3f32ceb73421c3da2783324"},
    {"gravity machine north sort system female filter attitude volume fold club stay feature office ecology "
     "stable narrow fog",
     "fbcc5229ade0c0ff018cb7a329c5459f91876e4dde2a97ddf03c832eab7f2612"},
    {"hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis "
     "maple dilemma loan word shrug inflict delay length",
     "7c60c555126c297deddddd59f8cdcdc9e3608944455824dd604897984b5cc369"},
    {"scheme spot photo card baby mountain device kick cradle pact join borrow",
     "c12157bf2506526c4bd1b79a056453b071361538e9e2c19c28ba2cfa39b5f230"},
    {"horn tenant knee talent sponsor spell gate clip pulse soap slush warm silver nephew swap uncle crack "
     "brave",
     "23766723e970e6b79dec4d5e4fdd627fd27d1ee026eb898feb9f653af01ad220"},
    {"panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation "
     "flash devote level hobby quick inner drive ghost inside",
     "f4c83c86617cb014d35cd87d38b5ef1c5d5c3d58a73ab779114438a7b358f457"},
    {"cat swing flag economy stadium alone churn speed unique patch report train",
     "719d4d4de0638a1705bf5237262458983da76933e718b2d64eb592c470f3c5d2"},
    {"light rule cinnamon wrap drastic word pride squirrel upgrade then income fatal apart sustain crack supply "
     "proud access",
     "7ae1291db32d16457c248567f2b101e62c5549d2a64cd2b7605d503ec876d587"},
    {"all hour make first leader extend hole alien behind guard gospel lava path output census museum junior "
     "mass reopen famous sing advance salt reform",
     "a911a5f4db0940b17ecb79c4dcf9392bf47dd18acaebdd4ef48799909ebb4967"},
    {"vessel ladder alter error federal sibling chat ability sun glass valve picture",
     "4e2314ca7d9eebac6fe5a05a5a8d3546bc891785414d82207ac987926380411e"},
    {"scissors invite lock maple supreme raw rapid void congress muscle digital elegant little brisk hair mango "
     "congress clump",
     "7a83851102849edc5d2a3ca9d8044d0d4f00e5c4a292753ed3952e4080859325"},
    {"void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol "
     "group space point ten exist slush involve unfold",
     "938ba18c3f521f19bd4a399c8425b02c716844325b1a65106b9d1593fbafe5e0"},
};

TEST(SecretUris, OfPhrasesHaveTheKnownSeeds) {
  for (const auto& [phrase, seed] : kPhrases) {
    const Result<SecretUri> uri = parse_secret_uri(std::string(phrase) + "///Substrate");
    ASSERT_TRUE(uri) << phrase << ": " << uri.error().message;
    EXPECT_EQ(to_bytes(uri->seed.bytes), from_hex(seed)) << phrase;
  }
}

TEST(SecretUris, OfPhrasesNameKeysOfEachScheme) {
  const std::string phrase(kPhrases[1].phrase);
  const std::string seed = "0x" + std::string(kPhrases[1].seed);
  for (const KeyScheme scheme : kSchemes) {
    EXPECT_EQ(generate(scheme, phrase + "///Substrate"), generate(scheme, seed));
    EXPECT_EQ(generate(scheme, phrase + "//0//stash///Substrate"), generate(scheme, seed + "//0//stash"));
    EXPECT_EQ(generate(scheme, "  " + phrase + " ///Substrate"), generate(scheme, seed)) << "blanks do not count";
    EXPECT_NE(generate(scheme, phrase), generate(scheme, seed)) << "no password is another one";
    EXPECT_EQ(generate(scheme, phrase + "///"), generate(scheme, phrase)) << "but an empty one is none";
  }
}

TEST(SecretUris, HavePasswordsBehindThreeSlashes) {
  const auto key = [](std::string_view suri) { return generate(KeyScheme::kSr25519, suri); };
  const std::string phrase = kDevelopmentPhrase;
  EXPECT_EQ(key("//Alice///password"), key(phrase + "//Alice///password"));
  EXPECT_NE(key("//Alice///password"), key("//Alice"));
  EXPECT_NE(key("///a///b"), key("///a")) << "the rest is the password";
  EXPECT_NE(key("///a//b"), key("//b///a"));
  EXPECT_EQ(key("0x" + std::string(64, '1') + "//a///secret"), key("0x" + std::string(64, '1') + "//a"))
      << "a seed has none";
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

std::string phrase_of(int count, const std::string& word) {
  std::string phrase = word;
  for (int i = 1; i < count; ++i) phrase += " " + word;
  return phrase;
}

TEST(SecretUris, AreRefusedWithWhatIsWrong) {
  const auto contains = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  for (const KeyScheme scheme : kSchemes) {
    EXPECT_TRUE(contains(refusal(scheme, "//Alice///sec\nret"), "line break"));
    EXPECT_TRUE(contains(refusal(scheme, "//Alice//"), "junction 2"));
    EXPECT_TRUE(contains(refusal(scheme, "/"), "junction 1"));
    EXPECT_TRUE(contains(refusal(scheme, "0x1234"), "64 hexadecimal digits"));
    EXPECT_TRUE(contains(refusal(scheme, "0x" + std::string(63, '0') + "g"), "64 hexadecimal digits"));
    EXPECT_TRUE(contains(refusal(scheme, "0x" + std::string(62, '0') + "-1"), "64 hexadecimal digits"));
    EXPECT_TRUE(contains(refusal(scheme, "Alice"), "1 words"));
    EXPECT_TRUE(contains(refusal(scheme, " "), "0 words"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(9, "abandon")), "9 words"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(13, "abandon")), "13 words"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(27, "abandon")), "27 words"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(12, "abandon")), "checksum"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(11, "abandon") + " abandoned"), "word 12"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(11, "abandon") + " About"), "word 12"));
    EXPECT_TRUE(contains(refusal(scheme, phrase_of(11, "abandon") + " zzz"), "word 12"));
    EXPECT_TRUE(contains(refusal(scheme, "//\xFF"), "UTF-8"));
    EXPECT_TRUE(contains(refusal(scheme, "//" + std::string(1 << 20, 'x')), "bytes"));
    EXPECT_TRUE(contains(refusal(scheme, "//" + std::string(1023, 'x')), "more than 1024 bytes"));
    (void)generate(scheme, "//" + std::string(1022, 'x'));
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
  EXPECT_EQ(refusal(KeyScheme::kSr25519, "//a///hunter2\n").find("hunter2"), std::string::npos);
  const std::string phrase = phrase_of(11, "abandon");
  EXPECT_EQ(refusal(KeyScheme::kSr25519, phrase + " hunter").find("hunter"), std::string::npos);
  EXPECT_EQ(refusal(KeyScheme::kSr25519, phrase + " abandon").find("abandon"), std::string::npos);
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
    for (const KeyScheme other : kSchemes)
      EXPECT_EQ(store.sign(other, kBabe, key, message).has_value(), other == scheme);
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
