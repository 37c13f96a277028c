// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/phrase.hpp"

#include <botan/pwdhash.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "host/substrate/octets.hpp"
#include "host/substrate/phrase_words.hpp"
#include "os/try.hpp"

namespace anew::substrate {
namespace {

constexpr std::size_t kWords = 2048;
constexpr unsigned kBitsPerWord = 11;
constexpr std::size_t kMaximumWords = 24;
constexpr std::size_t kRounds = 2048;

constexpr std::array<std::string_view, kWords> cut_words() {
  std::array<std::string_view, kWords> words;
  std::string_view rest = kPhraseWords;
  for (std::string_view& word : words) {
    word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return words;
}
constexpr std::array<std::string_view, kWords> kWordTable = cut_words();
static_assert(kWordTable.front() == "abandon" && kWordTable.back() == "zoo");
static_assert(std::ranges::is_sorted(kWordTable));

std::vector<std::string_view> split(std::string_view phrase) {
  std::vector<std::string_view> words;
  while (!phrase.empty()) {
    const std::string_view word = phrase.substr(0, phrase.find(' '));
    if (!word.empty()) words.push_back(word);
    phrase.remove_prefix(std::min(word.size() + 1, phrase.size()));
  }
  return words;
}

/// The bits that words stand for, the first one the highest of the first byte: the entropy and behind it the checksum.
using Bits = Secret<(kMaximumWords * kBitsPerWord) / 8>;

Result<Bits> bits_of(const std::vector<std::string_view>& words) {
  Bits bits;
  std::size_t at = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto found = std::ranges::lower_bound(kWordTable, words[i]);
    if (found == kWordTable.end() || *found != words[i])
      return fail(ErrorCode::kArgument, fmt::format("word {} of a phrase is not in the English list of BIP-39", i + 1));
    const auto number = static_cast<unsigned>(found - kWordTable.begin());  // less than 2048
    for (unsigned bit = kBitsPerWord; bit-- > 0; ++at)
      if ((number >> bit & 1) != 0) bits.bytes[at / 8] |= std::byte{0x80} >> at % 8;
  }
  return bits;
}

}  // namespace

Result<Seed> seed_of_phrase(std::string_view phrase, std::string_view password) {
  const std::vector<std::string_view> words = split(phrase);
  if (words.size() < 12 || words.size() > kMaximumWords || words.size() % 3 != 0) {
    return fail(ErrorCode::kArgument,
                fmt::format("a phrase has {} words: use one of 12, 15, 18, 21 or 24", words.size()));
  }
  const auto bits = TRY(bits_of(words));

  // Of 33 bits, 32 are entropy: 16 to 32 bytes. The checksum of 4 to 8 bits lies in the next byte.
  const std::size_t entropy_bytes = words.size() / 3 * 4;
  const unsigned unused_bits = 8 - static_cast<unsigned>(words.size() / 3);  // 4 to 8 words
  Secret<crypto_hash_sha256_BYTES> hash;
  (void)crypto_hash_sha256(octets(hash.bytes.data()), octets(bits.bytes.data()), entropy_bytes);  // always 0
  if ((bits.bytes[entropy_bytes] >> unused_bits) != (hash.bytes[0] >> unused_bits))
    return fail(ErrorCode::kArgument, "the checksum of a phrase is wrong: a word is another one, or in another place");

  std::string salt = "mnemonic";
  salt += password;
  Secret<64> derived;
  Botan::PasswordHashFamily::create_or_throw("PBKDF2(SHA-512)")
      ->from_params(kRounds)
      ->derive_key(octets(derived.bytes.data()), derived.bytes.size(),
                   // Bytes seen as characters, which may alias any object.
                   reinterpret_cast<const char*>(bits.bytes.data()), entropy_bytes, octets(as_bytes(salt).data()),
                   salt.size());
  sodium_memzero(salt.data(), salt.size());
  Seed seed;
  std::copy_n(derived.bytes.begin(), seed.bytes.size(), seed.bytes.begin());
  return seed;
}

}  // namespace anew::substrate
