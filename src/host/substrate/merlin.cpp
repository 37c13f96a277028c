// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/merlin.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <bit>

#include "host/substrate/octets.hpp"
#include "host/substrate/pieces.hpp"
#include "host/substrate/secret.hpp"

namespace anew::substrate {
namespace {

// STROBE's flags of an operation: inbound, application, cipher, meta.
constexpr std::uint8_t kInbound = 1;
constexpr std::uint8_t kApplication = 2;
constexpr std::uint8_t kCipher = 4;
constexpr std::uint8_t kMeta = 16;

/// What the state is before the first permutation: cSHAKE's framing of the rate, and of STROBE's name.
constexpr std::array<std::uint8_t, 6> kFraming = {1, 168, 1, 0, 1, 96};
constexpr std::string_view kVersion = "STROBEv1.0.2";

constexpr auto kAdd = [](std::byte& state, std::byte b) noexcept { state ^= b; };

/// A length as Merlin appends it to a label: 4 bytes, little-endian.
std::array<std::byte, 4> length_of(BytesView data) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return std::bit_cast<std::array<std::byte, 4>>(static_cast<std::uint32_t>(data.size()));  // < 4 GiB, see append()
}

}  // namespace

Strobe128::Strobe128(BytesView protocol) noexcept {
  std::byte* end = std::ranges::transform(kFraming, state_.bytes(), [](std::uint8_t b) { return std::byte{b}; }).out;
  std::ranges::copy(as_bytes(kVersion), end);
  state_.permute();
  meta_ad(protocol);
}

Strobe128::~Strobe128() { sodium_memzero(state_.bytes(), KeccakState::kBytes); }

void Strobe128::meta_ad(BytesView data, bool more) noexcept {
  if (!more) begin(kMeta | kApplication);
  duplex(data, kAdd);
}

void Strobe128::ad(BytesView data) {
  begin(kApplication);
  for_each_piece(data, [this](BytesView piece) { duplex(piece, kAdd); });
}

void Strobe128::key(BytesView data) noexcept {
  begin(kApplication | kCipher);
  duplex(data, [](std::byte& state, std::byte b) { state = b; });
}

void Strobe128::prf(std::span<std::byte> out) noexcept {
  begin(kInbound | kApplication | kCipher);
  duplex(out, [](std::byte& state, std::byte& b) {
    b = state;
    state = std::byte{0};
  });
}

void Strobe128::begin(std::uint8_t flags) noexcept {
  const std::array<std::byte, 2> frame = {std::byte{begin_}, std::byte{flags}};
  begin_ = static_cast<std::uint8_t>(position_ + 1);  // <= kRate
  duplex(BytesView(frame), kAdd);
  // Operations with a cipher begin with a fresh block.
  if ((flags & kCipher) != 0 && position_ != 0) run();
}

template <typename Byte, typename Step>
void Strobe128::duplex(std::span<Byte> data, Step step) noexcept {
  while (!data.empty()) {
    const std::size_t count = std::min(kRate - position_, data.size());
    std::byte* const state = state_.bytes() + position_;
    for (std::size_t i = 0; i < count; ++i) step(state[i], data[i]);
    position_ += count;
    data = data.subspan(count);
    if (position_ == kRate) run();
  }
}

void Strobe128::run() noexcept {
  std::byte* const state = state_.bytes();
  state[position_] ^= std::byte{begin_};
  state[position_ + 1] ^= std::byte{0x04};
  state[kRate + 1] ^= std::byte{0x80};
  state_.permute();
  position_ = 0;
  begin_ = 0;
}

Transcript::Transcript(std::string_view label) : strobe_(as_bytes("Merlin v1.0")) {
  append("dom-sep", as_bytes(label));
}

void Transcript::append(std::string_view label, BytesView message) {
  strobe_.meta_ad(as_bytes(label));
  strobe_.meta_ad(length_of(message), true);
  strobe_.ad(message);
}

void Transcript::challenge(std::string_view label, std::span<std::byte> out) noexcept {
  strobe_.meta_ad(as_bytes(label));
  strobe_.meta_ad(length_of(out), true);
  strobe_.prf(out);
}

void Transcript::witness(std::string_view label, std::initializer_list<BytesView> secrets,
                         std::span<std::byte> out) const noexcept {
  Strobe128 fork = strobe_;
  for (const BytesView secret : secrets) {
    fork.meta_ad(as_bytes(label));
    fork.meta_ad(length_of(secret), true);
    fork.key(secret);
  }
  const Seed randomness = Seed::random();
  fork.meta_ad(as_bytes("rng"));
  fork.key(randomness.bytes);
  fork.meta_ad(length_of(out));
  fork.prf(out);
}

}  // namespace anew::substrate
