// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Blocks as `Core_execute_block` takes them (Polkadot specification, "Block format").
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace anew::substrate {

/// What a header's digest holds besides roots; the numbers are those of the encoding.
enum class DigestKind : std::uint8_t {
  kOther = 0,
  kChangesTrieRoot = 2,
  kConsensus = 4,
  kSeal = 5,
  kPreRuntime = 6,
  kChangesTrieSignal = 7,
  kRuntimeEnvironmentUpdated = 8,
};
/// "seal", "pre-runtime" and so on.
[[nodiscard]] ANEW_API std::string_view to_string(DigestKind kind) noexcept;

struct DigestItem {
  DigestKind kind = DigestKind::kOther;
  std::array<std::uint8_t, 4> engine{};  ///< of kConsensus, kSeal and kPreRuntime: who it is for, such as "BABE"
  Bytes data;                            ///< what follows, without its length
  Bytes encoded;                         ///< the whole item
};

struct Header {
  Hash parent_hash{};
  std::uint32_t number = 0;
  Hash state_root{};
  Hash extrinsics_root{};
  std::vector<DigestItem> digest;
};

struct Block {
  Header header;
  Hash hash{};                    ///< BLAKE2b-256 of the header as it came, seal included
  std::vector<Bytes> extrinsics;  ///< each without its length
  bool sealed = false;            ///< whether the digest's last item is a seal, which is set aside for execution

  /// The block as a runtime executes it: without the seal, which is for the node's consensus.
  [[nodiscard]] Bytes executable() const;
};

/// Decodes a SCALE-encoded block. @return kMalformed, with the byte offset, if the data ends early, is malformed, or
/// goes on behind the block.
[[nodiscard]] ANEW_API Result<Block> decode_block(BytesView encoded);

}  // namespace anew::substrate
