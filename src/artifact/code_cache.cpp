// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "artifact/code_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "abi/processor.hpp"
#include "artifact/code_version.hpp"
#include "artifact/content_hash.hpp"
#include "artifact/format.hpp"
#include "os/environment.hpp"
#include "os/try.hpp"

namespace anew::artifact {
namespace {

constexpr std::string_view kSuffix = ".anew";
constexpr std::size_t kHashDigits = 2 * std::tuple_size_v<Hash>;
constexpr unsigned kFileMode = 0600;
/// A temporary file this old belongs to no writer that is still at work.
constexpr std::chrono::hours kAbandonedAfter{1};

std::string to_hexadecimal(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

bool is_artifact(const os::Directory::Entry& entry) {
  return entry.status.kind == os::FileStatus::Kind::kRegular && entry.name.ends_with(kSuffix) &&
         entry.name.size() > kHashDigits && entry.name[kHashDigits] == '-' &&
         entry.name.find_first_not_of("0123456789abcdef") == kHashDigits;  // others may stand in the directory
}

bool is_temporary(const os::Directory::Entry& entry) {
  return entry.status.kind == os::FileStatus::Kind::kRegular && entry.name.starts_with(os::kTemporaryPrefix);
}

Expectation expectation_of(const CacheKey& key) {
  Expectation expectation{.hash = key.hash,
                          .tier = key.tier,
                          .card_shift = std::nullopt,
                          .marks = has_marks(key.options.ledger),
                          .explicit_bounds = key.options.explicit_bounds,
                          .fuel = key.options.fuel,
                          .canonical_nan = key.options.canonical_nan,
                          .metered_stack = key.options.stack_limit != 0,
                          .foreign_memory = key.foreign_memory,
                          .spare = spare_of(key.options)};
  if (key.options.card_bytes != 0)
    expectation.card_shift = static_cast<std::uint32_t>(std::countr_zero(key.options.card_bytes));  // below 32
  return expectation;
}

/// What an artifact says that its code was made with, for people: nothing else of it is looked at. Nothing, if it is of
/// another format or ABI, or cannot be read.
void read_options(const os::File& file, CacheEntry& entry) {
  Meta meta;
  // Any bytes are a Meta: it has no padding, and all of its members may have any value.
  if (!file.read_at(kMetaOffset, std::as_writable_bytes(std::span(&meta, 1)))) return;
  if (meta.magic != kMetaMagic || meta.format_version != kFormatVersion || meta.abi_version != abi::kAbiVersion ||
      meta.card_shift > abi::kMaximumCardShift || !tier_of(meta)) {
    return;
  }
  entry.options = codegen::Options{.tier = *tier_of(meta),
                                   .card_shift = meta.card_shift,
                                   .marks = (meta.flags & kMarks) != 0,
                                   .foreign_memory = (meta.flags & kForeignMemory) != 0,
                                   .explicit_bounds = (meta.flags & kExplicitBounds) != 0,
                                   .fuel = (meta.flags & kFuel) != 0,
                                   .canonical_nan = (meta.flags & kCanonicalNan) != 0,
                                   .metered_stack = (meta.flags & kMeteredStack) != 0};
  entry.optimized = meta.optimized.bytes / sizeof(codegen::OptimizedFunction);
}

/// Removes the least recently used artifacts until at most `limit` bytes are left, but never `keep`; and what crashed
/// writers left behind. Other processes may do the same at the same time: what is gone is gone.
Result<void> evict(const os::Directory& directory, const std::string& keep, std::uint64_t limit) {
  auto entries = TRY(directory.list());
  const auto now = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  std::uint64_t bytes = 0;
  std::vector<const os::Directory::Entry*> artifacts;
  for (const os::Directory::Entry& entry : entries) {
    if (is_artifact(entry)) {
      bytes += entry.status.bytes;
      artifacts.push_back(&entry);
    } else if (is_temporary(entry) && now - entry.status.modified > kAbandonedAfter) {
      (void)directory.remove(entry.name);  // if it cannot be removed now, a later store tries again
    }
  }
  std::ranges::sort(artifacts, {}, [](const os::Directory::Entry* entry) { return entry->status.modified; });
  for (const os::Directory::Entry* entry : artifacts) {
    if (bytes <= limit) break;
    if (entry->name != keep) {
      (void)TRY(directory.remove(entry->name));  // another process may have been first
      bytes -= entry->status.bytes;
    }
  }
  return {};
}

}  // namespace

std::string file_name(const CacheKey& key) {
  const std::string rest = fmt::format(
      "{} format {} abi {} code {:x} cpu {:x} tier {} card {} marks {} bounds {} fuel {} nan {} stack {} foreign {}",
      ANEW_VERSION_STRING, kFormatVersion, abi::kAbiVersion, kCodeVersion, abi::processor_features(),
      codegen::to_string(key.tier), key.options.card_bytes, has_marks(key.options.ledger), key.options.explicit_bounds,
      key.options.fuel, key.options.canonical_nan, key.options.stack_limit != 0, key.foreign_memory);
  ContentHasher hasher;
  hasher.add(std::as_bytes(std::span(rest)));
  const auto rest_hash = hasher.finish();
  return fmt::format("{}-{}{}", to_hexadecimal(key.hash), to_hexadecimal(std::as_bytes(std::span(rest_hash))), kSuffix);
}

Result<std::filesystem::path> CodeCache::locate(const std::filesystem::path& directory) {
  if (!directory.empty()) return directory;
  if (auto named = os::environment("ANEW_CACHE_DIR")) return std::filesystem::path(*std::move(named));
  if (auto home = os::user_cache_home()) return *home / "anew";
  return fail(ErrorCode::kIo, "there is no place for the code cache: set ANEW_CACHE_DIR, XDG_CACHE_HOME or HOME");
}

Result<CodeCache> CodeCache::open(const std::filesystem::path& directory) {
  const auto path = TRY(locate(directory));
  auto opened = os::Directory::open(path);
  if (!opened && opened.error().code == ErrorCode::kNotFound) {
    TRY(os::make_private_directory(path));
    opened = os::Directory::open(path);
  }
  if (!opened) return std::unexpected(std::move(opened.error()));
  const auto status = TRY(opened->status());
  // Whoever may write to the directory may put other code into it.
  if (!status.owned_by_user) {
    return fail(ErrorCode::kIo, fmt::format("the code cache {} belongs to another user: set ANEW_CACHE_DIR to a "
                                            "directory of your own",
                                            path.string()));
  }
  if (status.writable_by_others) {
    return fail(ErrorCode::kIo, fmt::format("others may write to the code cache {}: `chmod go-w` it, or set "
                                            "ANEW_CACHE_DIR to a private directory",
                                            path.string()));
  }
  return CodeCache(std::move(*opened));
}

Result<std::optional<Loaded>> CodeCache::find(const CacheKey& key) const {
  auto file = directory_.open_file(file_name(key));
  if (!file) {
    if (file.error().code == ErrorCode::kNotFound) return std::nullopt;
    return std::unexpected(std::move(file.error()));
  }
  auto loaded = TRY(read(*file, expectation_of(key)));
  if (key.options.card_bytes == 0 && loaded.options.card_shift != abi::default_card_shift(loaded.module)) {
    return fail(ErrorCode::kArtifact,
                fmt::format("{} is not used: it has another card size than its module", file->path().string()));
  }
  file->touch();  // a read-only cache works too, only without an order of use
  return std::optional<Loaded>(std::move(loaded));
}

Result<void> CodeCache::store(const CacheKey& key, const Encoded& artifact, std::uint64_t limit) const {
  if (artifact.bytes() > limit) {
    return fail(ErrorCode::kLimit, fmt::format("the compiled module has {} bytes and the code cache may hold {}: raise "
                                               "EngineOptions::cache_bytes",
                                               artifact.bytes(), limit));
  }
  const std::string name = file_name(key);
  if (auto written = directory_.write(name, artifact.pieces(), kFileMode); !written) return written;
  return evict(directory_, name, limit);
}

Result<std::vector<CacheEntry>> CodeCache::list() const {
  auto entries = TRY(directory_.list());
  std::vector<CacheEntry> artifacts;
  for (os::Directory::Entry& entry : entries) {
    if (is_artifact(entry)) {
      std::string module = entry.name.substr(0, kHashDigits);
      const auto file = directory_.open_file(entry.name);
      CacheEntry& listed = artifacts.emplace_back();
      if (file) read_options(*file, listed);
      listed.name = std::move(entry.name);
      listed.module = std::move(module);
      listed.bytes = entry.status.bytes;
      listed.used = entry.status.modified;
    }
  }
  std::ranges::sort(artifacts, std::ranges::greater(), &CacheEntry::used);
  return artifacts;
}

Result<std::uint64_t> CodeCache::clear() const {
  auto entries = TRY(directory_.list());
  std::uint64_t bytes = 0;
  for (const os::Directory::Entry& entry : entries) {
    if (!is_artifact(entry) && !is_temporary(entry)) continue;  // nothing of ours
    auto removed = TRY(directory_.remove(entry.name));
    bytes += removed ? entry.status.bytes : 0;
  }
  return bytes;
}

}  // namespace anew::artifact
