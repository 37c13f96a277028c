// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "debug/gdb.hpp"

#include <mutex>

// What gdb looks for, by these names. Weak, because a program may have other makers of code, whose list this is too:
// all of them keep it as it was, and run one at a time or hold a lock of their own.
extern "C" {

struct jit_descriptor {
  std::uint32_t version;
  std::uint32_t action;
  jit_code_entry* relevant;
  jit_code_entry* first;
};

[[gnu::weak, gnu::visibility("default")]] jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};

/// gdb has a breakpoint here.
[[gnu::weak, gnu::noinline, gnu::visibility("default")]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}

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
