// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/instance_state.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace anew::substrate {

static_assert(std::endian::native == std::endian::little,
              "guest memory is little-endian; headers are copied as they are");

std::optional<std::uint64_t> GuestHeapMemory::load_u64(std::uint64_t address) const {
  const auto value = memory_.load<std::uint64_t>(address);
  return value ? std::optional(*value) : std::nullopt;
}

bool GuestHeapMemory::store_u64(std::uint64_t address, std::uint64_t value) {
  return memory_.store(address, value).has_value();
}

Result<GuestSpan> copy_to_heap(InstanceState& state, MemoryView memory, std::initializer_list<BytesView> parts) {
  std::uint64_t size = 0;  // parts are in memory: the sum of a few sizes does not overflow
  for (const BytesView part : parts) size += part.size();
  // What does not fit in 32 bits is too large all the same.
  const auto clamped = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX));
  const auto address = state.heap.allocate(GuestHeapMemory(memory, state), clamped);
  if (!address) return std::unexpected(address.error());
  auto target = memory.write(*address, size);
  if (!target) return std::unexpected(std::move(target.error()));
  std::byte* place = target->data();
  for (const BytesView part : parts) {
    if (part.empty()) continue;
    std::memcpy(place, part.data(), part.size());
    place += part.size();
  }
  return GuestSpan{*address, clamped};
}

}  // namespace anew::substrate
