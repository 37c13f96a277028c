// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Merlin transcripts (https://merlin.cool): a running hash of labelled messages, from which challenges are drawn. They
// are what schnorrkel hashes with. Below them lies STROBE-128 (https://strobe.sourceforge.io), of which only the
// operations that Merlin needs are here.
#pragma once

#include <anew/substrate/types.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "host/substrate/keccak.hpp"

namespace anew::substrate {

/// STROBE v1.0.2 at 128 bits of security, over Keccak-f[1600]. Wiped when it goes.
class Strobe128 {
 public:
  explicit Strobe128(BytesView protocol) noexcept;
  Strobe128(const Strobe128&) noexcept = default;
  Strobe128& operator=(const Strobe128&) noexcept = default;
  ~Strobe128();

  /// Absorbs metadata. @param more  goes on with the meta_ad that must be the operation before.
  void meta_ad(BytesView data, bool more = false) noexcept;
  /// Absorbs data.
  void ad(BytesView data);
  /// Replaces a part of the state by a key.
  void key(BytesView data) noexcept;
  /// Squeezes output, which cannot be squeezed again.
  void prf(std::span<std::byte> out) noexcept;

 private:
  static constexpr std::size_t kRate = 166;  // bytes of the state that data goes to; the last two of 168 are framing

  void begin(std::uint8_t flags) noexcept;
  /// Lets step(state byte, data byte) meet each byte of the data with the next one of the state.
  template <typename Byte, typename Step>
  void duplex(std::span<Byte> data, Step step) noexcept;
  void run() noexcept;

  KeccakState state_;
  std::size_t position_ = 0;  // < kRate
  std::uint8_t begin_ = 0;    // 1 + where the current operation began in this block; 0: in one before
};

class Transcript {
 public:
  explicit Transcript(std::string_view label);

  /// @param message  less than 4 GiB, as all memory of a guest is. Of a long one it asks now and then whether the call
  ///                 is to end.
  void append(std::string_view label, BytesView message);
  /// Draws bytes that depend on all that was appended and drawn before.
  void challenge(std::string_view label, std::span<std::byte> out) noexcept;
  /// Draws secret bytes, for nonces, that depend on all that was appended and drawn before, on the secrets and on fresh
  /// randomness. They stay secret if either of the latter is.
  void witness(std::string_view label, std::initializer_list<BytesView> secrets,
               std::span<std::byte> out) const noexcept;

 private:
  Strobe128 strobe_;
};

}  // namespace anew::substrate
