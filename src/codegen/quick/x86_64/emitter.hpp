// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The first layer of the quick tier: instructions. It moves bits between registers and memory, jumps, calls, traps, and
// keeps what stands behind a function's code: traps, calls into other instances, constants and tables of jumps. It
// knows registers and labels, and nothing of operands, locals or blocks: what is where is said by the layers above.
//
// Invariants:
//  - The position (set_position) is that of the operator being compiled. add_position() says that the code from here on
//    is that operator's; it stands before every instruction that can trap and every call.
//  - Moves, and jumps that were not taken, leave the processor's flags as they are.
//  - Between two instructions of one operator, r10, r11 and xmm15 are the operator's; no layer keeps a value there.
//  - What waits out of line is emitted where no code falls into it, and at the latest behind the function.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/cell.hpp"
#include "abi/library.hpp"
#include "codegen/positions.hpp"
#include "codegen/quick/tables.hpp"
#include "codegen/quick/x86_64/assembler.hpp"
#include "codegen/quick/x86_64/registers.hpp"

namespace anew::codegen::quick {

class Emitter {
 public:
  /// How many bytes the assembler's code and, counted twice, the tables may take. An operator with a thousand results
  /// makes kilobytes of code from two bytes, so what a body's size bounds is not enough.
  void limit_bytes(std::uint64_t maximum) noexcept { maximum_bytes_ = maximum; }

 protected:
  using Gp = asmjit::x86::Gp;
  using Xmm = asmjit::x86::Xmm;
  using Mem = asmjit::x86::Mem;
  using Condition = asmjit::x86::CondCode;
  using InstId = asmjit::InstId;
  /// No index, local, offset and so on.
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  Emitter(const ModuleContext& context, Assembler& assembler, Tables& tables)
      : context_(context), a_(assembler), tables_(tables), position_writer_(tables.positions) {}

  // --- Where we are ---

  /// @param room  bytes that are kept free before the function's code, for what begins it and is known at the end only.
  void begin_code(std::uint32_t room);
  /// @param start  the function's first byte, in that room or behind it; no position is of an earlier one.
  void end_code(std::uint64_t start);
  void set_position(std::uint64_t module_offset) noexcept { module_offset_ = module_offset; }
  [[nodiscard]] std::uint64_t position() const noexcept { return module_offset_; }
  void add_position() { position_writer_.add(code_offset() - function_start_, module_offset_); }
  [[nodiscard]] std::uint64_t code_offset() const noexcept { return a_.offset(); }
  /// Called before anything that emits more than a bounded, small amount of code.
  void check_code_size() const {
    if (code_offset() > maximum_bytes_) [[unlikely]]
      throw CodeTooLarge{};
  }
  /// The same for code, tables and `more`; not for each operator.
  void check_size(std::uint64_t more) const {
    if (code_offset() + 2 * tables_.bytes() + more > maximum_bytes_) throw CodeTooLarge{};
  }
  [[nodiscard]] TryTables& try_tables() noexcept { return tables_.try_tables; }

  // --- Moves (emitter.cpp) ---

  void load_register(Register to, const Mem& from, ValueType type);
  void store_register(const Mem& to, Register from, ValueType type);
  void move_register(Register to, Register from, ValueType type);
  void load_constant(Register to, ValueType type, std::uint64_t bits);
  struct RegisterMove {
    Register from;
    Register to;
    ValueType type;
  };
  /// Parallel move between registers; `moves` is used up. No two have the same destination, none has its own source.
  void move_registers(std::span<RegisterMove> moves);
  /// 1 if the flags say so, else 0.
  void load_condition(Register to, Condition condition);
  [[nodiscard]] static std::int32_t displacement_of(const Mem& slot) noexcept {
    return static_cast<std::int32_t>(slot.offset());  // in a frame or an argument area
  }

  // --- Jumps (emitter.cpp) ---

  void bind(Label& label) { a_.bind(label); }
  void jump(Label& to) { a_.jmp(to); }
  void jump_if(Condition condition, Label& to) { a_.j(condition, to); }
  [[nodiscard]] static Condition negate(Condition condition) noexcept { return asmjit::x86::negateCond(condition); }
  /// Compares an integer or reference with zero. @return the condition that it is another number.
  [[nodiscard]] Condition compare_with_zero(Register reg, bool is_64);
  void trap(TrapKind kind) { a_.jmp(cold_trap(kind)); }
  void trap_if_zero(Register reg, bool is_64, TrapKind kind) {
    const Condition other = compare_with_zero(reg, is_64);
    jump_if(negate(other), cold_trap(kind));
  }
  /// Jumps to the target with the number in kIndex, or the last if there is none. The targets are told next.
  void jump_by_table(std::uint32_t last);
  void add_jump_target(std::uint32_t offset) { jump_targets_.push_back(offset); }

  // --- Calls (call_emission.cpp) ---

