// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "debug/gdb.hpp"

#include <mutex>

// What gdb looks for by these names, in each program and library. Weak, because others that are linked into the same
// one may make code too: then the list is theirs as well, and has the form that gdb's manual gives it. Protected, so
// that what is called here is what gdb finds here.
// NOLINTBEGIN(bugprone-reserved-identifier): gdb has reserved these
extern "C" {

struct jit_descriptor {
  std::uint32_t version;
  std::uint32_t action;
  jit_code_entry* relevant;
  jit_code_entry* first;
};

[[gnu::weak, gnu::visibility("protected")]] jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};

/// gdb has a breakpoint here.
[[gnu::weak, gnu::noinline, gnu::visibility("protected")]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace anew::debug {
namespace {

enum Action : std::uint32_t { kNone = 0, kRegister = 1, kUnregister = 2 };

std::mutex& list_mutex() {
  static auto* const mutex = new std::mutex;  // never destroyed: modules may go at the process's end
  return *mutex;
}

void tell_gdb(Action action, jit_code_entry& entry) {
  __jit_debug_descriptor.action = action;
  __jit_debug_descriptor.relevant = &entry;
  __jit_debug_register_code();
  __jit_debug_descriptor.action = kNone;
  __jit_debug_descriptor.relevant = nullptr;
}

}  // namespace

GdbRegistration::GdbRegistration(const Code& code, std::span<const Symbol> symbols)
    : object_(make_object(code, symbols)), entry_{nullptr, nullptr, object_.data(), object_.size()} {
  const std::lock_guard lock(list_mutex());
  entry_.next = __jit_debug_descriptor.first;
  if (entry_.next != nullptr) entry_.next->previous = &entry_;
  __jit_debug_descriptor.first = &entry_;
  tell_gdb(kRegister, entry_);
}

GdbRegistration::~GdbRegistration() {
  const std::lock_guard lock(list_mutex());
  (entry_.previous != nullptr ? entry_.previous->next : __jit_debug_descriptor.first) = entry_.next;
  if (entry_.next != nullptr) entry_.next->previous = entry_.previous;
  tell_gdb(kUnregister, entry_);
}

}  // namespace anew::debug
