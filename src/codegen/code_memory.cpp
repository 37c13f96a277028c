// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/code_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "abi/processor.hpp"
#include "os/try.hpp"
#include "wasm/limits.hpp"

namespace anew::codegen {
namespace {

/// Offsets in the text are 32 bits wide.
constexpr std::uint64_t kMaximumTextBytes = 1ull << 32;

std::unexpected<Error> protection_refused() {
  return fail(ErrorCode::kResource,
              "the system refuses to make memory executable: a security policy (SELinux execmem, seccomp) forbids it, "
              "or the process has too many mappings (vm.max_map_count)");
}

}  // namespace

Result<CodeMemory> CodeMemory::reserve(std::uint64_t text_bytes, std::uint64_t functions) {
  if (text_bytes > kMaximumTextBytes || functions > wasm::limits::kFunctions + wasm::limits::kImports)
    return fail(ErrorCode::kLimit, "the compiled module is too large to map");
  const std::uint64_t entries = entries_bytes(functions);
  // At least a page, so that a module without any code is mapped like all others.
  auto mapping = TRY(os::Mapping::reserve(std::max(entries + to_pages(text_bytes), os::kPageBytes)));
  if (entries != 0 && !os::protect(mapping.data(), entries, os::Access::kReadWrite)) return protection_refused();
  CodeMemory memory;
  memory.text_ = mapping.data() + entries;  // inside: the reservation is at least as large
  memory.text_bytes_ = text_bytes;
  // Entry 0 is at text - entries_bytes(functions). Fresh pages, page-aligned: an array of pointers, all null.
  memory.entries_ = reinterpret_cast<void**>(mapping.data());
  memory.mapping_ = std::move(mapping);
  return memory;
}

Result<CodeMemory> CodeMemory::from_image(const ImageView& image) {
  auto builder = TRY(CodeMemoryBuilder::reserve(image.text.size(), image.functions.size()));
  auto room = TRY(builder.append(image.text.size()));
  std::ranges::copy(image.text, room.begin());
  return std::move(builder).finish(Spare::kNone);
}

Result<CodeMemoryBuilder> CodeMemoryBuilder::reserve(std::uint64_t most_text_bytes, std::uint64_t functions) {
  auto memory = TRY(CodeMemory::reserve(most_text_bytes, functions));
  CodeMemoryBuilder builder;
  builder.memory_ = std::move(memory);
  builder.memory_.text_bytes_ = 0;
  builder.entries_bytes_ = entries_bytes(functions);
  builder.reserved_ = CodeMemory::to_pages(most_text_bytes);
  return builder;
}

Result<std::span<std::byte>> CodeMemoryBuilder::append(std::uint64_t bytes) {
  constexpr std::uint64_t kStep = 1 << 20;  // made writable at once
  std::byte* const text = memory_.mapping_.data() + entries_bytes_;
  const std::uint64_t before = memory_.text_bytes_;
  const std::uint64_t begin = (before + abi::kCodeAlignment - 1) & ~(abi::kCodeAlignment - 1);
  if (begin > reserved_ || bytes > reserved_ - begin)
    return fail(ErrorCode::kLimit, fmt::format("the compiled module has over {} bytes of machine code", reserved_));
  const std::uint64_t end = begin + bytes;
  if (end > writable_) {
    const std::uint64_t grown = std::min(reserved_, CodeMemory::to_pages(end) + kStep);
    if (!os::protect(text + writable_, grown - writable_, os::Access::kReadWrite)) return protection_refused();
    writable_ = grown;
  }
  std::fill(text + before, text + begin, abi::kCodePadding);
  memory_.text_bytes_ = end;
  return std::span(text + begin, bytes);
}

Result<CodeMemory> CodeMemoryBuilder::finish(CodeMemory::Spare spare) && {
  const std::uint64_t pages = CodeMemory::to_pages(memory_.text_bytes_);
  // First writable, then executable, never both.
  if (pages != 0 && !os::protect(memory_.mapping_.data() + entries_bytes_, pages, os::Access::kReadExecute))
    return protection_refused();
  // What is kept is of what was reserved for code that did not come.
  const std::uint64_t kept = std::min(pages + CodeMemory::spare_bytes(memory_.text_bytes_, spare), reserved_);
  if (kept > pages && writable_ > pages &&
      !os::protect(memory_.mapping_.data() + entries_bytes_ + pages, writable_ - pages, os::Access::kNone)) {
    return protection_refused();
  }
  memory_.spare_begin_ = pages;
  memory_.spare_end_ = kept;
  memory_.mapping_.shrink(std::max(entries_bytes_ + kept, os::kPageBytes));
  return std::move(memory_);
}

Result<CodeMemory> CodeMemory::from_file(int file, std::uint64_t text_offset, std::uint64_t text_bytes,
                                         std::uint64_t functions, Spare spare) {
  // All of it within what a displacement spans.
  const std::uint64_t pages = to_pages(text_bytes);
  const std::uint64_t spare_pages =
      std::min(spare_bytes(text_bytes, spare), wasm::limits::kTextBytes - std::min(wasm::limits::kTextBytes, pages));
  auto memory = reserve(pages + spare_pages, functions);
  if (!memory) return memory;
  memory->text_bytes_ = text_bytes;
  memory->spare_begin_ = pages;
  memory->spare_end_ = pages + spare_pages;
  if (text_bytes == 0) return memory;
  std::byte* const text = memory->mapping_.data() + entries_bytes(functions);
  TRY(os::map_file_over(text, to_pages(text_bytes), file, text_offset, os::Access::kReadExecute));
  return memory;
}

void CodeMemory::fill_entries(const ImageView& image) noexcept {
  // An entry is a code address that only compiled code jumps to; nothing is ever written through it.
  for (std::size_t i = 0; i < image.functions.size(); ++i)
    entries_[i] = const_cast<std::byte*>(text_ + image.functions[i]);
  for (const OptimizedFunction& each : image.optimized)
    entries_[each.function] = const_cast<std::byte*>(text_ + each.offset);
}

Result<std::span<std::byte>> CodeMemory::open_spare(std::uint64_t bytes) {
  if (bytes > spare_end_ - spare_begin_) return fail(ErrorCode::kLimit, "there is no room left for optimized code");
  const std::uint64_t pages = to_pages(bytes);
  std::byte* const begin = mapping_.data() + (text_ - mapping_.data()) + spare_begin_;  // inside: compared above
  if (!os::protect(begin, pages, os::Access::kReadWrite)) return protection_refused();
  return std::span(begin, pages);
}

Result<void> CodeMemory::close_spare(std::span<std::byte> pages) {
  if (!os::protect(pages.data(), pages.size(), os::Access::kReadExecute)) return protection_refused();
  spare_begin_ += pages.size();
  return {};
}

void CodeMemory::set_entry(std::uint32_t function, std::uint64_t offset) noexcept {
  // Calls read it as they are: the processor writes 8 aligned bytes at once. As in fill_entries().
  std::atomic_ref(entries_[function]).store(const_cast<std::byte*>(text_ + offset), std::memory_order_release);
}

std::span<const std::byte> CodeMemory::text_pages() const noexcept { return {text_, to_pages(text_bytes_)}; }

}  // namespace anew::codegen
