// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/opcodes.hpp"

namespace anew::wasm {

std::string_view to_string(Op op) noexcept {
  switch (op) {
#define ANEW_X(name, text, ...) \
  case Op::k##name: return text;
    ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
  }
  return "";
}

std::string_view why_unsupported(std::uint8_t opcode, std::uint32_t sub_opcode) noexcept {
  switch (opcode) {
    case 0xD3: return "not supported yet: garbage-collected types, ref.eq";
    case 0xFB:
      return sub_opcode < 0x06    ? "not supported yet: garbage-collected types, structures"
             : sub_opcode < 0x14  ? "not supported yet: garbage-collected types, arrays"
             : sub_opcode < 0x1A  ? ""  // casts
             : sub_opcode < 0x1C  ? "not supported yet: garbage-collected types, conversions from and to externref"
             : sub_opcode <= 0x1E ? "not supported yet: garbage-collected types, i31"
                                  : "";
    default: return "";
  }
}

}  // namespace anew::wasm
