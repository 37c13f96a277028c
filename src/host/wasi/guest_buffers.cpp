// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/guest_buffers.hpp"

#include <algorithm>
#include <cstring>

namespace anew::wasi::detail {
namespace {

/// `iovec` and `ciovec`.
struct GuestBuffer {
  std::uint32_t address;
  std::uint32_t length;
};
static_assert(sizeof(GuestBuffer) == 8);

constexpr std::uint64_t kMaximumBytes = 0x7FFF'F000;  // what Linux reads or writes at once

}  // namespace

Outcome<void> GuestBuffers::load(const MemoryView& memory, std::uint32_t address, std::uint32_t count) {
  if (count > kMaximum) return fail(Errno::kInval);
  const auto list = memory.read(address, std::uint64_t{count} * sizeof(GuestBuffer));
  if (!list) return fail(Errno::kFault);
  for (std::uint32_t i = 0; i < count; ++i) {
    GuestBuffer buffer;
    std::memcpy(&buffer, &(*list)[i * sizeof(GuestBuffer)], sizeof(buffer));
    const auto bytes = memory.read(buffer.address, buffer.length);
    if (!bytes) return fail(Errno::kFault);
    const std::uint64_t length = std::min<std::uint64_t>(buffer.length, kMaximumBytes - bytes_);
    if (length == 0) continue;
    // The view lends memory for writing only with marks. How much will be written is known afterwards; mark() sees to
    // it.
    buffers_[count_++] = {const_cast<std::byte*>(bytes->data()), length};
    bytes_ += length;
  }
  return {};
}

void GuestBuffers::limit(std::uint64_t bytes) noexcept {
  if (bytes >= bytes_) return;
  bytes_ = bytes;
  std::size_t end = first_;
  for (; bytes > 0; ++end) {
    buffers_[end].size = std::min<std::size_t>(buffers_[end].size, bytes);
    bytes -= buffers_[end].size;
  }
  count_ = end;
}

void GuestBuffers::skip(std::uint64_t bytes) noexcept {
  bytes_ -= bytes;
  while (bytes > 0) {
    os::Buffer& buffer = buffers_[first_];
    const std::size_t skipped = std::min<std::size_t>(buffer.size, bytes);
    buffer.data += skipped;
    buffer.size -= skipped;
    bytes -= skipped;
    if (buffer.size == 0) ++first_;
  }
}

void GuestBuffers::mark(MemoryView& memory, std::uint64_t bytes) const {
  const std::byte* const base = memory.read(0, 0)->data();  // always inside
  for (const os::Buffer& buffer : all()) {
    const std::uint64_t count = std::min<std::uint64_t>(buffer.size, bytes);
    if (count == 0) break;
    // load() found it inside, and a memory does not shrink.
    (void)memory.write(static_cast<std::uint64_t>(buffer.data - base), count);
    bytes -= count;
  }
}

}  // namespace anew::wasi::detail
