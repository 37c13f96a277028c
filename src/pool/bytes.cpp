// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/bytes.hpp>
#include <limits>
#include <utility>

#include "runtime/without_exceptions.hpp"

namespace anew {
namespace {

/// What the guest gets wrong as if it had reached there itself.
std::unexpected<Error> outside_memory(std::string_view what, std::uint64_t address, std::uint64_t size,
                                      const MemoryView& memory) {
  return std::unexpected(Error{ErrorCode::kTrap,
                               fmt::format("the guest {} {} bytes at address {}, but its memory has {} bytes", what,
                                           size, address, memory.size()),
                               std::nullopt,
                               TrapKind::kMemoryOutOfBounds,
                               {}});
}

}  // namespace

Result<BytesFunction> BytesFunction::find(const Pool& pool, std::string_view export_name, std::string_view allocate) {
  auto room = pool.function<std::uint32_t(std::uint32_t)>(allocate);
  if (!room) return std::unexpected(std::move(room.error()));
  auto function = pool.function<std::uint64_t(std::uint32_t, std::uint32_t)>(export_name);
  if (!function) return std::unexpected(std::move(function.error()));
  return BytesFunction(*room, *function);
}

Result<std::span<const std::byte>> BytesFunction::call(Lease& lease, std::span<const std::byte> input) const {
  return detail::without_exceptions("bytes are passed to a guest", [&]() -> Result<std::span<const std::byte>> {
    if (input.size() > std::numeric_limits<std::uint32_t>::max()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("the input has {} bytes, and a guest's addresses have 32 bits", input.size()));
    }
    const auto size = static_cast<std::uint32_t>(input.size());  // checked above
    const auto address = lease.call(allocate_, size);
    if (!address) return std::unexpected(address.error());
    MemoryView memory = lease.memory();
    auto room = memory.write(*address, size);
    if (!room) return outside_memory("allocated", *address, size, memory);
    std::ranges::copy(input, room->begin());

    const auto packed = lease.call(function_, *address, size);
    if (!packed) return std::unexpected(packed.error());
    const std::uint64_t result_address = *packed >> 32;
    const std::uint64_t result_size = *packed & std::numeric_limits<std::uint32_t>::max();
    memory = lease.memory();
    const auto result = memory.read(result_address, result_size);
    if (!result) return outside_memory("returned", result_address, result_size, memory);
    return *result;
  });
}

}  // namespace anew
