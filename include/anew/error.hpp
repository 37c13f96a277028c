// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Errors are values: what may fail returns Result<T> and throws nothing; all else throws std::bad_alloc at most.
#pragma once

#include <anew/version.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace anew {

/// What kind of thing is wrong. Error::message says the rest.
enum class ErrorCode : std::uint8_t {
  kMalformed,    ///< the bytes are not a WebAssembly module (specification, chapter 5)
  kInvalid,      ///< the module does not validate (specification, chapter 3)
  kUnsupported,  ///< a WebAssembly feature that Anew does not run, or a processor that it does not run on
  kLimit,        ///< the module is past one of Anew's limits; the message has the number
  kLink,         ///< an import is missing or of another type
  kTrap,         ///< the guest trapped; Error::trap and Error::backtrace say how and where
  kArgument,     ///< a wrong argument: count, type or range
  kNotFound,     ///< no such export, file or key
  kIo,           ///< the operating system refused a file operation
  kResource,     ///< out of memory, address space, mappings, threads, pool capacity or time to wait
  kArtifact,     ///< a compiled module or snapshot file that is truncated, altered, foreign or stale
  kHost,         ///< a function of the host failed; inside a guest's call this is kTrap with TrapKind::kHostError
};

/// Why a guest stopped, in three groups: the traps of the specification (chapter 4.4, appendix "Implementation
/// Limitations" for stack exhaustion) up to version 2.0; what the host made of a call; and, behind these because the
/// values are part of the ABI of compiled code, the traps of what was added later and of Anew's own bounds.
enum class TrapKind : std::uint8_t {
  kNone = 0,
  kUnreachable,
  kMemoryOutOfBounds,
  kTableOutOfBounds,
  kUndefinedElement,      ///< call_indirect with an index past the end of the table
  kUninitializedElement,  ///< call_indirect through a null reference
  kIndirectCallTypeMismatch,
  kIntegerDivideByZero,
  kIntegerOverflow,
  kInvalidConversionToInteger,
  kStackExhausted,
  // What the host made of the call.
  kHostError,    ///< a host function returned an error
  kInterrupted,  ///< stopped from outside: its deadline or start_timeout passed, or its pool was shut down
  // Traps of WebAssembly 3.0 and of atomic operators, and two bounds of Anew's own.
  kNullReference,           ///< ref.as_non_null of null
  kNullFunctionReference,   ///< call_ref through null
  kNullExceptionReference,  ///< throw_ref of null
  kUnalignedAtomic,
  kExpectedSharedMemory,  ///< memory.atomic.wait on a memory that is not shared would never end
  kUnhandledException,    ///< an exception that nothing caught before the call's end
  kExceptionsExhausted,   ///< more exceptions held by reference in one call than there is room for
  kOutOfFuel,             ///< it needed more than Lease::set_fuel gave it
  kCastFailure,           ///< ref.cast of what is of another type
};

/// The specification test suite's words for a trap, such as "integer divide by zero".
[[nodiscard]] ANEW_API const char* to_string(TrapKind kind) noexcept;
/// A few words, such as "link error".
[[nodiscard]] ANEW_API const char* to_string(ErrorCode code) noexcept;

/// One WebAssembly frame of a backtrace, innermost first.
struct Frame {
  std::uint32_t function_index = 0;
  std::string function_name;        ///< from name section, export or import, as the guest wrote it; empty where unknown
  std::string instance_name;        ///< of an instance that others import from; empty for the main one
  bool is_host = false;             ///< the import through which the guest called a host function
  std::uint64_t module_offset = 0;  ///< byte offset of the operator in the module's binary; 0 where unknown
  std::string source_file;        ///< that it was compiled from, as the guest's compiler wrote it; empty without DWARF
  std::uint32_t source_line = 0;  ///< from 1; 0 where unknown
};

/// Why something failed.
struct ANEW_API Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;                  ///< what is wrong, where, and what to do about it
  std::optional<std::uint64_t> offset;  ///< of a module that is refused: byte offset in the binary
  TrapKind trap = TrapKind::kNone;      ///< of a call that trapped, with code kTrap
  std::vector<Frame> backtrace;         ///< of that call, innermost frame first; a deep one leaves out the outermost

  /// The message, the offset and the backtrace, in lines: names demangled, a guest's words escaped (in `message` too).
  [[nodiscard]] std::string to_string() const;
};

/// A value, or why there is none.
template <typename T>
using Result = std::expected<T, Error>;

/// An error without an offset, a trap or a backtrace.
[[nodiscard]] inline Error make_error(ErrorCode code, std::string message) {
  return Error{code, std::move(message), std::nullopt, TrapKind::kNone, {}};
}
/// Shorthand: `return anew::fail(ErrorCode::kIo, "...")`.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(make_error(code, std::move(message)));
}
/// The same with Error::offset.
[[nodiscard]] inline std::unexpected<Error> fail_at(ErrorCode code, std::uint64_t offset, std::string message) {
  return std::unexpected(Error{code, std::move(message), offset, TrapKind::kNone, {}});
}

}  // namespace anew
