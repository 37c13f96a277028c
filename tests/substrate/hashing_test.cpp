// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/hashing.hpp"

#include <botan/hash.h>
#include <gtest/gtest.h>

#include <memory>

#include "host/substrate/octets.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

TEST(Hashing, Blake2b) {
  EXPECT_EQ(to_bytes(blake2b_128({})), from_hex("cae66941d9efbd404e4d88758ea67670"));
  EXPECT_EQ(to_bytes(blake2b_256({})), from_hex("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"));
  EXPECT_EQ(to_bytes(blake2b_256(from_text("abc"))),
            from_hex("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"));
}

TEST(Hashing, TwoxIsOneXxh64ASeed) {
  EXPECT_EQ(to_bytes(twox_64({})), from_hex("99e9d85137db46ef"));
  EXPECT_EQ(to_bytes(twox_64(from_text("abc"))), from_hex("990977adf52cbc44"));
  EXPECT_EQ(to_bytes(twox_128(from_text("System"))), from_hex("26aa394eea5630e07c48ae0c9558cef7"));
  EXPECT_EQ(to_bytes(twox_128(from_text("Account"))), from_hex("b99d880ec681799c0cf30e8886371da9"));
  EXPECT_EQ(to_bytes(twox_256(from_text("abc"))),
            from_hex("990977adf52cbc440889329981caa9bef7da5770b2b8a05303b75d95360dd62b"));
}

TEST(Hashing, Sha2) {
  EXPECT_EQ(to_bytes(sha2_256({})), from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  EXPECT_EQ(to_bytes(sha2_256(from_text("hello world"))),
            from_hex("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"));
}

TEST(Hashing, KeccakHasItsOriginalPadding) {
  EXPECT_EQ(to_bytes(keccak_256({})), from_hex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"));
  EXPECT_EQ(to_bytes(keccak_256(from_text("test value"))),
            from_hex("2d07364b5c231c56ce63d49430e085ea3033c750688ba532b24029124c26ca5e"));
  EXPECT_EQ(to_bytes(keccak_512({})), from_hex("0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304"
                                               "c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e"));
  EXPECT_EQ(to_bytes(keccak_512(from_text("test"))),
            from_hex("1e2e9fc2002b002d75198b7503210c05a1baac4560916a3c6d93bcce3a50d7f0"
                     "0fd395bf1647b9abb8d1afcc9c76c289b0c9383ba386a956da4b38934417789e"));
}

/// @param hash  by Botan's name.
Bytes hash_by_botan(const char* hash, BytesView data) {
  const std::unique_ptr<Botan::HashFunction> function = Botan::HashFunction::create_or_throw(hash);
  Bytes digest(function->output_length());
  function->update(octets(data.data()), data.size());
  function->final(octets(digest.data()));
  return digest;
}

TEST(Hashing, KeccakAgreesWithBotanAtEveryLength) {
  Bytes data;
  for (std::size_t length = 0; length < 600; ++length) {  // past several blocks of both
    ASSERT_EQ(to_bytes(keccak_256(data)), hash_by_botan("Keccak-1600(256)", data)) << length;
    ASSERT_EQ(to_bytes(keccak_512(data)), hash_by_botan("Keccak-1600(512)", data)) << length;
    data.push_back(static_cast<std::byte>(length * 7));  // the low byte
  }
}

}  // namespace
}  // namespace anew::substrate
