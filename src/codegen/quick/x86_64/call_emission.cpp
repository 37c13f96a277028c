// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls as instructions: to functions, through references, into other instances and to the library.
#include "codegen/quick/x86_64/emitter.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

void Emitter::load_thread() { a_.mov(x86::r10, cell_field(abi::kThread, 8)); }

Emitter::Mem Emitter::spilled_value(std::uint32_t slot, ValueType type) {
  // At most as many slots as ThreadRecord::spilled_values has.
  return {x86::r10, abi::kSpilledValues + static_cast<std::int32_t>(8 * slot), bytes_of(type)};
}

void Emitter::keep_callee() {
  static_assert(kCallee == kR10);
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.mov(x86::qword_ptr(x86::r11, abi::kCallee), x86::r10);
}

void Emitter::take_callee_back() { a_.mov(x86::r10, x86::qword_ptr(x86::r10, abi::kCallee)); }

Emitter::Mem Emitter::exception_value(std::uint32_t slot, ValueType type) {
  static_assert(kLibraryResult == kRax && kCaughtException == kRax);
  // At most 2 * limits::kParameters slots.
  return {x86::rax, static_cast<std::int32_t>(sizeof(abi::Exception) + 8ull * slot), bytes_of(type)};
}

void Emitter::emit_entry_jump(const std::uint8_t (&opcode)[2], std::uint32_t function) {
  // The opcode, then where the entry lies: in the table for now, from the end of the instruction once it is linked.
  const std::uint8_t jump[6] = {opcode[0], opcode[1], 0, 0, 0, 0};
  a_.embed(jump, sizeof(jump));
  const auto at = static_cast<std::uint32_t>(code_offset() - 4);
  a_.patch(at, 8 * function);  // functions are at most limits::kFunctions and kImports
  tables_.entries.push_back(at);
}

Emitter::CrossCall& Emitter::check_cell(Callee callee, std::uint32_t function) {
  constexpr auto kCellAt = static_cast<std::int32_t>(offsetof(abi::FunctionReference, cell));
  const bool imported = callee == Callee::kImported;
  a_.cmp(imported ? cell_field(context_.layout.function_reference(function) + kCellAt, 8)
                  : x86::qword_ptr(x86::r10, kCellAt),
         x86::r13);
  CrossCall& cross = cross_calls_.emplace_back();
  cross.module_offset = module_offset_;
  cross.import = imported ? function : kNone;
  a_.jne(cross.label);
  return cross;
}

void Emitter::emit_cross_call(CrossCall& cross) {
  module_offset_ = cross.module_offset;
  a_.bind(cross.label);
  if (cross.import != kNone) a_.lea(x86::r10, cell_field(context_.layout.function_reference(cross.import), 8));
  a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
  if (!cross.back.is_bound()) {  // a tail call
    a_.jmp(x86::qword_ptr(x86::r11, offsetof(abi::Library, tail_call)));
    return;
  }
  add_position();
  a_.call(x86::qword_ptr(x86::r11, offsetof(abi::Library, call_other)));
  note_call_site(cross.notes);
  a_.jmp(cross.back);
}

void Emitter::note_call_site(CallNotes notes) {
  if (notes.try_block == kNoTryBlock && notes.roots == kNoRoots) return;
  // Text stays below 2^31 bytes or is refused as a whole (compile.cpp).
  try_tables().call_sites.push_back({static_cast<std::uint32_t>(code_offset()), notes.try_block, notes.roots});
}

void Emitter::call_function(Callee callee, std::uint32_t function, CallNotes notes) {
  static constexpr std::uint8_t kCallEntry[2] = {0xFF, 0x15};
  if (callee == Callee::kDefined) {
    add_position();
    emit_entry_jump(kCallEntry, function);
    note_call_site(notes);
    return;
  }
  CrossCall& cross = check_cell(callee, function);
  cross.notes = notes;
  add_position();
  if (callee == Callee::kImported) {
    emit_entry_jump(kCallEntry, function);
  } else {
    a_.mov(x86::r10, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, entry)));
    a_.call(x86::qword_ptr(x86::r10));
  }
  note_call_site(notes);
  a_.bind(cross.back);
}

// A function of another instance gets there by way of Library::tail_call.
void Emitter::jump_to_function(Callee callee, std::uint32_t function) {
  static constexpr std::uint8_t kJumpToEntry[2] = {0xFF, 0x25};
  if (callee != Callee::kDefined) check_cell(callee, function);
  if (callee == Callee::kReference) {
    a_.mov(x86::r10, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, entry)));
    a_.jmp(x86::qword_ptr(x86::r10));
  } else {
    emit_entry_jump(kJumpToEntry, function);
  }
}

void Emitter::call_library_function(std::size_t library_offset, CallNotes notes) {
  a_.mov(x86::rdi, x86::r13);
  a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
  add_position();
  a_.call(x86::qword_ptr(x86::r11, static_cast<std::int32_t>(library_offset)));
  note_call_site(notes);
}

void Emitter::trap_if_library_failed() {
  a_.test(x86::eax, x86::eax);
  a_.jnz(cold_trap(TrapKind::kNone));
}

void Emitter::narrow_library_result() { a_.mov(x86::eax, x86::eax); }

void Emitter::throw_exception(CallNotes notes) {
  static_assert(kThrownException == kRdi);
  a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
  add_position();
  a_.call(x86::qword_ptr(x86::r11, offsetof(abi::Library, throw_exception)));
  note_call_site(notes);
}

void Emitter::check_callee_type(std::uint32_t type, bool is_final) {
  static_assert(kCallee == kR10);
  a_.mov(x86::r11d, cell_field(context_.layout.type_id(type), 4));
  a_.cmp(x86::dword_ptr(x86::r10, offsetof(abi::FunctionReference, type_id)), x86::r11d);
  if (is_final) {
    a_.jne(cold_trap(TrapKind::kIndirectCallTypeMismatch));
    return;
  }
  SubtypeCheck& check = subtype_checks_.emplace_back();
  check.module_offset = module_offset_;
  check.type = type;
  a_.jne(check.label);
  a_.bind(check.back);
}

void Emitter::emit_subtype_check(SubtypeCheck& check) {
  static_assert(kCallee == kR10);
  module_offset_ = check.module_offset;
  a_.bind(check.label);
  a_.push(x86::r10);
  a_.push(x86::r10);  // once more, for alignment
  a_.mov(x86::rdi, x86::r13);
  a_.mov(x86::rsi, x86::r10);
  a_.mov(x86::edx, anew::detail::number(typed_reference(check.type, false)));
  a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
  add_position();
  a_.call(x86::qword_ptr(x86::r11, offsetof(abi::Library, is_reference_of)));
  a_.pop(x86::r10);
  a_.pop(x86::r10);
  a_.test(x86::eax, x86::eax);
  a_.jz(cold_trap(TrapKind::kIndirectCallTypeMismatch));
  a_.jmp(check.back);
}

}  // namespace anew::codegen::quick
