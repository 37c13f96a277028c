// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host keeps of one instance of a runtime, and how it reads and writes that instance's heap.
#pragma once

#include <anew/error.hpp>
#include <anew/memory_view.hpp>
#include <anew/substrate/externalities.hpp>
#include <anew/substrate/types.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "host/substrate/freeing_bump_heap.hpp"

namespace anew::substrate {

static_assert(std::endian::native == std::endian::little,
              "guest memory is little-endian; the heap's headers are copied as they are");

/// The host state of a runtime's stores. The restore resets it with the memory, so the two always agree.
struct InstanceState {
  FreeingBumpHeap heap;
  std::uint64_t maximum_pages;          ///< that the heap may grow the memory to; 0: not at all
  Externalities::State* externalities;  ///< of the call that runs; null if it has none
  std::string panic;                    ///< what the call logged last at level error: its words if it panics

  void reset() noexcept {
    heap.reset();
    externalities = nullptr;
    panic.clear();
  }
};

/// Guest memory as the heap sees it, for one call of the heap: the guest does not run meanwhile, and the memory grows
/// only by this.
class GuestHeapMemory {
 public:
  GuestHeapMemory(MemoryView memory, const InstanceState& state) noexcept
      : memory_(memory), bytes_(all_of(memory)), maximum_pages_(state.maximum_pages) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::uint64_t maximum_pages() const noexcept { return maximum_pages_; }
  [[nodiscard]] bool grow(std::uint64_t pages) {
    if (!memory_.grow(pages)) return false;
    bytes_ = all_of(memory_);
    return true;
  }
  [[nodiscard]] std::optional<std::uint64_t> load_u64(std::uint64_t address) const noexcept {
    std::uint64_t value = 0;
    if (bytes_.size() < sizeof(value) || address > bytes_.size() - sizeof(value)) return std::nullopt;
    std::memcpy(&value, &bytes_[address], sizeof(value));
    return value;
  }
  [[nodiscard]] bool store_u64(std::uint64_t address, std::uint64_t value) {
    return memory_.store(address, value).has_value();
  }

 private:
  [[nodiscard]] static std::span<const std::byte> all_of(const MemoryView& memory) noexcept {
    return *memory.read(0, memory.size());  // that is always inside
  }

  MemoryView memory_;
  std::span<const std::byte> bytes_;
  std::uint64_t maximum_pages_;
};

/// A stretch of guest memory as the API passes it in an i64: address in the low half, length in the high half.
struct GuestSpan {
  std::uint32_t address;
  std::uint32_t length;
  [[nodiscard]] static constexpr GuestSpan unpack(std::uint64_t packed) noexcept {
    return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};  // the two halves
  }
  [[nodiscard]] constexpr std::uint64_t pack() const noexcept { return std::uint64_t{length} << 32 | address; }
};

/// Copies bytes, part after part, into a new block of the guest's heap. @return where they lie.
[[nodiscard]] Result<GuestSpan> copy_to_heap(InstanceState& state, const MemoryView& memory,
                                             std::initializer_list<BytesView> parts);

}  // namespace anew::substrate
