// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keys that a host signs with for its runtimes, in memory.
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/types.hpp>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace anew::substrate {

/// Signature schemes of the host API.
enum class KeyScheme : std::uint8_t { kEd25519, kSr25519, kEcdsa };

/// What a key is for, such as "babe" or "gran".
using KeyTypeId = std::array<std::uint8_t, 4>;

/// Private keys by scheme and type. May be used from many threads. Keys are wiped from memory when the store goes.
class ANEW_API Keystore {
 public:
  Keystore();
  Keystore(Keystore&&) noexcept;
  Keystore& operator=(Keystore&&) noexcept;
  ~Keystore();

  /// Makes a key and keeps it. @param suri  a secret URI: "0x" and 64 hexadecimal digits of a seed, an English
  /// phrase of BIP-39, or nothing for the development phrase, then junctions, then "///" and the phrase's password:
  /// "//Alice", "0x..//hard/soft", "legal winner ... yellow//0///secret". 1024 bytes at most; soft junctions only for
  /// sr25519. Without: at random.
  /// @return the public key: 32 bytes, of ECDSA 33; kArgument for a URI that cannot be used, with what is wrong.
  [[nodiscard]] Result<Bytes> generate(KeyScheme scheme, KeyTypeId type, std::optional<std::string_view> suri);
  /// All public keys of a scheme and type, sorted.
  [[nodiscard]] std::vector<Bytes> public_keys(KeyScheme scheme, KeyTypeId type) const;
  /// Signs a message: 64 bytes, of ECDSA 65 over BLAKE2b-256 of the message. sr25519 signatures are made with the
  /// context "substrate". @return nothing if there is no such key.
  [[nodiscard]] std::optional<Bytes> sign(KeyScheme scheme, KeyTypeId type, BytesView public_key,
                                          BytesView message) const;
  /// ECDSA over a hash that was made already.
  [[nodiscard]] std::optional<Bytes> sign_prehashed(KeyTypeId type, BytesView public_key, const Hash& hash) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace anew::substrate
