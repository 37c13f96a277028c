// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/code_blob.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <random>

#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

Bytes prefix() { return from_hex("52bc537646db8e05"); }

Bytes compress(const Bytes& bytes) {
  Bytes frame(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), 3);
  EXPECT_EQ(ZSTD_isError(size), 0u);
  frame.resize(size);
  return frame;
}

/// Code of a size that takes several rounds of the output buffer.
Bytes sample(std::size_t size) {
  std::mt19937 random(7);
  Bytes bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random() % 3);
  return bytes;
}

void expect_refused(const Bytes& code, const char* reason) {
  const auto decompressed = decompress_code(code);
  ASSERT_FALSE(decompressed);
  EXPECT_EQ(decompressed.error().code, ErrorCode::kMalformed);
  EXPECT_NE(decompressed.error().message.find(reason), std::string::npos) << decompressed.error().message;
}

TEST(CodeBlob, CodeWithoutThePrefixIsLeftAlone) {
  for (const Bytes& code : {Bytes{}, from_hex("0061736d"), from_hex("52bc537646db8e"), compress(sample(100))})
    EXPECT_EQ(decompress_code(code), code);
}

TEST(CodeBlob, DecompressesBehindThePrefix) {
  for (const std::size_t size : {0u, 1u, 65'536u, 3'000'000u}) {
    const Bytes code = sample(size);
    EXPECT_EQ(decompress_code(join({prefix(), compress(code)})), code) << size << " bytes";
  }
}

TEST(CodeBlob, ReadsFramesThatFollowOneAnother) {
  const Bytes code = sample(1000);
  EXPECT_EQ(decompress_code(join({prefix(), compress(code), compress(code)})), join({code, code}));
}

TEST(CodeBlob, DecompressesAsMuchAsAChainAcceptsAndNoMore) {
  Bytes code(kMaximumCodeBytes, std::byte{1});
  const auto decompressed = decompress_code(join({prefix(), compress(code)}));
  ASSERT_TRUE(decompressed) << decompressed.error().message;
  EXPECT_EQ(decompressed->size(), kMaximumCodeBytes);
  code.push_back(std::byte{1});
  expect_refused(join({prefix(), compress(code)}), "more than 52428800 bytes");
}

TEST(CodeBlob, StopsAtABomb) {
  const Bytes megabytes(8u << 20);
  const Bytes frame = compress(megabytes);
  Bytes bomb = prefix();
  for (int i = 0; i < 1000; ++i) bomb.insert(bomb.end(), frame.begin(), frame.end());
  ASSERT_LT(bomb.size(), 1u << 20) << "8 GB in less than a megabyte";
  expect_refused(bomb, "more than 52428800 bytes");
}

TEST(CodeBlob, DataCutShortAnywhereIsRefused) {
  const Bytes code = join({prefix(), compress(sample(2000))});
  for (std::size_t size = prefix().size(); size < code.size(); ++size)
    EXPECT_FALSE(decompress_code(std::span(code).first(size))) << "cut to " << size;
  expect_refused(prefix(), "ends early");
  expect_refused(Bytes(code.begin(), code.end() - 1), "ends early");
}

TEST(CodeBlob, CorruptDataIsRefused) {
  expect_refused(join({prefix(), from_text("not a frame")}), "corrupt");
  expect_refused(join({prefix(), compress(sample(100)), from_text("behind")}), "corrupt");
}

}  // namespace
}  // namespace anew::substrate
