// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <anew/bytes.hpp>
#include <string>
#include <string_view>

#include "support/wat.hpp"

namespace anew::test {
namespace {

/// "allocate" gives what "place" says, or the next free byte; "reverse" reverses in place; "echo_at" returns what the
/// first eight bytes of its input say; "fill" takes the memory's last byte for granted.
constexpr const char* kModule = R"((module (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 1000))
  (func (export "allocate") (param i32) (result i32)
    global.get $free
    (global.set $free (i32.add (global.get $free) (local.get 0))))
  (func (export "allocate_nowhere") (param i32) (result i32) (i32.const -4))
  (func (export "allocate_trapping") (param i32) (result i32) unreachable)
  (func (export "allocate_64") (param i64) (result i64) (local.get 0))
  (func (export "reverse") (param $at i32) (param $size i32) (result i64) (local $i i32) (local $j i32) (local $byte i32)
    (local.set $i (local.get $at))
    (local.set $j (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 1)))
    (block $done (loop $next
      (br_if $done (i32.ge_s (local.get $i) (local.get $j)))
      (local.set $byte (i32.load8_u (local.get $i)))
      (i32.store8 (local.get $i) (i32.load8_u (local.get $j)))
      (i32.store8 (local.get $j) (local.get $byte))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (local.set $j (i32.sub (local.get $j) (i32.const 1)))
      (br $next)))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $size))))
  (func (export "result_of") (param $at i32) (param i32) (result i64) (i64.load (local.get $at)))))";

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());  // char may view any object
}

TEST(BytesFunction, PassesBytesInAndOut) {
  const Pool pool = make_pool(kModule);
  const BytesFunction reverse = BytesFunction::find(pool, "reverse").value();
  Lease lease = pool.acquire().value();
  EXPECT_EQ(text_of(reverse.call(lease, bytes_of("stressed")).value()), "desserts");
  EXPECT_EQ(text_of(reverse.call(lease, bytes_of("again")).value()), "niaga");
  EXPECT_EQ(text_of(reverse.call(lease, {}).value()), "");
}

TEST(BytesFunction, LeavesNothingForTheNextLease) {
  const Pool pool = make_pool(kModule, {.capacity = 1, .audit_every = 1});
  const BytesFunction reverse = BytesFunction::find(pool, "reverse").value();
  const std::string input(60'000, 'x');  // one that fits as new, and not a second time
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(reverse.call(lease, bytes_of(input)).value().size(), input.size());
    EXPECT_EQ(reverse.call(lease, bytes_of(input)).error().trap, TrapKind::kMemoryOutOfBounds);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(BytesFunction, RefusesWhatTheGuestGetsWrong) {
  const Pool pool = make_pool(kModule);
  Lease lease = pool.acquire().value();
  const auto nowhere = BytesFunction::find(pool, "reverse", "allocate_nowhere").value().call(lease, bytes_of("four!"));
  EXPECT_EQ(nowhere.error().trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(nowhere.error().message,
            "the guest allocated 5 bytes at address 4294967292, but its memory has 65536 bytes");
  EXPECT_EQ(BytesFunction::find(pool, "reverse", "allocate_trapping").value().call(lease, {}).error().trap,
            TrapKind::kUnreachable);

  const BytesFunction result_of = BytesFunction::find(pool, "result_of").value();
  const auto result = [&](std::uint64_t address, std::uint64_t size) {
    const std::uint64_t packed = address << 32 | size;
    return result_of.call(lease, std::as_bytes(std::span(&packed, 1)));
  };
  EXPECT_EQ(result(65'536, 0).value().size(), 0u);
  EXPECT_EQ(result(65'535, 1).value().size(), 1u);
  EXPECT_EQ(result(0, 65'536).value().size(), 65'536u);
  for (const auto& [address, size] : {std::pair{65'535u, 2u}, {65'537u, 0u}, {0u, 65'537u}, {~0u, ~0u}, {0u, ~0u}})
    EXPECT_EQ(result(address, size).error().trap, TrapKind::kMemoryOutOfBounds) << address << " " << size;
}

TEST(BytesFunction, RefusesWhatTheHostGetsWrong) {
  const Pool pool = make_pool(kModule);
  EXPECT_EQ(BytesFunction::find(pool, "revers").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(BytesFunction::find(pool, "reverse", "malloc").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(BytesFunction::find(pool, "reverse", "allocate_64").error().code, ErrorCode::kArgument);
  EXPECT_EQ(BytesFunction::find(pool, "allocate").error().code, ErrorCode::kArgument);
  const BytesFunction reverse = BytesFunction::find(pool, "reverse").value();
  const Pool other = make_pool(kModule);
  Lease lease = other.acquire().value();
  EXPECT_EQ(reverse.call(lease, {}).error().code, ErrorCode::kArgument);
  lease.release();
  EXPECT_EQ(reverse.call(lease, {}).error().code, ErrorCode::kArgument);
  // Looked at for its size alone.
  const std::byte byte{};
  Lease own = pool.acquire().value();
  EXPECT_EQ(reverse.call(own, std::span(&byte, std::size_t{1} << 32)).error().code, ErrorCode::kArgument);
}

}  // namespace
}  // namespace anew::test
