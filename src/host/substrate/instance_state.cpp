// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/instance_state.hpp"

#include <algorithm>
#include <cstring>

#include "os/try.hpp"

namespace anew::substrate {

Result<GuestSpan> copy_to_heap(InstanceState& state, const MemoryView& memory, std::initializer_list<BytesView> parts) {
  std::uint64_t size = 0;  // parts are in memory: the sum of a few sizes does not overflow
  for (const BytesView part : parts) size += part.size();
  // What does not fit in 32 bits is too large all the same.
  const auto clamped = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX));
  const auto address = TRY(state.heap.allocate(GuestHeapMemory(memory, state), clamped));
  auto target = TRY(MemoryView(memory).write(address, size));
  std::byte* place = target.data();
  for (const BytesView part : parts) {
    if (part.empty()) continue;
    std::memcpy(place, part.data(), part.size());
    place += part.size();
  }
  return GuestSpan{address, clamped};
}

}  // namespace anew::substrate
