// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls into guests.
#include <fmt/format.h>
#include <xmmintrin.h>

#include <exception>

#include "runtime/library.hpp"
#include "runtime/store_state.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {
namespace {

// Floating-point control of guests: round to nearest, subnormals are numbers, nothing traps. The low six bits say what
// happened and control nothing.
constexpr std::uint32_t kGuestFloatControl = 0x1F80;
constexpr std::uint32_t kFloatControlMask = ~std::uint32_t{0x3F};

/// A call that cannot begin: there is no guest frame to report.
[[gnu::cold]] std::uint32_t refuse(Thread& thread, TrapKind kind) noexcept {
  thread.trap_pc = 0;
  thread.trap_fp = 0;
  return static_cast<std::uint32_t>(kind);
}

}  // namespace

FunctionHandle function_handle(const LinkedModule& linked, std::uint32_t function) noexcept {
  const ModuleState& module = *linked.module;
  const std::uint32_t type = module.module.functions[function];
  return {module.image.text.data() + module.image.thunks[type], module.layout.function_reference(function),
          &module.module.types[type], &linked};
}

std::uint32_t invoke(Instance& instance, const FunctionHandle& function, std::uint64_t* slots) noexcept {
  Thread& thread = this_thread();
  const std::uint64_t stack_bytes = instance.linked->module->engine->options.stack_bytes;
  if (function.owner != instance.linked.get()) [[unlikely]] {
    thread.pending = Error{ErrorCode::kArgument,
                           "the function handle was found in another pool: find it in the pool of the lease",
                           std::nullopt,
                           TrapKind::kNone,
                           {}};
    return refuse(thread, TrapKind::kHostError);
  }
  if (thread.depth == kMaximumNesting) [[unlikely]] {
    instance.store->distrusted = true;
    return refuse(thread, TrapKind::kStackExhausted);
  }
  GuestStack& stack = thread.stacks[thread.depth];
  if (stack.bytes() < stack_bytes && !thread.map_stack(stack_bytes)) [[unlikely]] {
    instance.store->distrusted = true;
    return refuse(thread, TrapKind::kHostError);
  }

  const Activation outer = thread.activation;
  // While a call is active the thread's record holds what its store has left. The call around it, if there is one, may
  // be in the same store, or have one in the same store around it.
  if (outer.store != nullptr) outer.store->fuel = thread.fuel;
  thread.fuel = instance.store->fuel;
  // The stack may be larger than this engine asks for, mapped for another one. The guest starts lower then: the guard
  // is always as far away as asked for, and how deep a guest may go does not depend on what ran before.
  thread.activation = {instance.store, stack.guard_begin(), stack.bottom()};
  thread.stack_top = stack.bottom() + stack_bytes;
  ++thread.depth;
  // A library that somebody loaded may have changed it (-ffast-math does); the guest's results must not depend on that.
  const std::uint32_t float_control = _mm_getcsr();
  const bool foreign_control = (float_control & kFloatControlMask) != kGuestFloatControl;
  if (foreign_control) [[unlikely]]
    _mm_setcsr(kGuestFloatControl);

  // Of this instance, or a copy of that of the instance that defines the function.
  const abi::FunctionReference& callee = *instance.at<abi::FunctionReference>(function.reference);
  const std::uint32_t trap = abi::anew_enter(&thread, callee.cell, function.thunk, slots, callee.entry);

  if (foreign_control) [[unlikely]]
    _mm_setcsr(float_control);
  --thread.depth;
  thread.activation = outer;
  instance.store->fuel = thread.fuel;
  if (outer.store != nullptr) thread.fuel = outer.store->fuel;
  if (trap != 0) [[unlikely]] {
    instance.store->distrusted = true;
    instance.store->trap = trap;
  }
  return trap;
}

std::uint32_t raise_host_error(Error&& error) noexcept {
  this_thread().pending = std::move(error);
  return static_cast<std::uint32_t>(TrapKind::kHostError);
}

std::uint32_t raise_host_exception() noexcept {
  Error error;
  error.code = ErrorCode::kHost;
  try {
    try {
      throw;
    } catch (const std::exception& exception) {
      error.message = fmt::format("it threw an exception: {}", exception.what());
    } catch (...) {
      error.message = "it threw an object that is no std::exception";
    }
  } catch (...) {
    // No memory for the message: the trap alone tells.
  }
  return raise_host_error(std::move(error));
}

}  // namespace anew::detail
