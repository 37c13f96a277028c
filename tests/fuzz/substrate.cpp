// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a chain specification, as a state's pairs, as compressed code, as a SCALE-encoded version or block, and
// as a secret URI: an error or a value. What a block encodes to is what it was decoded from.
#include <algorithm>
#include <anew/substrate.hpp>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace anew;
  const auto bytes = std::as_bytes(std::span(data, size));
  // Parsers of text take characters; both are bytes.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = substrate::parse_chain_spec(text))
    (void)substrate::MemoryState::from_chain_spec(*spec, substrate::StateVersion::kV1);
  (void)substrate::MemoryState::from_pairs(text, substrate::StateVersion::kV0);
  (void)substrate::decompress_code(bytes);
  (void)substrate::decode_version(bytes);
  substrate::Keystore keystore;
  (void)keystore.generate(substrate::KeyScheme::kSr25519, {}, text);

  if (const auto block = substrate::decode_block(bytes)) {
    const substrate::Bytes encoded = block->executable();
    if (!block->sealed && !std::ranges::equal(encoded, bytes)) std::abort();
    const auto again = substrate::decode_block(encoded);
    if (!again || (!again->sealed && again->executable() != encoded)) std::abort();
  }
  return 0;
}
