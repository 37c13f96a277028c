// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls into guests, and what is left of one that trapped.
#include <fmt/format.h>
#include <xmmintrin.h>

#include <exception>

#include "runtime/instance.hpp"
#include "runtime/library.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {
namespace {

// Floating-point control of guests: round to nearest, subnormals are numbers, nothing traps. The low six bits say what
// happened and control nothing.
constexpr std::uint32_t kGuestFloatControl = 0x1F80;
constexpr std::uint32_t kFloatControlMask = ~std::uint32_t{0x3F};

constexpr std::size_t kMostFrames = 64;

/// A call that cannot begin: there is no guest frame to report.
[[gnu::cold]] std::uint32_t refuse(Thread& thread, TrapKind kind) noexcept {
  thread.trap_pc = 0;
  thread.trap_fp = 0;
  return static_cast<std::uint32_t>(kind);
}

/// Follows the chain of frame pointers on a guest stack, which the guest's code wrote: nothing outside the stack is
/// read, and each frame lies above the last one, so it ends.
class StackWalk {
 public:
  StackWalk(const Thread& thread, const GuestStack& stack) noexcept
      : bottom_(stack.bottom()), top_(stack.bottom() + stack.bytes()), pc_(thread.trap_pc), frame_(thread.trap_fp) {}

  [[nodiscard]] std::uint64_t pc() const noexcept { return pc_; }
  [[nodiscard]] bool next() noexcept {
    constexpr std::uint64_t kFrame = 2 * sizeof(std::uint64_t);  // the caller's frame pointer, the return address
    if (frame_ % alignof(std::uint64_t) != 0 || frame_ < bottom_ || frame_ > top_ - kFrame) return false;
    // In bounds and aligned, as checked; the stack is readable for as long as the thread keeps it.
    const auto* const frame = reinterpret_cast<const std::uint64_t*>(frame_);
    bottom_ = frame_ + 1;
    frame_ = frame[0];
    pc_ = frame[1];
    return true;
  }

 private:
  std::uint64_t bottom_;
  std::uint64_t top_;
  std::uint64_t pc_;
  std::uint64_t frame_;
};

struct Backtrace {
  std::vector<Frame> frames;
  std::uint64_t left_out = 0;
};

Backtrace collect_frames(const ModuleState& module, const Thread& thread) {
  Backtrace backtrace;
  if (thread.depth == kMaximumNesting) return backtrace;  // refused: there is no such stack
  const auto text = reinterpret_cast<std::uint64_t>(module.image.text.data());
  StackWalk walk(thread, thread.stacks[thread.depth]);
  bool is_return_address = thread.trap_is_fault == 0;
  do {
    // A return address may be the first byte behind its function; the call is before it. A program counter outside the
    // text (in a library function) gives an offset past its end.
    const std::uint64_t offset = walk.pc() - text - (is_return_address ? 1 : 0);
    is_return_address = true;
    const auto position = codegen::find_position(module.image, module.module.imported_functions, offset);
    if (!position) continue;
    if (backtrace.frames.size() == kMostFrames) {
      ++backtrace.left_out;
      continue;
    }
    backtrace.frames.push_back(
        {position->function_index, std::string(module.names[position->function_index]), position->module_offset});
  } while (walk.next());
  return backtrace;
}

}  // namespace

FunctionHandle function_handle(const LinkedModule& linked, std::uint32_t function) noexcept {
  const ModuleState& module = *linked.module;
  const std::uint32_t type = module.module.functions[function];
  return {module.image.text.data() + module.image.thunks[type], module.code.entry(function), &module.module.types[type],
          &linked};
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
    instance.distrusted = true;
    return refuse(thread, TrapKind::kStackExhausted);
  }
  GuestStack& stack = thread.stacks[thread.depth];
  if (stack.bytes() < stack_bytes && !thread.map_stack(stack_bytes)) [[unlikely]] {
    instance.distrusted = true;
    return refuse(thread, TrapKind::kHostError);
  }

  const Activation outer = thread.activation;
  // The stack may be larger than this engine asks for, mapped for another one. The guest starts lower then: the guard
  // is always as far away as asked for, and how deep a guest may go does not depend on what ran before.
  thread.activation = {instance.cell, stack.guard_begin(), stack.bottom()};
  thread.stack_top = stack.bottom() + stack_bytes;
  ++thread.depth;
  // A library that somebody loaded may have changed it (-ffast-math does); the guest's results must not depend on that.
  const std::uint32_t float_control = _mm_getcsr();
  const bool foreign_control = (float_control & kFloatControlMask) != kGuestFloatControl;
  if (foreign_control) [[unlikely]]
    _mm_setcsr(kGuestFloatControl);

  const std::uint32_t trap = abi::anew_enter(&thread, instance.cell, function.thunk, slots, function.entry);

  if (foreign_control) [[unlikely]]
    _mm_setcsr(float_control);
  --thread.depth;
  thread.activation = outer;
  if (trap != 0) [[unlikely]]
    instance.distrusted = true;
  return trap;
}

Error make_trap_error(Instance& instance, std::uint32_t kind) {
  Thread& thread = this_thread();
  Error error;
  const auto trap = static_cast<TrapKind>(kind);  // compiled code and the runtime raise no other numbers
  if (trap == TrapKind::kHostError && thread.pending && thread.trap_pc == 0) {  // the call could not begin
    error = std::move(*thread.pending);
    thread.pending.reset();
    return error;
  }
  Backtrace backtrace = collect_frames(*instance.linked->module, thread);
  if (trap == TrapKind::kHostError && thread.pending) {
    error = std::move(*thread.pending);
    thread.pending.reset();
    if (error.code == ErrorCode::kTrap) {
      // The error of a call that the host function made itself: this call's frames are around that one's.
      error.backtrace.insert(error.backtrace.end(), std::make_move_iterator(backtrace.frames.begin()),
                             std::make_move_iterator(backtrace.frames.end()));
      backtrace.frames = std::move(error.backtrace);
    } else {
      error.message = fmt::format("{}: {}", to_string(trap), error.message);
      error.trap = trap;
    }
  } else {
    error.message = to_string(trap);
    error.trap = trap;
  }
  error.code = ErrorCode::kTrap;
  error.backtrace = std::move(backtrace.frames);
  if (backtrace.left_out != 0) {
    error.message += fmt::format(" (the backtrace leaves out the {} outermost frames)", backtrace.left_out);
  }
  return error;
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
