// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/thread.hpp"

#include <fmt/format.h>

#include <memory>
#include <new>

#include "os/thread.hpp"
#include "runtime/watchdog.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::detail {

constinit thread_local Thread* current = nullptr;

Thread* make_thread() noexcept {
  std::unique_ptr<Thread> thread(new (std::nothrow) Thread);
  if (thread == nullptr) return nullptr;
  // If the system has no room to remember it, it lives as long as the process.
  (void)os::free_at_thread_exit(thread.get(), [](void* object) {
    current = nullptr;
    delete static_cast<Thread*>(object);  // what was given with it, above
  });
  current = thread.release();
  return current;
}

Thread::Thread() noexcept { watch_thread(*this); }

Thread::~Thread() { forget_thread(*this); }

bool Thread::map_stack(std::uint64_t bytes) noexcept {
  GuestStack& stack = activations[depth].stack;
  auto mapped = without_exceptions("a guest stack is mapped", [&]() -> Result<void> {
    if (!signal_stack.ready())
      return fail(ErrorCode::kResource, "no alternate signal stack for this thread: the system refused 64 KiB");
    if (stack.bytes() >= bytes) return {};
    // Engine lets only multiples of 4096 below a bound through: the sum cannot overflow.
    auto mapping = os::Mapping::reserve(kStackGuardBytes + bytes);
    if (mapping && !os::protect(mapping->data() + kStackGuardBytes, bytes, os::Access::kReadWrite))
      mapping = fail(ErrorCode::kResource, "the system refused to make it accessible");
    if (!mapping) {
      return fail(ErrorCode::kResource,
                  fmt::format("no guest stack of {} bytes for this thread: {}", bytes, mapping.error().message));
    }
    stack.mapping = std::move(*mapping);
    return {};
  });
  if (!mapped) pending = std::move(mapped.error());
  return mapped.has_value();
}

}  // namespace anew::detail
