// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bytes of .anew.meta, which writer and reader share. All integers are little-endian, on every processor that Anew
// runs on.
#pragma once

#include <elf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "codegen/image.hpp"

namespace anew::artifact {

/// A stretch of the file.
struct Range {
  std::uint64_t offset;
  std::uint64_t bytes;
};

/// Which codegen::Options the code was made with.
inline constexpr std::uint32_t kMarks = 1;
inline constexpr std::uint32_t kExplicitBounds = 2;
inline constexpr std::uint32_t kFuel = 4;
inline constexpr std::uint32_t kCanonicalNan = 8;
inline constexpr std::uint32_t kMeteredStack = 16;
inline constexpr std::uint32_t kForeignMemory = 32;  ///< in the code cache only
inline constexpr std::uint32_t kAllFlags = 63;

struct Meta {
  std::array<char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t abi_version;
  std::uint64_t code_version;  ///< see code_version.hpp
  std::uint64_t file_bytes;
  std::uint64_t cpu_features;  ///< that the code needs: bits of abi::feature
  std::uint64_t features;      ///< proposals that the module needs: Features::bits()
  std::uint32_t card_shift;
  std::uint32_t flags;  ///< of kMarks and so on
  std::array<std::byte, 32> module_hash;
  std::array<char, 16> producer;  ///< Anew's version; for people
  std::array<char, 12> tier;      ///< codegen::to_string(Tier), then zeros
  std::int32_t kept_cell;         ///< codegen::FrameLayout
  Range text;
  Range functions;
  Range thunks;
  Range position_starts;
  Range positions;
  Range call_sites;
  Range try_blocks;
  Range handlers;
  Range roots;
  Range optimized;
  Range optimized_positions;
  Range module;
  std::array<std::uint8_t, 16> content_hash;  ///< XXH3-128, canonical form, of all bytes of the file but these
};
[[nodiscard]] inline std::optional<codegen::Tier> tier_of(const Meta& meta) noexcept {
  const std::string_view field(meta.tier.data(), meta.tier.size());
  return codegen::tier_named(field.substr(0, field.find('\0')));
}
// No padding: every byte of the file has a meaning, and none is left to chance.
static_assert(std::has_unique_object_representations_v<Meta>);

inline constexpr std::array<char, 8> kMetaMagic = {'A', 'N', 'E', 'W', 'C', 'O', 'D', 'E'};
/// Behind the ELF header and the one program header, rounded up.
inline constexpr std::uint64_t kMetaOffset = 128;
static_assert(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) <= kMetaOffset);
inline constexpr std::uint64_t kHashOffset = kMetaOffset + offsetof(Meta, content_hash);
inline constexpr std::uint64_t kHeadBytes = kMetaOffset + sizeof(Meta);
inline constexpr std::uint64_t kTextAlignment = 4096;

}  // namespace anew::artifact
