// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/freeing_bump_heap.hpp"

#include <fmt/format.h>

namespace anew::substrate {

std::unexpected<Error> FreeingBumpHeap::fail_shrunk() {
  return fail(ErrorCode::kHost, "heap allocator: the memory shrank since the last call");
}

std::unexpected<Error> FreeingBumpHeap::fail_poisoned() {
  return fail(ErrorCode::kHost, "heap allocator: poisoned by an earlier error");
}

std::unexpected<Error> FreeingBumpHeap::fail_too_large(std::uint32_t size) {
  return fail(ErrorCode::kHost,
              fmt::format("heap allocator: {} bytes requested, the most is {}", size, kMaximumPayload));
}

std::unexpected<Error> FreeingBumpHeap::fail_full(std::uint32_t size, std::uint64_t memory_bytes) const {
  return fail(ErrorCode::kHost, fmt::format("heap allocator: out of space for {} bytes: {} of {} bytes of memory are "
                                            "used; give the runtime more heap pages",
                                            size, bumper_, memory_bytes));
}

std::unexpected<Error> FreeingBumpHeap::fail_corrupt(const char* what, std::uint64_t address) {
  return fail(ErrorCode::kHost, fmt::format("heap allocator: {} (address {:#x})", what, address));
}

}  // namespace anew::substrate
