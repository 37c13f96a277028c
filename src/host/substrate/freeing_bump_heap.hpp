// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The heap allocator that Substrate's host keeps for a runtime ("freeing-bump"). Its addresses are part of what a
// runtime sees, so they must be Substrate's to the byte; polkadot-sdk, substrate/client/allocator, is the reference.
//
//   heap base, aligned up to 8                 bumper
//   | header 8 | payload 2^n | header 8 | ... |  never handed out yet
//
// A payload is 8 bytes << order, up to 32 MiB. A freed block goes to the list of its order and serves the next request
// of that order, last freed first; if there is none, the bumper moves. Blocks are never split, joined or given back.
// The headers lie in guest memory, where the guest can write them, so nothing read from there is trusted:
//
//   occupied   1 << 32 | order
//   free       address of the next free block's header, or 2^32 - 1 for the last
//
// After an error the allocator is poisoned: all that follows fails too, as in Substrate.
#pragma once

#include <anew/error.hpp>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>

namespace anew::substrate {

/// The guest memory as the allocator needs it. load_u64 returns nothing, store_u64 and grow false, if it cannot be.
template <typename M>
concept HeapMemory = requires(M memory, std::uint64_t address, std::uint64_t value) {
  { memory.size() } -> std::same_as<std::uint64_t>;           // in bytes
  { memory.maximum_pages() } -> std::same_as<std::uint64_t>;  // that the memory may grow to
  { memory.grow(value) } -> std::same_as<bool>;               // by Wasm pages
  { memory.load_u64(address) } -> std::same_as<std::optional<std::uint64_t>>;
  { memory.store_u64(address, value) } -> std::same_as<bool>;
};

class FreeingBumpHeap {
 public:
  static constexpr std::uint32_t kHeaderBytes = 8;
  static constexpr std::uint32_t kMinimumPayload = 8;
  static constexpr std::uint32_t kMaximumPayload = 32u << 20;
  static constexpr std::uint32_t kOrders = 23;  // 8 bytes << 22 == 32 MiB
  static constexpr std::uint64_t kPageBytes = 65'536;

  /// @param heap_base  where the heap begins; aligned up here.
  explicit FreeingBumpHeap(std::uint32_t heap_base) noexcept
      : base_((std::uint64_t{heap_base} + 7) & ~std::uint64_t{7}), bumper_(base_) {
    free_.fill(kNil);
  }

  /// Forgets every block.
  void reset() noexcept { *this = FreeingBumpHeap(base_, Aligned{}); }

  /// @return the address of at least `size` bytes, aligned to 8; their content is what lay there.
  template <HeapMemory M>
  [[nodiscard]] Result<std::uint32_t> allocate(M&& memory, std::uint32_t size) {
    if (poisoned_) return fail_poisoned();
    poisoned_ = true;  // until this call succeeds
    if (!observe(memory.size())) return fail_shrunk();
    if (size > kMaximumPayload) return fail_too_large(size);

    const std::uint32_t payload = std::bit_ceil(size < kMinimumPayload ? kMinimumPayload : size);
    const auto order = static_cast<std::uint32_t>(std::countr_zero(payload)) - 3;  // payload == 8 << order
    const std::uint32_t block = payload + kHeaderBytes;

    std::uint64_t header = free_[order];
    if (header != kNil) {
      if (header + block > memory.size()) return fail_corrupt("the free list leads past the end of the memory", header);
      const std::optional<std::uint64_t> content = memory.load_u64(header);
      if (!content) return fail_corrupt("the free list leads past the end of the memory", header);
      if ((*content & kOccupied) != 0) return fail_corrupt("the free list leads to an occupied block", header);
      free_[order] = static_cast<std::uint32_t>(*content);  // the low half is the link
    } else {
      header = bumper_;
      if (header + block > memory.size() && !grow(memory, header + block)) return fail_full(size, memory.size());
      bumper_ += block;
    }
    if (!memory.store_u64(header, kOccupied | order)) return fail_corrupt("a header cannot be written", header);
    allocated_ += block;
    poisoned_ = false;
    // Fits: the block ends inside a memory of at most 2^32 bytes.
    return static_cast<std::uint32_t>(header + kHeaderBytes);
  }

