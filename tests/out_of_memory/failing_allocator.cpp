// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "failing_allocator.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace anew::test {
namespace {

struct Counter {
  bool active = false;
  Failing how = Failing::kOnce;
  std::uint64_t at = 0;
  std::uint64_t counted = 0;
  std::uint64_t from_malloc = 0;
};
thread_local Counter counter;

bool fails() noexcept {
  if (!counter.active) return false;
  const std::uint64_t number = counter.counted++;
  return counter.how == Failing::kOnce ? number == counter.at : number >= counter.at;
}

bool malloc_fails() noexcept {
  if (counter.active) ++counter.from_malloc;
  return fails();
}

}  // namespace

FailingAllocations::FailingAllocations(std::uint64_t at, Failing how) noexcept { counter = {true, how, at, 0, 0}; }
FailingAllocations::~FailingAllocations() { counter.active = false; }
std::uint64_t FailingAllocations::counted() noexcept { return counter.counted; }
std::uint64_t FailingAllocations::counted_from_malloc() noexcept { return counter.from_malloc; }

}  // namespace anew::test

// The linker's option --wrap gives these names their meaning.
extern "C" {
void* __real_malloc(std::size_t bytes);                     // NOLINT(bugprone-reserved-identifier)
void* __real_calloc(std::size_t count, std::size_t bytes);  // NOLINT(bugprone-reserved-identifier)
void* __real_realloc(void* old, std::size_t bytes);         // NOLINT(bugprone-reserved-identifier)

void* __wrap_malloc(std::size_t bytes) {  // NOLINT(bugprone-reserved-identifier)
  return anew::test::malloc_fails() ? nullptr : __real_malloc(bytes);
}
void* __wrap_calloc(std::size_t count, std::size_t bytes) {  // NOLINT(bugprone-reserved-identifier)
  return anew::test::malloc_fails() ? nullptr : __real_calloc(count, bytes);
}
void* __wrap_realloc(void* old, std::size_t bytes) {  // NOLINT(bugprone-reserved-identifier)
  return anew::test::malloc_fails() ? nullptr : __real_realloc(old, bytes);
}
}

// All forms: AddressSanitizer brings some of its own otherwise, which do not fit these.
namespace {
void* allocate(std::size_t bytes) noexcept {
  return anew::test::fails() ? nullptr : __real_malloc(bytes == 0 ? 1 : bytes);
}
void* allocate(std::size_t bytes, std::align_val_t alignment) noexcept {
  const auto align = static_cast<std::size_t>(alignment);
  return anew::test::fails() ? nullptr : std::aligned_alloc(align, (bytes + align - 1) / align * align);
}
void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t bytes) { return or_throw(allocate(bytes)); }
void* operator new[](std::size_t bytes) { return or_throw(allocate(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return or_throw(allocate(bytes, alignment)); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) { return or_throw(allocate(bytes, alignment)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignment);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
