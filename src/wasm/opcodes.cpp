// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/opcodes.hpp"

namespace anew::wasm {

std::string_view to_string(Op op) noexcept {
  switch (op) {
#define ANEW_X(name, text, code, immediate, signature) \
  case Op::k##name: return text;
    ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
  }
  return "";
}

std::string_view unsupported_feature(std::uint8_t opcode) noexcept {
  switch (opcode) {
    case 0x06:  // try, catch, throw, rethrow, throw_ref, delegate, catch_all, try_table
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x0A:
    case 0x18:
    case 0x19:
    case 0x1F: return "exception handling";
    case 0x12:  // return_call, return_call_indirect
    case 0x13: return "tail calls";
    case 0x14:  // call_ref, return_call_ref, ref.as_non_null, br_on_null, br_on_non_null
    case 0x15:
    case 0xD4:
    case 0xD5:
    case 0xD6: return "typed function references";
    case 0xD3:  // ref.eq
    case 0xFB: return "garbage collection";
    case 0xFD: return "vector instructions";
    case 0xFE: return "atomic instructions (threads)";
    default: return "";
  }
}

}  // namespace anew::wasm
