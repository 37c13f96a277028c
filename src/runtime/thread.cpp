// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/thread.hpp"

#include <fmt/format.h>

#include <memory>

namespace anew::detail {
namespace {

// Initial-exec: reading it never calls the dynamic linker, which a signal handler must not do.
[[gnu::tls_model("initial-exec")]] constinit thread_local Thread* current = nullptr;

struct Owner {
  std::unique_ptr<Thread> thread;
  ~Owner() { current = nullptr; }
};

[[gnu::noinline, gnu::cold]] Thread& make_thread() noexcept {
  thread_local Owner owner;
  owner.thread = std::make_unique<Thread>();
  current = owner.thread.get();
  return *current;
}

}  // namespace

bool Thread::map_stack(std::uint64_t bytes) noexcept {
  GuestStack& stack = stacks[depth];
  if (stack.bytes() >= bytes) return true;
  // stack_bytes is a multiple of 4096 by EngineOptions, and far from the end of 64 bits or it could not be mapped.
  auto mapping = os::Mapping::reserve(kStackGuardBytes + bytes);
  if (mapping && !os::protect(mapping->data() + kStackGuardBytes, bytes, os::Access::kReadWrite)) {
    mapping = fail(ErrorCode::kResource, "the system refused to make it accessible");
  }
  if (!mapping) {
    pending = Error{ErrorCode::kResource,
                    fmt::format("no guest stack of {} bytes for this thread: {}", bytes, mapping.error().message),
                    std::nullopt,
                    TrapKind::kNone,
                    {}};
    return false;
  }
  stack.mapping = std::move(*mapping);
  return true;
}

Thread* current_thread() noexcept { return current; }

Thread& this_thread() noexcept { return current != nullptr ? *current : make_thread(); }

}  // namespace anew::detail
