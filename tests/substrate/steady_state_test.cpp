// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What runs on every call allocates nothing.
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <cstdlib>
#include <new>
#include <utility>

#include "substrate/guest.hpp"

namespace {
/// Counts what this thread allocates while it is not negative.
thread_local int allocations = -1;
}  // namespace

// Not inlined: GCC would take them for a pair that does not match.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (allocations >= 0) ++allocations;
  if (void* const memory = std::malloc(size > 0 ? size : 1); memory != nullptr) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace anew::substrate {
namespace {

TEST(SteadyState, CallsAsNewAllocateNothing) {
  // Frees the arguments' block, allocates and returns it.
  const Guest guest{.imports = {{"ext_allocator_malloc_version_1", GuestType::kMalloc},
                                {"ext_allocator_free_version_1", GuestType::kFree}},
                    .entries = {{"again", join({from_hex("20 00 10 01 20 01 10 00 20 01"), pack()})}}};
  const auto runtime = Runtime::create(Engine({.cache = false}), guest.binary(), {.heap_pages = 16});
  ASSERT_TRUE(runtime) << runtime.error().to_string();
  const auto method = runtime->method("again");
  ASSERT_TRUE(method) << method.error().to_string();
  const Bytes arguments = from_text("the arguments, which come back as they lie there");
  Bytes result;
  ASSERT_TRUE(runtime->call(*method, arguments, result));  // makes the instance, and room for the result
  EXPECT_EQ(result, arguments);

  allocations = 0;
  int failed = 0;
  for (int i = 0; i < 100; ++i) failed += runtime->call(*method, arguments, result) ? 0 : 1;
  const int counted = std::exchange(allocations, -1);
  EXPECT_EQ(counted, 0);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(result, arguments);

  allocations = 0;
  const Bytes copy = result;
  EXPECT_EQ(std::exchange(allocations, -1), 1) << "the counter counts";
}

}  // namespace
}  // namespace anew::substrate
