// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What stands between a module's functions and the host (see abi/library.hpp).
#pragma once

#include <cstdint>

#include "codegen/quick/tables.hpp"
#include "codegen/quick/x86_64/assembler.hpp"

namespace anew::codegen::quick {

/// The stub of an imported function: moves what the calling convention has in registers to slots and back.
void emit_import_stub(Assembler& a, const ModuleContext& context, std::uint32_t import);
/// The entry thunk of a type: the reverse, for calls of the host's.
void emit_entry_thunk(Assembler& a, const ModuleContext& context, std::uint32_t type);
/// What optimized code calls to raise a trap, kTrapStubBytes for each kind (tier.hpp). The one of TrapKind::kNone takes
/// the kind from the first argument.
void emit_trap_stubs(Assembler& a);

}  // namespace anew::codegen::quick
