// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/substrate/block.hpp>

#include "host/substrate/hashing.hpp"
#include "host/substrate/header.hpp"
#include "host/substrate/scale.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {
namespace {

bool read_digest_item(ScaleReader& reader, BytesView encoded, DigestItem& item) {
  const std::size_t start = reader.position();
  std::uint8_t kind = 0;
  if (!reader.u8(kind)) return false;
  item.kind = static_cast<DigestKind>(kind);  // checked here:
  BytesView data;
  switch (item.kind) {
    case DigestKind::kOther:
      if (!reader.bytes(data)) return false;
      item.data.assign(data.begin(), data.end());
      break;
    case DigestKind::kConsensus:
    case DigestKind::kSeal:
    case DigestKind::kPreRuntime:
      if (!reader.raw(std::as_writable_bytes(std::span(item.engine))) || !reader.bytes(data)) return false;
      item.data.assign(data.begin(), data.end());
      break;
    case DigestKind::kChangesTrieRoot:
      item.data.resize(sizeof(Hash));
      if (!reader.raw(item.data)) return false;
      break;
    case DigestKind::kChangesTrieSignal: {
      // NewConfiguration(Option<{ digest_interval: u32, digest_levels: u32 }>), its only variant.
      std::uint8_t variant = 0;
      bool some = false;
      if (!reader.u8(variant)) return false;
      if (variant != 0) return reader.fail_at(reader.position() - 1, "an unknown signal of change tries");
      if (!reader.boolean(some)) return false;
      item.data.resize(some ? 8 : 0);
      if (!reader.raw(item.data)) return false;
      break;
    }
    case DigestKind::kRuntimeEnvironmentUpdated: break;
    default: return reader.fail_at(start, "an unknown kind of digest item");
  }
  const BytesView whole = encoded.subspan(start, reader.position() - start);
  item.encoded.assign(whole.begin(), whole.end());
  return true;
}

void append(Bytes& bytes, BytesView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

}  // namespace

bool read_header(ScaleReader& reader, BytesView encoded, Header& header) {
  std::uint32_t items = 0;
  if (!reader.raw(header.parent_hash) || !reader.compact(header.number) || !reader.raw(header.state_root) ||
      !reader.raw(header.extrinsics_root) || !reader.length(1, items)) {
    return false;
  }
  if (items > kMaximumDigestItems) return reader.fail_at(reader.position(), "a digest of more than 1,024 items");
  for (std::uint32_t i = 0; i < items; ++i)
    if (!read_digest_item(reader, encoded, header.digest.emplace_back())) return false;
  return true;
}

Bytes encode_header(const Header& header, std::span<const DigestItem> digest) {
  Bytes bytes;
  append(bytes, header.parent_hash);
  append_compact(bytes, header.number);
  append(bytes, header.state_root);
  append(bytes, header.extrinsics_root);
  append_compact(bytes, static_cast<std::uint32_t>(digest.size()));  // decoded from 32 bits, or kMaximumDigestItems
  for (const DigestItem& item : digest) append(bytes, item.encoded);
  return bytes;
}

namespace {

bool read_block(ScaleReader& reader, BytesView encoded, Block& block) {
  if (!read_header(reader, encoded, block.header)) return false;
  block.hash = blake2b_256(encoded.first(reader.position()));
  std::uint32_t extrinsics = 0;
  if (!reader.length(1, extrinsics)) return false;
  for (std::uint32_t i = 0; i < extrinsics; ++i) {
    BytesView extrinsic;
    if (!reader.bytes(extrinsic)) return false;
    block.extrinsics.emplace_back(extrinsic.begin(), extrinsic.end());
  }
  return reader.remaining() == 0 || reader.fail_at(reader.position(), "the data goes on behind the block");
}

Result<Block> decode(BytesView encoded) {
  ScaleReader reader(encoded);
  Block block;
  if (!read_block(reader, encoded, block)) {
    Error error = reader.error();
    error.message = "block: " + error.message;
    return std::unexpected(std::move(error));
  }
  const auto& digest = block.header.digest;
  block.sealed = !digest.empty() && digest.back().kind == DigestKind::kSeal;
  return block;
}

}  // namespace

std::string_view to_string(DigestKind kind) noexcept {
  switch (kind) {
    case DigestKind::kOther: return "other";
    case DigestKind::kChangesTrieRoot: return "changes trie root";
    case DigestKind::kConsensus: return "consensus";
    case DigestKind::kSeal: return "seal";
    case DigestKind::kPreRuntime: return "pre-runtime";
    case DigestKind::kChangesTrieSignal: return "changes trie signal";
    case DigestKind::kRuntimeEnvironmentUpdated: return "runtime environment updated";
  }
  return "?";
}

Bytes Block::executable() const {
  // Counts and lengths are those that were decoded from 32 bits.
  Bytes bytes = encode_header(header, std::span(header.digest).first(header.digest.size() - (sealed ? 1 : 0)));
  append_compact(bytes, static_cast<std::uint32_t>(extrinsics.size()));
  for (const Bytes& extrinsic : extrinsics) append_bytes(bytes, extrinsic);
  return bytes;
}

Result<Block> decode_block(BytesView encoded) {
  return detail::without_exceptions("a block is decoded", [&] { return decode(encoded); });
}

}  // namespace anew::substrate
