// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's way into a guest's memory: Caller::memory() within a host function, Lease::memory() between calls.
#pragma once

#include <anew/error.hpp>
#include <anew/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace anew {

namespace abi {
struct MemoryReference;
}

/// A linear memory of an instance, its own or one that it imports. Every access is checked against the memory's size
/// now; what is handed out for writing is marked, so that the reset restores it. The view is valid as long as the
/// Lease, Store or host function's call that it comes from, and used from the same thread. Spans are valid until the
/// guest runs again or the memory grows: a span of write() that is written through later would escape the reset.
class ANEW_API MemoryView {
 public:
  /// A memory of size 0.
  MemoryView() = default;
  /// For the library's own folders.
  explicit MemoryView(const abi::MemoryReference& memory) noexcept;

  /// Size in bytes.
  [[nodiscard]] std::uint64_t size() const noexcept;
  /// @return the bytes [address, address + count), or kArgument if they are not inside the memory.
  [[nodiscard]] Result<std::span<const std::byte>> read(std::uint64_t address, std::uint64_t count) const;
  /// The same for writing: marks the range as written, so ask for what will be written and no more.
  [[nodiscard]] Result<std::span<std::byte>> write(std::uint64_t address, std::uint64_t count);
  /// Grows by Wasm pages. @return the old size in Wasm pages, or kResource if the maximum or the system refuses.
  [[nodiscard]] Result<std::uint64_t> grow(std::uint64_t delta_pages);

  /// Reads a T at any alignment. The bytes are the guest's: little-endian, and a struct's layout must be its too.
  /// @return kArgument as read().
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] Result<T> load(std::uint64_t address) const {
    auto bytes = read(address, sizeof(T));
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    T value;
    std::memcpy(&value, bytes->data(), sizeof(T));
    return value;
  }
  /// Writes a T, likewise.
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] Result<void> store(std::uint64_t address, const T& value) {
    auto bytes = write(address, sizeof(T));
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    std::memcpy(bytes->data(), &value, sizeof(T));
    return {};
  }

 private:
  std::byte* base_ = nullptr;  ///< address 0 of the memory; null if there is none
  std::uint8_t* cards_ = nullptr;
  std::uint64_t card_shift_ = 0;
};

}  // namespace anew