  /// @param address  what allocate() returned.
  template <HeapMemory M>
  [[nodiscard]] Result<void> deallocate(M&& memory, std::uint32_t address) {
    if (poisoned_) return fail_poisoned();
    poisoned_ = true;  // until this call succeeds
    if (!observe(memory.size())) return fail_shrunk();
    if (address < kHeaderBytes) return fail_corrupt("a pointer to free points before the first header", address);

    const std::uint32_t header = address - kHeaderBytes;
    const std::optional<std::uint64_t> content = memory.load_u64(header);
    if (!content) return fail_corrupt("a pointer to free points past the end of the memory", address);
    if ((*content & kOccupied) == 0) return fail_corrupt("a pointer to free points to no occupied block", address);
    const auto order = static_cast<std::uint32_t>(*content);  // the low half
    if (order >= kOrders) return fail_corrupt("a block to free has an invalid header", address);

    if (!memory.store_u64(header, free_[order])) return fail_corrupt("a header cannot be written", header);
    free_[order] = header;
    const std::uint32_t block = (kMinimumPayload << order) + kHeaderBytes;
    if (allocated_ < block) return fail_corrupt("more is freed than was allocated", address);
    allocated_ -= block;
    poisoned_ = false;
    return {};
  }

  /// Bytes in blocks that are not free, headers included.
  [[nodiscard]] std::uint32_t allocated_bytes() const noexcept { return allocated_; }
  /// The end of what was ever handed out.
  [[nodiscard]] std::uint64_t bumper() const noexcept { return bumper_; }

 private:
  static constexpr std::uint32_t kNil = 0xFFFF'FFFF;
  static constexpr std::uint64_t kOccupied = 1ull << 32;

  struct Aligned {};
  FreeingBumpHeap(std::uint64_t base, Aligned) noexcept : base_(base), bumper_(base) { free_.fill(kNil); }

  /// Doubles the memory, or grows it to what is needed if that is more, as Substrate does.
  template <HeapMemory M>
  [[nodiscard]] static bool grow(M& memory, std::uint64_t required_bytes) {
    const std::uint64_t current = memory.size() / kPageBytes;
    const std::uint64_t required = (required_bytes + kPageBytes - 1) / kPageBytes;  // bytes < 2^34: no overflow
    const std::uint64_t maximum = memory.maximum_pages();
    if (required > maximum) return false;
    const std::uint64_t doubled = current * 2 < maximum ? current * 2 : maximum;
    return memory.grow((doubled > required ? doubled : required) - current);
  }

  /// @return whether the memory is no smaller than at the last call.
  [[nodiscard]] bool observe(std::uint64_t memory_bytes) noexcept {
    if (memory_bytes < observed_bytes_) return false;
    observed_bytes_ = memory_bytes;
    return true;
  }

  [[nodiscard]] static std::unexpected<Error> fail_shrunk();
  [[nodiscard]] static std::unexpected<Error> fail_poisoned();
  [[nodiscard]] static std::unexpected<Error> fail_too_large(std::uint32_t size);
  [[nodiscard]] std::unexpected<Error> fail_full(std::uint32_t size, std::uint64_t memory_bytes) const;
  [[nodiscard]] static std::unexpected<Error> fail_corrupt(const char* what, std::uint64_t address);

  std::uint64_t base_;
  std::uint64_t bumper_;                       // <= 2^32, which a memory of the greatest size ends at
  std::array<std::uint32_t, kOrders> free_{};  // header of the first free block of each order, or kNil
  std::uint64_t observed_bytes_ = 0;           // size of the memory at the last call
  std::uint32_t allocated_ = 0;                // wraps only if the guest forged headers, and then as Substrate's does
  bool poisoned_ = false;
};

}  // namespace anew::substrate
