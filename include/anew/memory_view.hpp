// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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

/// The host's way into a linear memory of an instance, its own or one that it imports. Every access is checked against
/// the memory's size now; what is handed out for writing is marked, so that the reset restores it. Spans are valid
/// until the guest runs again or the memory grows.
class MemoryView {
 public:
  /// Memory 0 of the instance with this cell; one of size 0 if it has none.
  explicit MemoryView(std::byte* cell) noexcept;
  /// For the library's own folders.
  explicit MemoryView(const abi::MemoryReference& memory) noexcept;

  /// Size in bytes.
  [[nodiscard]] std::uint64_t size() const noexcept;
  /// @return the bytes [address, address + count), or kArgument if they are not inside the memory.
  [[nodiscard]] Result<std::span<const std::byte>> read(std::uint64_t address, std::uint64_t count) const;
  /// The same for writing: marks the range as written.
  [[nodiscard]] Result<std::span<std::byte>> write(std::uint64_t address, std::uint64_t count);
  /// Grows by Wasm pages. @return the old size in Wasm pages, or kResource if the maximum or the system refuses.
  [[nodiscard]] Result<std::uint64_t> grow(std::uint64_t delta_pages);

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] Result<T> load(std::uint64_t address) const {
    auto bytes = read(address, sizeof(T));
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    T value;
    std::memcpy(&value, bytes->data(), sizeof(T));
    return value;
  }
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
