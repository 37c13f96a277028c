// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/memory_view.hpp>
#include <utility>

#include "runtime/library.hpp"
#include "runtime/store_state.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew {

MemoryView::MemoryView(const abi::MemoryReference& memory) noexcept
    : base_(memory.base), cards_(memory.cards), card_shift_(memory.card_shift) {}

std::uint64_t MemoryView::size() const noexcept { return base_ == nullptr ? 0 : abi::hot_header(base_).memory_bytes; }

namespace {

// Written so that no sum can overflow.
bool is_inside(std::uint64_t address, std::uint64_t count, std::uint64_t bytes) noexcept {
  return count <= bytes && address <= bytes - count;
}

[[gnu::noinline, gnu::cold]] std::unexpected<Error> fail_outside(std::uint64_t address, std::uint64_t count,
                                                                 std::uint64_t bytes) noexcept {
  auto failed = detail::without_exceptions("memory is accessed", [&]() -> Result<void> {
    return fail(ErrorCode::kArgument,
                fmt::format("{} bytes at address 0x{:x} are not inside the memory of {} bytes", count, address, bytes));
  });
  return std::unexpected(std::move(failed.error()));
}

}  // namespace

Result<std::span<const std::byte>> MemoryView::read(std::uint64_t address, std::uint64_t count) const {
  if (!is_inside(address, count, size())) return fail_outside(address, count, size());
  return std::span<const std::byte>(base_ + address, count);
}

Result<std::span<std::byte>> MemoryView::write(std::uint64_t address, std::uint64_t count) {
  if (!is_inside(address, count, size())) return fail_outside(address, count, size());
  detail::mark_written({base_, cards_, card_shift_}, address, count);
  return std::span(base_ + address, count);
}

Result<std::uint64_t> MemoryView::grow(std::uint64_t delta_pages) {
  return detail::without_exceptions("a memory grows", [&]() -> Result<std::uint64_t> {
    if (base_ == nullptr) return fail(ErrorCode::kResource, "there is no memory to grow");
    constexpr std::uint64_t kRefused = ~std::uint64_t{0};
    const std::uint64_t pages = detail::grow_memory(base_, delta_pages);
    if (pages != kRefused) return pages;
    const abi::HotHeader& header = abi::hot_header(base_);
    const detail::StoreState& store = *detail::instance_of(base_).store;
    return fail(
        ErrorCode::kResource,
        fmt::format("a memory of {} Wasm pages cannot grow by {}: its maximum is {}, and its store's memories and "
                    "tables may grow by {} bytes (maximum_memory_bytes); or the system refused",
                    header.memory_bytes / abi::kWasmPageBytes, delta_pages, header.memory_maximum / abi::kWasmPageBytes,
                    store.growable_bytes - store.grown_bytes));
  });
}

}  // namespace anew
