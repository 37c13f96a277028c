// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arguments, environment, clocks, random bytes, and the process.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "host/wasi/preview1.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

Outcome<void> store_sizes(Call& call, const Strings& strings, std::uint32_t count, std::uint32_t bytes) {
  // Both are below 2^31 (Strings::make).
  TRY(call.store(count, static_cast<std::uint32_t>(strings.starts().size())));
  return call.store(bytes, static_cast<std::uint32_t>(strings.bytes().size()));
}

/// Where each string begins, and all strings.
Outcome<void> store_strings(Call& call, const Strings& strings, std::uint32_t pointers, std::uint32_t buffer) {
  const auto starts = strings.starts();
  const std::string_view bytes = strings.bytes();
  const auto pointer_bytes = TRY(call.write(pointers, starts.size() * sizeof(std::uint32_t)));
  const auto string_bytes = TRY(call.write(buffer, bytes.size()));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::uint32_t address = buffer + starts[i];  // inside the memory, as the whole is
    std::memcpy(&pointer_bytes[i * sizeof(address)], &address, sizeof(address));
  }
  std::ranges::copy(std::as_bytes(std::span(bytes)), string_bytes.begin());
  return {};
}

Outcome<void> args_sizes_get(Call& call, std::uint32_t count, std::uint32_t bytes) {
  return store_sizes(call, call.sandbox.arguments(), count, bytes);
}
Outcome<void> args_get(Call& call, std::uint32_t pointers, std::uint32_t buffer) {
  return store_strings(call, call.sandbox.arguments(), pointers, buffer);
}
Outcome<void> environ_sizes_get(Call& call, std::uint32_t count, std::uint32_t bytes) {
  return store_sizes(call, call.sandbox.environment(), count, bytes);
}
Outcome<void> environ_get(Call& call, std::uint32_t pointers, std::uint32_t buffer) {
  return store_strings(call, call.sandbox.environment(), pointers, buffer);
}

// The clocks of processor time are not there: what a thread of the host has used is no business of a guest's.
constexpr std::uint32_t kRealtime = 0;
constexpr std::uint32_t kMonotonic = 1;

Outcome<void> clock_res_get(Call& call, std::uint32_t clock, std::uint32_t resolution) {
  if (clock > kMonotonic) return fail(Errno::kInval);
  return call.store(resolution, call.sandbox.clocks.resolution());
}

Outcome<void> clock_time_get(Call& call, std::uint32_t clock, std::uint64_t /*precision*/, std::uint32_t time) {
  if (clock > kMonotonic) return fail(Errno::kInval);
  Clocks& clocks = call.sandbox.clocks;
  return call.store(time, clock == kRealtime ? clocks.real() : clocks.monotonic());
}

Outcome<void> random_get(Call& call, std::uint32_t address, std::uint32_t length) {
  TRY(call.check(address, length));
  constexpr std::uint64_t kPiece = 1 << 20;  // between two looks at whether the call is to end
  for (std::uint64_t done = 0; done < length; done += kPiece) {
    if (call.caller.stopping()) return fail(Errno::kIntr);
    const auto piece = TRY(call.write(address + done, std::min(kPiece, length - done)));
    TRY(call.sandbox.random.fill(piece));
  }
  return {};
}

Outcome<void> sched_yield(Call& /*call*/) {
  std::this_thread::yield();
  return {};
}

Result<void> proc_exit(Context& context, std::uint32_t code) {
  context.sandbox().exit_code = code;
  return anew::fail(ErrorCode::kHost, fmt::format("the program ended with exit code {}", code));
}

/// A signal does what it does by default, since a guest cannot say what else.
Result<std::uint32_t> proc_raise(std::uint32_t signal) {
  constexpr std::uint32_t kNone = 0;
  constexpr std::uint32_t kChild = 16;
  constexpr std::uint32_t kContinue = 17;
  constexpr std::uint32_t kStop = 18;
  constexpr std::uint32_t kTerminalOutput = 21;
  constexpr std::uint32_t kUrgent = 22;
  constexpr std::uint32_t kWindow = 27;
  constexpr std::uint32_t kLast = 30;
  if (signal > kLast) return static_cast<std::uint32_t>(Errno::kInval);
  if (signal >= kStop && signal <= kTerminalOutput) return static_cast<std::uint32_t>(Errno::kNotsup);
  if (signal == kNone || signal == kChild || signal == kContinue || signal == kUrgent || signal == kWindow) return 0;
  return anew::fail(ErrorCode::kHost, fmt::format("the program raised WASI's signal {}, which ends it", signal));
}

}  // namespace

void define_process(Linker& linker) {
  define<args_get>(linker, "args_get");
  define<args_sizes_get>(linker, "args_sizes_get");
  define<environ_get>(linker, "environ_get");
  define<environ_sizes_get>(linker, "environ_sizes_get");
  define<clock_res_get>(linker, "clock_res_get");
  define<clock_time_get>(linker, "clock_time_get");
  define<random_get>(linker, "random_get");
  define<sched_yield>(linker, "sched_yield");
  linker.define(kPreview1, "proc_exit", proc_exit);
  linker.define(kPreview1, "proc_raise", proc_raise);
}

}  // namespace anew::wasi::detail
