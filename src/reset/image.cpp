// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <bit>
#include <cstring>

#include "os/try.hpp"
#include "reset/snapshot.hpp"

namespace anew::reset {
namespace {

/// Images with more pages than this that are not zero are mapped copy-on-write, so that idle instances share them and
/// making one copies nothing. Below it the page faults of the mapping cost more than the copy.
constexpr std::uint64_t kMaximumCopiedPages = 16;

bool is_zero_page(const std::byte* page) noexcept {
  // A page is equal to itself moved by one byte only if all its bytes are the same.
  return page[0] == std::byte{0} && std::memcmp(page, page + 1, os::kPageBytes - 1) == 0;
}

}  // namespace

void TableImage::set(std::uint64_t index, std::uint64_t element) {
  if (element == 0) return;
  if (starts.empty()) starts.assign(abi::table_cards(size), kNull);
  std::uint32_t& start = starts[index >> abi::kTableCardShift];
  if (start == kNull) {
    start = static_cast<std::uint32_t>(elements.size());  // at most limits::kTableElements, and less than a card more
    elements.resize(elements.size() + abi::kTableCardElements);
  }
  elements[start + index % abi::kTableCardElements] = element;
}

bool should_map(Ledger ledger, const MemoryImage& image) noexcept {
  if (image.nonzero_count == 0) return false;
  // The other ledgers take every page that the cell has of its own for written.
  return ledger != Ledger::kCards || image.nonzero_count > kMaximumCopiedPages;
}

Result<ImageWriter> ImageWriter::create(std::uint64_t bytes) {
  ImageWriter writer;
  MemoryImage& image = writer.image_;
  image.bytes = bytes;
  if (bytes == 0) return writer;
  auto file = TRY(os::MemoryFile::create(bytes));
  image.file = std::move(file);
  image.nonzero_pages.resize((bytes / os::kPageBytes + 63) / 64);
  return writer;
}

void ImageWriter::add(std::uint64_t page, const std::byte* content) noexcept {
  if (image_.is_nonzero(page) || is_zero_page(content)) return;
  std::memcpy(image_.file.data() + page * os::kPageBytes, content, os::kPageBytes);
  image_.nonzero_pages[page / 64] |= std::uint64_t{1} << (page % 64);
  ++image_.nonzero_count;
}

Result<MemoryImage> ImageWriter::finish(std::optional<Ledger> ledger) {
  std::uint64_t end_page = 0;
  for (std::size_t i = image_.nonzero_pages.size(); i > 0 && end_page == 0; --i)
    if (image_.nonzero_pages[i - 1] != 0)
      end_page = 64 * i - static_cast<unsigned>(std::countl_zero(image_.nonzero_pages[i - 1]));
  if (end_page != 0) {
    TRY(image_.file.seal());
    auto pages = TRY(image_.file.map(end_page * os::kPageBytes));
    image_.pages = std::move(pages);
  }
  // The mapping keeps the file's content; a descriptor that nobody maps from is only one fewer for others.
  if (!ledger || !should_map(*ledger, image_)) image_.file = os::MemoryFile();
  return std::move(image_);
}

}  // namespace anew::reset
