// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "abi/processor.hpp"
#include "artifact/artifact.hpp"
#include "artifact/code_version.hpp"
#include "artifact/content_hash.hpp"
#include "artifact/format.hpp"
#include "os/try.hpp"
#include "os/virtual_memory.hpp"
#include "wasm/decoder.hpp"

namespace anew::artifact {
namespace {

/// Every refusal says which file, why, and what to do.
class Refusal {
 public:
  explicit Refusal(const os::File& file) : path_(file.path().string()) {}
  [[nodiscard]] std::unexpected<Error> operator()(const std::string& reason) const {
    return fail(ErrorCode::kArtifact, fmt::format("{} is not used: {}; compile the module again", path_, reason));
  }

 private:
  std::string path_;
};

/// Who may have written the file. @return its size.
Result<std::uint64_t> check_owner(const os::File& file, const Refusal& refuse) {
  const auto status = TRY(file.status());
  if (status.kind != os::FileStatus::Kind::kRegular) return refuse("it is not a regular file");
  if (!status.owned_by_user && !status.owned_by_root)
    return refuse("another user owns it, and compiled code is run as it is");
  if (status.writable_by_others) {
    return refuse(
        "its group or others may write to it, and compiled code is run as it is (`chmod go-w` it if you trust it)");
  }
  if (status.bytes < kHeadBytes)
    return refuse(fmt::format("it is truncated: {} bytes are too few for a compiled module", status.bytes));
  return status.bytes;
}

/// What the head says of its origin. @param bytes  the file's size.
Result<void> check_origin(const Meta& meta, std::uint64_t bytes, const Refusal& refuse) {
  if (meta.magic != kMetaMagic) return refuse("it is an ELF file, but not a compiled module of Anew");
  if (meta.format_version != kFormatVersion) {
    return refuse(
        fmt::format("it has format version {}, and this Anew reads version {}", meta.format_version, kFormatVersion));
  }
  if (meta.abi_version != abi::kAbiVersion) {
    return refuse(
        fmt::format("its code has ABI version {}, and this Anew runs version {}", meta.abi_version, abi::kAbiVersion));
  }
  if (meta.code_version != kCodeVersion)
    return refuse("it was made by another build of Anew, whose code generator differs");
  if (meta.file_bytes != bytes) {
    return refuse(fmt::format("it is {}: {} bytes instead of {}", bytes < meta.file_bytes ? "truncated" : "too long",
                              bytes, meta.file_bytes));
  }
  if (const std::uint64_t missing = meta.cpu_features & ~abi::processor_features(); missing != 0) {
    return refuse(
        fmt::format("its code needs processor features that this machine lacks: {}", abi::feature_names(missing)));
  }
  return {};
}

/// Whether a frame may have a slot there: near the frame pointer, and not where the frame leads to its caller's.
constexpr bool is_slot(std::int32_t displacement) noexcept {
  constexpr std::int32_t kFarthest = 4096;
  return displacement % 8 == 0 && displacement >= -kFarthest && displacement <= kFarthest &&
         (displacement < 0 || displacement >= static_cast<std::int32_t>(abi::kFrameBytes));
}

Result<void> check_expectation(const Meta& meta, const Expectation& expectation, const Refusal& refuse) {
  if (expectation.hash && *expectation.hash != meta.module_hash) return refuse("it was compiled from another module");
  if (meta.card_shift < abi::kMinimumCardShift || meta.card_shift > abi::kMaximumCardShift ||
      (meta.flags & ~kAllFlags) != 0 || (meta.features & ~std::uint64_t{Features::every().bits()}) != 0 ||
      !tier_of(meta)) {
    return refuse("its options have values that no Anew writes");
  }
  if (!is_slot(meta.kept_cell)) return refuse("its frames are laid out as no Anew lays them out");
  if (expectation.tier && expectation.tier != tier_of(meta)) {
    return refuse(fmt::format("another code generator made its code, and \"{}\" is asked for",
                              codegen::to_string(*expectation.tier)));
  }
  if (expectation.card_shift && *expectation.card_shift != meta.card_shift) {
    return refuse(fmt::format("its code marks cards of {} bytes, and {} are asked for", 1u << meta.card_shift,
                              1u << *expectation.card_shift));
  }
  struct Option {
    std::optional<bool> wanted;
    std::uint32_t flag;
    const char* has;
    const char* lacks;
  };
  const Option options[] = {
      {expectation.marks, kMarks, "its code marks what it writes, and code without marks is asked for",
       "its code does not mark what it writes, and code with marks is asked for"},
      {expectation.explicit_bounds, kExplicitBounds,
       "its code compares every address with the memory's size, and code that does not is asked for",
       "its code does not compare every address with the memory's size, and code that does is asked for"},
      {expectation.fuel, kFuel, "its code counts fuel, and code that does not is asked for",
       "its code counts no fuel, and code that does is asked for"},
      {expectation.canonical_nan, kCanonicalNan, "its code makes NaNs canonical, and code that does not is asked for",
       "its code does not make NaNs canonical, and code that does is asked for"},
      {expectation.metered_stack, kMeteredStack,
       "its code counts how deep calls nest, and code that does not is asked for",
       "its code does not count how deep calls nest, and code that does is asked for"},
      {expectation.foreign_memory, kForeignMemory,
       "its code is for a memory of another instance's, and code for the instance's own is asked for",
       "its code is for the instance's own memory, and code for another instance's is asked for"},
  };
  for (const Option& option : options) {
    const bool found = (meta.flags & option.flag) != 0;
    if (option.wanted.value_or(found) != found) return refuse(found ? option.has : option.lacks);
  }
  return {};
}

constexpr bool lies_within(const Range& range, std::uint64_t begin, std::uint64_t end) noexcept {
  // `begin <= end` in every call; compared so that no sum can overflow.
  return range.offset >= begin && range.offset <= end && range.bytes <= end - range.offset;
}

constexpr std::uint64_t to_pages(std::uint64_t bytes) noexcept {
  return (bytes + os::kPageBytes - 1) / os::kPageBytes * os::kPageBytes;
}

/// Where the sections lie: data between the head and the text, the text in the file's last pages.
bool ranges_fit(const Meta& meta, std::uint64_t bytes) noexcept {
  if (meta.text.offset % os::kPageBytes != 0 || bytes % os::kPageBytes != 0 ||
      !lies_within(meta.text, kHeadBytes, bytes) || meta.text.offset + to_pages(meta.text.bytes) != bytes) {
    return false;
  }
  const auto table_fits = [&meta](const Range& table, std::uint64_t entry_bytes) {
    return table.offset % alignof(std::uint32_t) == 0 && table.bytes % entry_bytes == 0 &&
           lies_within(table, kHeadBytes, meta.text.offset);
  };
  for (const Range& table : {meta.functions, meta.thunks, meta.position_starts})
    if (!table_fits(table, sizeof(std::uint32_t))) return false;
  if (!table_fits(meta.call_sites, sizeof(codegen::CallSite)) ||
      !table_fits(meta.try_blocks, sizeof(codegen::TryBlock)) || !table_fits(meta.handlers, sizeof(codegen::Handler)) ||
      !table_fits(meta.roots, sizeof(codegen::Roots)) ||
      !table_fits(meta.optimized, sizeof(codegen::OptimizedFunction))) {
    return false;
  }
  return lies_within(meta.positions, kHeadBytes, meta.text.offset) &&
         lies_within(meta.optimized_positions, kHeadBytes, meta.text.offset) &&
         lies_within(meta.module, kHeadBytes, meta.text.offset);
}

std::array<std::uint8_t, 16> hash_mapped(std::span<const std::byte> data, std::span<const std::byte> text_pages) {
  ContentHasher hasher;
  hasher.add(data.first(kHashOffset));
  hasher.add(data.subspan(kHeadBytes));
  hasher.add(text_pages);
  return hasher.finish();
}

/// Whether the tables belong to the module and point into the text.
bool tables_fit(const codegen::ImageView& image, const wasm::Module& module) noexcept {
  const auto inside = [&image](std::uint32_t offset) { return offset < image.text.size(); };
  return image.functions.size() == module.functions.size() && image.thunks.size() == module.types.size() &&
         image.position_starts.size() == std::size_t{module.defined_functions()} + 1 &&
         std::ranges::all_of(image.functions, inside) && std::ranges::all_of(image.thunks, inside) &&
         std::ranges::is_sorted(image.position_starts) && image.position_starts.back() <= image.positions.size();
}

/// Whether what unwinding follows ends, and inside the text: call sites in order, try_blocks that lead outwards only.
bool try_tables_fit(const codegen::ImageView& image, const wasm::Module& module) noexcept {
  std::uint32_t last = 0;
  for (const codegen::CallSite& site : image.call_sites) {
    // A return address may lie at the text's end: that of a call which does not return.
    if (site.return_offset <= last || site.return_offset > image.text.size() ||
        (site.try_block != codegen::kNoTryBlock && site.try_block >= image.try_blocks.size()) ||
        (site.roots != codegen::kNoRoots && site.roots >= image.roots.size())) {
      return false;
    }
    last = site.return_offset;
  }
  for (std::size_t i = 0; i < image.try_blocks.size(); ++i) {
    const codegen::TryBlock& block = image.try_blocks[i];
    if ((block.outer != codegen::kNoTryBlock && block.outer >= i) || block.first_handler > image.handlers.size() ||
        block.handlers > image.handlers.size() - block.first_handler) {
      return false;
    }
  }
  for (std::size_t i = 0; i < image.roots.size(); ++i)  // where they point is checked when they are followed
    if (image.roots[i].next != codegen::kNoRoots && image.roots[i].next >= i) return false;
  return std::ranges::all_of(image.handlers, [&](const codegen::Handler& handler) {
    const bool has_tag = handler.kind == wasm::CatchKind::kCatch || handler.kind == wasm::CatchKind::kCatchRef;
    return handler.kind <= wasm::CatchKind::kCatchAllRef && handler.offset < image.text.size() &&
           (!has_tag || handler.tag < module.tags.size());
  });
}

/// Whether optimized functions are some of the module's, in the order of their offsets and of their positions.
bool optimized_fit(const codegen::ImageView& image, const wasm::Module& module) noexcept {
  const codegen::OptimizedFunction* last = nullptr;
  for (const codegen::OptimizedFunction& each : image.optimized) {
    if (each.function < module.imported_functions || each.function >= module.functions.size() ||
        each.offset >= image.text.size() || each.positions > image.optimized_positions.size() ||
        each.offset <= (last != nullptr ? last->offset : image.functions.back()) ||
        (last != nullptr && each.positions < last->positions)) {
      return false;
    }
    last = &each;
  }
  return true;
}

static_assert(alignof(codegen::OptimizedFunction) == alignof(std::uint32_t));
static_assert(alignof(codegen::CallSite) == alignof(std::uint32_t) &&
              alignof(codegen::TryBlock) == alignof(std::uint32_t) &&
              alignof(codegen::Handler) == alignof(std::uint32_t) && alignof(codegen::Roots) == alignof(std::uint32_t));

}  // namespace

bool has_elf_magic(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= SELFMAG && std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0;
}

Result<Loaded> read(const os::File& file, const Expectation& expectation) {
  const Refusal refuse(file);
  const auto bytes = TRY(check_owner(file, refuse));
  // The head first, through the descriptor: it says how much to map as what.
  Meta meta;
  std::array<std::byte, kHeadBytes> head;
  TRY(file.read_at(0, head));
  if (!has_elf_magic(head)) return refuse("it is not an ELF file");
  std::memcpy(&meta, head.data() + kMetaOffset, sizeof meta);
  TRY(check_origin(meta, bytes, refuse));
  TRY(check_expectation(meta, expectation, refuse));
  if (!ranges_fit(meta, bytes)) return refuse("its sections do not fit the file");

  // Mapped privately and never written. From here on only mapped bytes count: the head is compared with its mapping by
  // way of the hash.
  auto data = TRY(os::Mapping::reserve(meta.text.offset));
  TRY(os::map_file_over(data.data(), data.size(), file.descriptor(), 0, os::Access::kRead));
  const std::span<const std::byte> mapped(data.data(), data.size());
  auto code = TRY(codegen::CodeMemory::from_file(file.descriptor(), meta.text.offset, meta.text.bytes,
                                                 meta.functions.bytes / sizeof(std::uint32_t), expectation.spare));
  if (std::memcmp(mapped.data(), head.data(), head.size()) != 0 ||
      hash_mapped(mapped, code.text_pages()) != meta.content_hash) {
    return refuse("it was altered or damaged: its hash does not match its content");
  }

  const auto bytes_of = [&mapped](const Range& range) { return mapped.subspan(range.offset, range.bytes); };
  // Aligned and inside the mapping by ranges_fit; the bytes of the file stand for integers, or structures of integers
  // without padding, in this byte order.
  const auto entries_of = [&mapped]<typename T>(const Range& range, std::type_identity<T>) {
    return std::span(reinterpret_cast<const T*>(mapped.data() + range.offset), range.bytes / sizeof(T));
  };
  const auto words_of = [&](const Range& range) { return entries_of(range, std::type_identity<std::uint32_t>()); };
  Loaded loaded;
  loaded.binary = bytes_of(meta.module);
  auto module = wasm::decode_module(loaded.binary);
  if (!module) return refuse("the module in it does not decode: " + module.error().message);
  auto layout = TRY(abi::CellLayout::of(*module, meta.card_shift, (meta.flags & kForeignMemory) != 0));
  module->features = module->features.with(Features::from_bits(static_cast<std::uint32_t>(meta.features)));
  loaded.hash = meta.module_hash;
  loaded.options = {.tier = *tier_of(meta),
                    .card_shift = meta.card_shift,
                    .marks = (meta.flags & kMarks) != 0,
                    .foreign_memory = (meta.flags & kForeignMemory) != 0,
                    .explicit_bounds = (meta.flags & kExplicitBounds) != 0,
                    .fuel = (meta.flags & kFuel) != 0,
                    .canonical_nan = (meta.flags & kCanonicalNan) != 0,
                    .metered_stack = (meta.flags & kMeteredStack) != 0};
  loaded.module = std::move(*module);
  loaded.layout = std::move(layout);
  loaded.image = {.text = code.text(),
                  .frames = {.kept_cell = meta.kept_cell},
                  .functions = words_of(meta.functions),
                  .thunks = words_of(meta.thunks),
                  .position_starts = words_of(meta.position_starts),
                  .positions = bytes_of(meta.positions),
                  .call_sites = entries_of(meta.call_sites, std::type_identity<codegen::CallSite>()),
                  .try_blocks = entries_of(meta.try_blocks, std::type_identity<codegen::TryBlock>()),
                  .handlers = entries_of(meta.handlers, std::type_identity<codegen::Handler>()),
                  .roots = entries_of(meta.roots, std::type_identity<codegen::Roots>()),
                  .optimized = entries_of(meta.optimized, std::type_identity<codegen::OptimizedFunction>()),
                  .optimized_positions = bytes_of(meta.optimized_positions)};
  if (!tables_fit(loaded.image, loaded.module) || !try_tables_fit(loaded.image, loaded.module) ||
      !optimized_fit(loaded.image, loaded.module))
    return refuse("its tables do not fit the module in it");
  loaded.code = std::move(code);
  loaded.code.fill_entries(loaded.image);
  loaded.owner = std::make_shared<const os::Mapping>(std::move(data));
  return loaded;
}

}  // namespace anew::artifact
