// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes into a guest and out again, for guests that allocate room for them by a function of their own.
//
//   const auto greet = anew::BytesFunction::find(pool, "greet").value();
//   const std::span<const std::byte> greeting = greet.call(lease, name).value();
#pragma once

#include <anew/error.hpp>
#include <anew/pool.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace anew {

/// An exported function of bytes: `(address: i32, size: i32) -> i64`, whose result has the address of what it returns
/// in the upper half and its size, in bytes, in the lower. What it is given lies where another export, `(size: i32) ->
/// i32`, has made room. Both see memory 0. Nothing is freed: giving the lease back does that. Cheap to copy; good for
/// leases of its pool, and as long as that; may be used from many threads.
class ANEW_API BytesFunction {
 public:
  /// @return kNotFound, with near matches in the message; kArgument if one of the two is of another type.
  [[nodiscard]] static Result<BytesFunction> find(const Pool& pool, std::string_view export_name,
                                                  std::string_view allocate = "allocate");

  /// Has the guest make room, copies the input there, marked so that the reset restores it, and calls the function.
  /// @return its result, within the guest's memory: good until the guest runs again, its memory grows or the lease is
  ///         given back. kTrap as Lease::call, and with TrapKind::kMemoryOutOfBounds if the guest names room or a
  ///         result that is not in its memory; kArgument for an input of 4 GiB or more, or a lease of another pool.
  [[nodiscard]] Result<std::span<const std::byte>> call(Lease& lease, std::span<const std::byte> input) const;

 private:
  BytesFunction(const Function<std::uint32_t(std::uint32_t)>& allocate,
                const Function<std::uint64_t(std::uint32_t, std::uint32_t)>& function) noexcept
      : allocate_(allocate), function_(function) {}

  Function<std::uint32_t(std::uint32_t)> allocate_;
  Function<std::uint64_t(std::uint32_t, std::uint32_t)> function_;
};

}  // namespace anew
