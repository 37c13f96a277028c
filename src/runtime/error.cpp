// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/error.hpp>
#include <iterator>

#include "wasm/printable.hpp"

namespace anew {

const char* to_string(TrapKind kind) noexcept {
  switch (kind) {
    case TrapKind::kNone: return "no trap";
    case TrapKind::kUnreachable: return "unreachable";
    case TrapKind::kMemoryOutOfBounds: return "out of bounds memory access";
    case TrapKind::kTableOutOfBounds: return "out of bounds table access";
    case TrapKind::kUndefinedElement: return "undefined element";
    case TrapKind::kUninitializedElement: return "uninitialized element";
    case TrapKind::kIndirectCallTypeMismatch: return "indirect call type mismatch";
    case TrapKind::kIntegerDivideByZero: return "integer divide by zero";
    case TrapKind::kIntegerOverflow: return "integer overflow";
    case TrapKind::kInvalidConversionToInteger: return "invalid conversion to integer";
    case TrapKind::kStackExhausted: return "call stack exhausted";
    case TrapKind::kHostError: return "host function failed";
    case TrapKind::kInterrupted: return "interrupted";
    case TrapKind::kNullReference: return "null reference";
    case TrapKind::kNullFunctionReference: return "null function reference";
    case TrapKind::kNullExceptionReference: return "null exception reference";
    case TrapKind::kUnalignedAtomic: return "unaligned atomic";
    case TrapKind::kExpectedSharedMemory: return "expected shared memory";
    case TrapKind::kUnhandledException: return "unhandled exception";
    case TrapKind::kOutOfFuel: return "out of fuel";
    case TrapKind::kCastFailure: return "cast failure";
    case TrapKind::kExceptionsExhausted: return "too many exceptions held by reference";
  }
  return "unknown trap";
}

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kMalformed: return "malformed module";
    case ErrorCode::kInvalid: return "invalid module";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kLimit: return "limit exceeded";
    case ErrorCode::kLink: return "link error";
    case ErrorCode::kTrap: return "trap";
    case ErrorCode::kArgument: return "wrong argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kIo: return "input/output error";
    case ErrorCode::kResource: return "out of resources";
    case ErrorCode::kArtifact: return "unusable compiled module";
    case ErrorCode::kHost: return "host error";
  }
  return "unknown error";
}

std::string Error::to_string() const {
  std::string text = message;
  auto out = std::back_inserter(text);
  if (offset) fmt::format_to(out, " (at byte 0x{:x} of the module)", *offset);
  for (const Frame& frame : backtrace) {
    fmt::format_to(out, "\n  at {}{}function {}", wasm::function_text(frame.function_name),
                   frame.function_name.empty() ? "" : ", ", frame.function_index);
    if (!frame.instance_name.empty()) fmt::format_to(out, " of \"{}\"", wasm::printable_name(frame.instance_name));
    if (frame.is_host) fmt::format_to(out, ", a call of the host");
    if (frame.module_offset != 0) fmt::format_to(out, ", byte 0x{:x} of the module", frame.module_offset);
    if (frame.source_line != 0)
      fmt::format_to(out, ", {}:{}", wasm::printable_name(frame.source_file), frame.source_line);
  }
  return text;
}

}  // namespace anew
