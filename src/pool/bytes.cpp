// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/bytes.hpp>
#include <limits>
#include <utility>

#include "os/try.hpp"
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
  auto room = TRY(pool.function<std::uint32_t(std::uint32_t)>(allocate));
  auto function = TRY(pool.function<std::uint64_t(std::uint32_t, std::uint32_t)>(export_name));
  return BytesFunction(room, function);
}

Result<std::span<const std::byte>> BytesFunction::call(Lease& lease, std::span<const std::byte> input) const {
  return detail::without_exceptions("bytes are passed to a guest", [&]() -> Result<std::span<const std::byte>> {
    if (input.size() > std::numeric_limits<std::uint32_t>::max()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("the input has {} bytes, and a guest's addresses have 32 bits", input.size()));
    }
    const auto size = static_cast<std::uint32_t>(input.size());  // checked above
    const auto address = TRY(lease.call(allocate_, size));
    MemoryView memory = lease.memory();
    auto room = memory.write(address, size);
    if (!room) return outside_memory("allocated", address, size, memory);
    std::ranges::copy(input, room->begin());

    const auto packed = TRY(lease.call(function_, address, size));
    const std::uint64_t result_address = packed >> 32;
    const std::uint64_t result_size = packed & std::numeric_limits<std::uint32_t>::max();
    memory = lease.memory();
    const auto result = memory.read(result_address, result_size);
    if (!result) return outside_memory("returned", result_address, result_size, memory);
    return *result;
  });
}

}  // namespace anew
