// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/memory_view.hpp>

#include "runtime/library.hpp"

namespace anew {
namespace {

Result<void> check(std::byte* cell, std::uint64_t address, std::uint64_t count) {
  const std::uint64_t size = abi::hot_header(cell).memory_bytes;
  // Written so that no sum can overflow.
  if (count <= size && address <= size - count) return {};
  return fail(ErrorCode::kArgument,
              fmt::format("{} bytes at address 0x{:x} are not inside the memory of {} bytes", count, address, size));
}

}  // namespace

std::uint64_t MemoryView::size() const noexcept { return abi::hot_header(cell_).memory_bytes; }

Result<std::span<const std::byte>> MemoryView::read(std::uint64_t address, std::uint64_t count) const {
  if (auto checked = check(cell_, address, count); !checked) return std::unexpected(std::move(checked.error()));
  return std::span<const std::byte>(cell_ + address, count);
}

Result<std::span<std::byte>> MemoryView::write(std::uint64_t address, std::uint64_t count) {
  if (auto checked = check(cell_, address, count); !checked) return std::unexpected(std::move(checked.error()));
  detail::mark_written(cell_, address, count);
  return std::span(cell_ + address, count);
}

Result<std::uint64_t> MemoryView::grow(std::uint64_t delta_pages) {
  constexpr std::uint64_t kRefused = 0xFFFF'FFFF;
  const abi::HotHeader& header = abi::hot_header(cell_);
  const std::uint64_t pages =
      delta_pages >= kRefused
          ? kRefused
          : detail::library().memory_grow(cell_, static_cast<std::uint32_t>(delta_pages));  // fits, as just compared
  if (pages != kRefused) return pages;
  return fail(
      ErrorCode::kResource,
      fmt::format("a memory of {} Wasm pages cannot grow by {}: its maximum is {}, or the system refused",
                  header.memory_bytes / abi::kWasmPageBytes, delta_pages, header.memory_maximum / abi::kWasmPageBytes));
}

void* Caller::host_state() const noexcept { return detail::instance_of(cell_).host_state.state.get(); }

Result<Value> Caller::global(std::string_view export_name) const {
  return detail::exported_global(detail::instance_of(cell_), export_name);
}

}  // namespace anew