  /// What is to be noted of a return address.
  struct CallNotes {
    std::uint32_t try_block = kNoTryBlock;
    std::uint32_t roots = kNoRoots;
  };
  /// How a call finds its callee.
  enum class Callee : std::uint8_t { kDefined, kImported, kReference /* kCallee: FunctionReference* */ };
  void call_function(Callee callee, std::uint32_t function, CallNotes notes);
  void jump_to_function(Callee callee, std::uint32_t function);
  /// Calls a library function with this cell as its first argument.
  void call_library_function(std::size_t library_offset, CallNotes notes);
  /// Traps with the kind that a library function returned, if it did not return kNone.
  void trap_if_library_failed();
  /// Cuts what a library function returned down to 32 bits.
  void narrow_library_result();
  /// Throws the exception in kThrownException.
  void throw_exception(CallNotes notes);
  /// Traps unless the function in kCallee has that type. If that is not final, cold code asks the library about the
  /// others, and clobbers what a call clobbers, but for kCallee.
  void check_callee_type(std::uint32_t type, bool is_final);
  /// Arguments and results past those in registers: their places are relative to the thread, which this loads to r10.
  void load_thread();
  [[nodiscard]] static Mem spilled_value(std::uint32_t slot, ValueType type);
  /// Puts kCallee aside, and takes it back while r10 is the thread. Uses r11.
  void keep_callee();
  void take_callee_back();
  [[nodiscard]] static Mem exception_value(std::uint32_t slot, ValueType type);

  // --- Fuel (emitter.cpp) ---

  /// Pays the units that patch() fills in there, or traps. @return where.
  [[nodiscard]] std::uint64_t emit_charge();
  /// What the library could not trap for, because it returns a size.
  void trap_if_out_of_fuel();
  void patch(std::uint64_t at, std::uint32_t word) noexcept { a_.patch(at, word); }

  // --- Out of line (out_of_line.cpp) ---

  /// A label at which the trap is raised; its code stands behind the function.
  [[nodiscard]] Label& cold_trap(TrapKind kind);
  /// The same for a float that an integer cannot hold: the trap is kInvalidConversionToInteger if it is NaN.
  [[nodiscard]] Label& cold_overflow_trap(Register checked, bool is_64);
  /// A constant of 16 bytes in the code behind the function, relative to the instruction pointer. Equal ones share.
  Mem vector_in_code(wasm::Vector bits);
  /// How much waits to be emitted out of line.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return cold_.size() + cross_calls_.size() + subtype_checks_.size() + vector_uses_ + jump_targets_.size();
  }
  /// Emits what waits for a place that no code falls into: cold code, constants, tables of jumps.
  void emit_out_of_line();
  /// The same amid a function, jumped over. Leaves the flags as they are, for an operand may be waiting in them.
  void emit_out_of_line_here();

  // --- asmjit registers ---

  [[nodiscard]] static Gp gp32(Register reg) noexcept { return asmjit::x86::gpd(reg); }
  [[nodiscard]] static Gp gp64(Register reg) noexcept { return asmjit::x86::gpq(reg); }
  [[nodiscard]] static Gp gp(Register reg, bool is_64) noexcept { return is_64 ? gp64(reg) : gp32(reg); }
  [[nodiscard]] static Xmm xmm(Register reg) noexcept { return asmjit::x86::xmm(reg - kFirstXmm); }
  [[nodiscard]] static Mem cell_field(std::int32_t displacement, std::uint32_t size) noexcept {
    return asmjit::x86::Mem(asmjit::x86::r13, displacement, size);
  }

  const ModuleContext& context_;
  Assembler& a_;  ///< used in this folder only: the model of values emits what is declared above

 private:
  struct Cold {
    Label label;
    TrapKind kind;                   ///< kNone: already in eax
    Register checked = kNoRegister;  ///< a float of type checked_64: kInvalidConversion if it is NaN, else `kind`
    bool checked_64 = false;
    std::uint64_t module_offset;
  };
  /// A call into another instance, through r10, in cold code; goes on behind the call that it stands for.
  struct CrossCall {
    Label label;
    Label back;  ///< not bound: it is a tail call
    std::uint64_t module_offset;
    std::uint32_t import;  ///< kNone: r10 holds the FunctionReference
    CallNotes notes;
  };
  /// Of a function that is not of the very type which is asked for, in cold code: is its type below that?
  struct SubtypeCheck {
    Label label;
    Label back;
    std::uint64_t module_offset;
    std::uint32_t type;
  };
  struct VectorConstant {
    wasm::Vector bits;
    asmjit::Label label;
  };
  struct JumpTable {
    Label label;
    std::uint32_t first = 0;  ///< of its targets; they end where the next table's begin
  };

  void emit_entry_jump(const std::uint8_t (&opcode)[2], std::uint32_t function);
  /// Compares the callee's cell with this one: cold code makes the call if they differ.
  CrossCall& check_cell(Callee callee, std::uint32_t function);
  void emit_cross_call(CrossCall& cross);
  void emit_subtype_check(SubtypeCheck& check);
  /// Behind every call: notes the return address if there is something to say about it.
  void note_call_site(CallNotes notes);
  void emit_cold_code();
  void emit_vectors();
  void emit_jump_tables();

  Tables& tables_;
  PositionWriter position_writer_;
  std::uint64_t maximum_bytes_ = ~std::uint64_t{0};
  std::uint64_t module_offset_ = 0;
  std::uint64_t function_start_ = 0;  ///< of the room, which positions count from until end_code()
  std::vector<Cold> cold_;
  std::vector<CrossCall> cross_calls_;
  std::vector<SubtypeCheck> subtype_checks_;
  std::vector<VectorConstant> vectors_;
  std::array<std::uint32_t, 256> vector_by_hash_{};  ///< where in vectors_ a constant with that hash may be
  std::uint32_t vector_uses_ = 0;  ///< operands that refer to vectors_: asmjit remembers each until they are emitted
  std::vector<JumpTable> jump_tables_;
  std::vector<std::uint32_t> jump_targets_;  ///< offsets in the code
};

}  // namespace anew::codegen::quick
