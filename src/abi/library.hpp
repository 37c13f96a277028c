// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What compiled code calls, and the record of the thread it runs on. Compiled code knows the displacements below; the
// runtime fills the structures.
#pragma once

#include <algorithm>
#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>

#include "wasm/limits.hpp"

namespace anew::abi {

struct Exception;

/// How many kinds there are: compiled code raises traps by number.
inline constexpr std::size_t kTrapKinds = static_cast<std::size_t>(TrapKind::kCastFailure) + 1;

/// The functions that compiled code may call, through the cell's pointer to them. But for the first five they are
/// ordinary functions of the system's own convention that run on the guest stack in guest state: they take no lock,
/// throw nothing and allocate nothing. They return 0 or a TrapKind unless said otherwise. Addresses, sizes and counts
/// are 64 bits wide whatever the memory or table; those of 32-bit ones are zero-extended. The processor's
/// convention.hpp says in which registers the first five expect what.
struct Library {
  /// Called by cold code with a TrapKind: the return address tells where. Never returns.
  void (*trap)();
  /// Called by an import's stub with the index of the imported function and its slots (arguments in, results out; they
  /// lie on the guest stack). Switches to the thread's own stack. Returns to the stub only if the host function
  /// succeeded.
  void (*call_host)();
  /// Called with an Exception*, not null, in the thrower's cell. Unwinds to the innermost block that catches it:
  /// resumes at its handler (codegen/image.hpp) with the frame pointer of that function and the exception; all else the
  /// handler finds in the frame. Traps with kUnhandledException if there is none, or with kOutOfFuel.
  void (*throw_exception)();
  /// Called for a call into another instance, with a FunctionReference* and all else as the callee expects it but for
  /// the cell pointer, which is the caller's: switches to the callee's cell, and back behind it. Its frame keeps the
  /// caller's.
  void (*call_other)();
  /// Jumped to for a tail call into another instance, likewise.
  void (*tail_call)();
  /// @return an exception of the cell's tag of that index, its values not yet written; 0 if there is no room. May give
  /// back exceptions that are not reachable, so its return address must tell what the frame holds (codegen::Roots).
  std::uint64_t (*new_exception)(std::byte* cell, std::uint32_t tag);
  /// @return the old size in Wasm pages, or 2^64 - 1 if refused.
  std::uint64_t (*memory_grow)(std::byte* cell, std::uint64_t delta_pages, std::uint32_t memory);
  std::uint32_t (*memory_fill)(std::byte* cell, std::uint64_t destination, std::uint32_t value, std::uint64_t count,
                               std::uint32_t memory);
  std::uint32_t (*memory_copy)(std::byte* cell, std::uint64_t destination, std::uint64_t source, std::uint64_t count,
                               std::uint32_t destination_memory, std::uint32_t source_memory);
  std::uint32_t (*memory_init)(std::byte* cell, std::uint64_t destination, std::uint32_t source, std::uint32_t count,
                               std::uint32_t segment, std::uint32_t memory);
  /// @return the old size in elements, or 2^64 - 1 if refused.
  std::uint64_t (*table_grow)(std::byte* cell, std::uint64_t value, std::uint64_t delta, std::uint32_t table);
  std::uint32_t (*table_fill)(std::byte* cell, std::uint64_t index, std::uint64_t value, std::uint64_t count,
                              std::uint32_t table);
  std::uint32_t (*table_copy)(std::byte* cell, std::uint64_t destination, std::uint64_t source, std::uint64_t count,
                              std::uint32_t destination_table, std::uint32_t source_table);
  std::uint32_t (*table_init)(std::byte* cell, std::uint64_t destination, std::uint32_t source, std::uint32_t count,
                              std::uint32_t table, std::uint32_t segment);
  /// @param type  the number of a ValueType of the cell's module, in whose hierarchy the reference is.
  /// @return 1 if the reference is of that type, else 0.
  std::uint32_t (*is_reference_of)(std::byte* cell, std::uint64_t reference, std::uint32_t type);
};
static_assert(sizeof(void*) == 8 && sizeof(Library) == 120);

/// A host function as a cell sees it. `call` runs on the thread's own stack, in host state; it reads arguments from the
/// slots and writes results there. It returns TrapKind::kNone (0), the trap to raise, or kLeft; it throws nothing.
struct HostFunction {
  std::uint32_t (*call)(void* environment, std::byte* cell, std::uint64_t* slots);
  void* environment;
};
static_assert(sizeof(HostFunction) == 16);

/// Returned by a host function instead of a TrapKind: the call is left, and goes on by anew_resume.
inline constexpr std::uint32_t kLeft = 0xFFFF'FFFF;
/// How a guest comes back that a signal handler parked (interruption.hpp): it goes on by anew_resume_parked.
inline constexpr std::uint32_t kParked = 0xFFFF'FFFE;

enum class ThreadState : std::uint32_t { kHost = 0, kGuest = 1 };

/// One per thread that ever called a guest. What a guest's stop is decided by: state, not program counter.
/// enter.S knows most of these displacements (offsets.h).
struct ThreadRecord {
  volatile std::uint32_t state = 0;          ///<  0  a ThreadState; volatile: a signal handler reads it
  volatile std::uint32_t kill = 0;           ///<  4  not 0: the next change to guest state lands instead
  std::uint64_t host_sp = 0;                 ///<  8  of the innermost activation, where its exit begins
  volatile std::uint32_t trap_kind = 0;      ///< 16  volatile, like those below: signal handlers write them
  volatile std::uint32_t trap_is_fault = 0;  ///< 20  1: trap_pc is where the guest was stopped; 0: a return address
  volatile std::uint64_t trap_pc = 0;        ///< 24
  volatile std::uint64_t trap_fp = 0;        ///< 32  frame pointer of the function that trapped
  std::uint64_t host_calls = 0;              ///< 40  counted by call_host
  std::uint64_t stub_frame = 0;              ///< 48  frame pointer of the import's stub that called the host last
  std::uint64_t left_stack_pointer = 0;      ///< 56  of a guest whose call was left (anew_resume), or parked
  std::uint64_t callee = 0;                  ///< 64  where compiled code may keep one while it places arguments
  std::int64_t fuel = 0;        ///< 72  left to the guest that runs; compiled code with Options::fuel counts it down
  std::int64_t stack_left = 0;  ///< 80  units left to the frames of the guest that runs (stack_limit.hpp)
  /// 88  Arguments and results for which there is no register: written just before a call or a return, and read at
  /// once.
  std::uint64_t spilled_values[2 * std::max(wasm::limits::kParameters, wasm::limits::kResults)] = {};
};
inline constexpr std::int32_t kFuel = offsetof(ThreadRecord, fuel);
inline constexpr std::int32_t kStackLeft = offsetof(ThreadRecord, stack_left);
inline constexpr std::int32_t kSpilledValues = offsetof(ThreadRecord, spilled_values);
inline constexpr std::int32_t kCallee = offsetof(ThreadRecord, callee);

/// How a guest came back. In registers: whoever calls anew_enter need not keep the record meanwhile.
struct EnterResult {
  std::uint64_t trap;  ///< 0; the TrapKind that ended the call, and trap_pc and trap_fp say where; kLeft or kParked
  ThreadRecord* record;
};
/// Enters a guest (enter.S). Saves the thread's state, switches to the guest stack at `stack_top`, and calls `thunk`
/// with slots, entry and cell.
/// @param slots  arguments in, results out, one u64 each; room for the larger number.
/// @param entry  the slot in the module's table of entry addresses of the function to call.
/// @param stack_top  where the activation's guest stack starts; 16-aligned.
extern "C" EnterResult anew_enter(ThreadRecord* record, std::byte* cell, const void* thunk, std::uint64_t* slots,
                                  void* const* entry, std::uint64_t stack_top);
/// Goes on with a guest whose call was left: as anew_enter, but on the guest stack as call_host left it, and as if the
/// host function had returned `status`. The cells of its store must name this record by then, and the return address
/// that anew_enter pushed at the stack's top must be anew_return_resumed.
/// @param stack_pointer  ThreadRecord::left_stack_pointer when the call was left.
extern "C" EnterResult anew_resume(ThreadRecord* record, std::uint64_t stack_pointer, std::uint32_t status);
/// Goes on with a guest that was parked, at the instruction that comes next, with all registers and flags as they were.
/// On the thread of that record alone: compiled code may have loaded the record's address before it was parked.
/// @param stack_pointer  ThreadRecord::left_stack_pointer when it was parked.
extern "C" EnterResult anew_resume_parked(ThreadRecord* record, std::uint64_t stack_pointer);
/// Where a guest that is parked goes on, to leave its thread: not a function (interruption.hpp).
extern "C" void anew_park();
/// Never called: see anew_resume.
extern "C" void anew_return_resumed();
/// Where a stopped guest resumes: not a function. A signal handler sends the thread there (interruption.hpp).
extern "C" void anew_landing();
extern "C" void anew_trap();
extern "C" void anew_call_host();
extern "C" void anew_throw();
extern "C" void anew_call_other();
extern "C" void anew_tail_call();
/// Where a function of another instance returns to: never called. The frame there, anew_call_other's, keeps the cell
/// pointer of whoever called (frame.hpp); it is taken back, and the frame left.
extern "C" void anew_return_to_cell();

/// Where a thrown exception goes on.
struct Landing {
  std::uint64_t pc = 0;     ///< the handler; 0 if there is none to go to
  std::uint64_t frame = 0;  ///< the frame pointer of its function; else the TrapKind to raise
};

/// What anew_throw asks (runtime/exceptions.hpp). Runs on the guest stack, in guest state, as library functions do:
/// takes no lock and allocates nothing.
/// @param cell             of the thrower.
/// @param return_address   of the call to anew_throw, in the function whose frame pointer is `frame`.
extern "C" [[gnu::visibility("hidden")]] void anew_find_handler(Exception* exception, std::byte* cell,
                                                                std::uint64_t return_address, std::uint64_t frame,
                                                                Landing* landing) noexcept;

}  // namespace anew::abi
