// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "c/handle.hpp"

#ifndef NDEBUG

#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace anew::c {

void abort_misuse(const char* function, const char* what) noexcept {
  std::fprintf(stderr, "anew: %s %s\n", function, what);
  std::abort();
}

void retire(void* memory) noexcept {
  static std::array<std::atomic<void*>, 256> retired;
  static std::atomic<std::size_t> next = 0;
  ::operator delete(retired[next.fetch_add(1) % retired.size()].exchange(memory));
}

void Entered::enter() noexcept {
  static thread_local const char self = 0;  // its address names the thread
  const void* nobody = nullptr;
  if (!thread_.compare_exchange_strong(nobody, &self) && nobody != &self)
    abort_misuse("a lease", "is used by two threads at once");
  ++depth_;
}

void Entered::leave() noexcept {
  if (--depth_ == 0) thread_.store(nullptr);
}

}  // namespace anew::c

#endif
