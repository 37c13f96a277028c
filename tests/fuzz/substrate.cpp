// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a chain specification, as compressed code and as a SCALE-encoded version: an error or a value.
#include <anew/substrate.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace anew;
  const auto bytes = std::as_bytes(std::span(data, size));
  // A JSON parser takes characters; both are bytes.
  (void)substrate::parse_chain_spec({reinterpret_cast<const char*>(data), size});
  (void)substrate::decompress_code(bytes);
  (void)substrate::decode_version(bytes);
  return 0;
}
