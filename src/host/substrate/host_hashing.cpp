// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_hashing_*.
#include "host/substrate/hashing.hpp"
#include "host/substrate/host_functions.hpp"

namespace anew::substrate {

void define_hashing(HostFunctions& functions) {
  const auto define = [&]<typename D>(std::string_view name, D (*hash)(BytesView)) {
    functions.define(name, [hash](const HostCall&, BytesView data) -> D { return hash(data); });
  };
  define("ext_hashing_blake2_128_version_1", +[](BytesView data) { return blake2b_128(data); });
  define("ext_hashing_blake2_256_version_1", +[](BytesView data) { return blake2b_256(data); });
  define("ext_hashing_twox_64_version_1", +[](BytesView data) { return twox_64(data); });
  define("ext_hashing_twox_128_version_1", +[](BytesView data) { return twox_128(data); });
  define("ext_hashing_twox_256_version_1", +[](BytesView data) { return twox_256(data); });
  define("ext_hashing_keccak_256_version_1", +[](BytesView data) { return keccak_256(data); });
  define("ext_hashing_keccak_512_version_1", +[](BytesView data) { return keccak_512(data); });
  define("ext_hashing_sha2_256_version_1", +[](BytesView data) { return sha2_256(data); });
}

}  // namespace anew::substrate
