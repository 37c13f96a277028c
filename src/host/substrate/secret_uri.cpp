// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/secret_uri.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>

#include "host/substrate/hashing.hpp"
#include "host/substrate/octets.hpp"
#include "host/substrate/phrase.hpp"
#include "host/substrate/scale.hpp"
#include "os/try.hpp"
#include "wasm/reader.hpp"

namespace anew::substrate {
namespace {

/// More than any has. Each junction takes two bytes at least, but some 20 microseconds.
constexpr std::size_t kMaximumUriBytes = 1024;

/// The phrase of keys that everybody knows.
constexpr std::string_view kDevelopmentPhrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

std::optional<Seed> seed_from_hex(std::string_view digits) noexcept {
  Seed seed;
  if (digits.size() != 2 * seed.bytes.size()) return std::nullopt;
  for (std::byte& byte : seed.bytes) {
    std::uint8_t value = 0;
    const char* const begin = digits.data();
    if (std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2) return std::nullopt;
    byte = std::byte{value};
    digits.remove_prefix(2);
  }
  return seed;
}

/// @param root  what comes before the first junction. A seed has no use for a password, and takes one all the same.
Result<Seed> seed_of(std::string_view root, std::string_view password) {
  if (root.starts_with("0x")) {
    if (const auto seed = seed_from_hex(root.substr(2))) return *seed;
    return fail(ErrorCode::kArgument, "the seed of a secret URI must have 64 hexadecimal digits after its \"0x\"");
  }
  return seed_of_phrase(root.empty() ? kDevelopmentPhrase : root, password);
}

/// The number that a junction is, as Rust reads one.
std::optional<std::uint64_t> number_of(std::string_view name) noexcept {
  if (name.starts_with('+')) name.remove_prefix(1);
  std::uint64_t number = 0;
  const char* const begin = name.data();
  const char* const end = begin + name.size();
  const auto [read, error] = std::from_chars(begin, end, number);
  if (error != std::errc{} || read != end) return std::nullopt;
  return number;
}

/// A number's or a name's SCALE encoding, padded with zeros, or hashed if it is too long.
ChainCode code_of(std::string_view name) {
  ChainCode code{};
  if (const auto number = number_of(name)) {
    static_assert(std::endian::native == std::endian::little);  // as SCALE is
    std::ranges::copy(std::bit_cast<std::array<std::byte, 8>>(*number), code.begin());
    return code;
  }
  Bytes encoded;
  append_compact(encoded, static_cast<std::uint32_t>(name.size()));  // < kMaximumUriBytes
  const BytesView text = as_bytes(name);
  encoded.insert(encoded.end(), text.begin(), text.end());
  if (encoded.size() > code.size()) return blake2b_256(encoded);
  std::ranges::copy(encoded, code.begin());
  return code;
}

}  // namespace

Result<SecretUri> parse_secret_uri(std::string_view uri) {
  if (uri.size() > kMaximumUriBytes)
    return fail(ErrorCode::kArgument, fmt::format("a secret URI has more than {} bytes", kMaximumUriBytes));
  if (!wasm::is_utf8(uri)) return fail(ErrorCode::kArgument, "a secret URI is not UTF-8");

  const std::string_view root = uri.substr(0, uri.find('/'));
  SecretUri parsed;
  std::string_view password;
  for (std::string_view rest = uri.substr(root.size()); !rest.empty();) {
    if (rest.starts_with("///")) {
      password = rest.substr(3);
      if (password.contains('\n')) return fail(ErrorCode::kArgument, "the password of a secret URI has a line break");
      break;
    }
    const bool hard = rest.starts_with("//");
    rest.remove_prefix(hard ? 2 : 1);
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (name.empty()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("junction {} of a secret URI has no name", parsed.junctions.size() + 1));
    }
    parsed.junctions.push_back({hard, code_of(name)});
    rest.remove_prefix(name.size());
  }
  auto seed = TRY(seed_of(root, password));
  parsed.seed = seed;
  return parsed;
}

}  // namespace anew::substrate
