// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier: validated operators in, x86-64 out, in one pass and linear time.
//
// It keeps a model of the operand stack. An operand is a constant, a reference to a local that was not read yet, a
// register, the processor's flags (a comparison that waits for its branch), or its *home*: the 8-byte slot of the frame
// that belongs to its height. Registers also cache locals; a dirty one is newer than the local's home.
//
//   frame    [rbp + 16 + 8k]             stack arguments, the homes of the parameters that came there
//            [rbp - 8] ... [rbp - 32]    the preserved registers rbx r12 r14 r15, saved if the function uses them
//            [rbp - 40 - 8i]             home of local i
//            [rbp - 40 - 8(locals + i)]  home of the operand at height i
//
// Registers: r13 cell pointer, r10 r11 and xmm15 scratch within one operator, all others hold operands and locals.
//
// Where control flow meets (a label), registers must agree. The first branch to a label decides: the label's state is
// the locals cached at that moment. Later branches *conform*: they store what the label does not expect in a register,
// and move or load what it does. Operands below a block are in their homes before the block begins (constants stay
// constants), so a state holds locals only; a block's single result is in rax or xmm0, several are in their homes.
//
// Each operator costs a bounded number of steps: operands are spilled at most once (`settled_`), the references to one
// local are chained so that local.set finds them without a search, and states have a fixed size.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/cell.hpp"
#include "abi/convention.hpp"
#include "abi/library.hpp"
#include "codegen/image.hpp"
#include "codegen/positions.hpp"
#include "wasm/validator.hpp"

namespace anew::codegen::quick {

/// A general register (0 to 15) or an xmm register (16 to 31).
using Register = std::uint8_t;
inline constexpr Register kNoRegister = 0xFF;
inline constexpr Register kFirstXmm = 16;
using RegisterSet = std::uint32_t;  ///< bit r: register r

/// A rel32 at `offset` that must reach the table of entry addresses at `function`.
struct EntryReference {
  std::uint32_t offset;
  std::uint32_t function;
};

/// Thrown where code grows past QuickCompiler::limit_code.
struct CodeTooLarge {};

/// What all functions of a module share while they compile.
struct ModuleContext {
  const wasm::Module& module;
  const abi::CellLayout& layout;
  const Options& options;
  std::span<const abi::Places> arguments;  ///< by type index
  std::span<const abi::Places> results;
};

/// The sink that makes machine code (see wasm/validator.hpp for the contract). Appends function after function to one
/// asmjit section; one thread at a time.
class QuickCompiler {
 public:
  QuickCompiler(const ModuleContext& context, asmjit::x86::Assembler& assembler, std::vector<EntryReference>& entries,
                std::vector<std::byte>& positions);

  /// Where begin_function appends the offset of each function's first byte.
  void record_starts_in(std::vector<std::uint32_t>& starts) noexcept { starts_ = &starts; }
  /// How far the assembler's code may reach. An operator with a thousand results makes kilobytes of code from two
  /// bytes, so what a body's size bounds is not enough.
  void limit_code(std::uint64_t offset) noexcept { most_code_ = offset; }

  void begin_function(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals);
  void end_function(bool reachable);
  void at(std::uint64_t module_offset) {
    module_offset_ = module_offset;
    check_code_size();
  }

  void unreachable();
  void block(wasm::BlockType type);
  void loop(wasm::BlockType type);
  void if_(wasm::BlockType type);
  void else_(bool reachable);
  void end(bool reachable);
  void br(std::uint32_t depth);
  void br_if(std::uint32_t depth);
  void br_table(std::span<const std::uint32_t> depths);
  void return_();
  void call(std::uint32_t function);
  void call_indirect(std::uint32_t type, std::uint32_t table);
  void drop();
  void select(ValueType type);
  void local_get(std::uint32_t local);
  void local_set(std::uint32_t local);
  void local_tee(std::uint32_t local);
  void global_get(std::uint32_t global);
  void global_set(std::uint32_t global);
  void constant(ValueType type, std::uint64_t bits);
  void numeric(wasm::Op op);
  void load(wasm::Op op, wasm::MemoryArgument argument);
  void store(wasm::Op op, wasm::MemoryArgument argument);
  void memory_size(std::uint32_t memory);
  void memory_grow(std::uint32_t memory);
  void memory_init(std::uint32_t segment, std::uint32_t memory);
  void data_drop(std::uint32_t segment);
  void memory_copy(std::uint32_t destination, std::uint32_t source);
  void memory_fill(std::uint32_t memory);
  void table_get(std::uint32_t table);
  void table_set(std::uint32_t table);
  void table_init(std::uint32_t segment, std::uint32_t table);
  void elem_drop(std::uint32_t segment);
  void table_copy(std::uint32_t destination, std::uint32_t source);
  void table_grow(std::uint32_t table);
  void table_size(std::uint32_t table);
  void table_fill(std::uint32_t table);
  void ref_null(ValueType type);
  void ref_is_null();
  void ref_func(std::uint32_t function);

 private:
  using Gp = asmjit::x86::Gp;
  using Xmm = asmjit::x86::Xmm;
  using Mem = asmjit::x86::Mem;
  using Condition = asmjit::x86::CondCode;
  using InstId = asmjit::InstId;

  // --- The model of the operand stack (values.cpp) ---

  struct Operand {
    enum class Kind : std::uint8_t { kConstant, kLocal, kRegister, kFlags, kHome };
    ValueType type;
    Kind kind;
    Register reg = kNoRegister;            ///< kRegister
    Condition condition = Condition::kO;   ///< kFlags
    std::uint32_t local = 0;               ///< kLocal
    std::uint32_t height = 0;              ///< its place on the stack; says where its home is
    std::uint32_t next_reference = kNone;  ///< kLocal: the next operand below that refers to the same local
    std::uint64_t bits = 0;                ///< kConstant
  };
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  /// Which locals the registers hold where control flow meets.
  struct State {
    std::array<std::uint32_t, 32> local{};  ///< by register, where `cached` says so
    RegisterSet cached = 0;                 ///< registers that hold a local
    RegisterSet dirty = 0;                  ///< of these, those newer than the home
  };

  [[nodiscard]] std::uint32_t height() const noexcept { return static_cast<std::uint32_t>(stack_.size()); }
  Operand& push(ValueType type, Operand::Kind kind);
  void push_constant(ValueType type, std::uint64_t bits);
  void push_register(ValueType type, Register reg);
  void push_flags(Condition condition);
  /// Takes the top operand; a register it owned is held until release().
  Operand pop();
  void drop_to(std::uint32_t height);
  /// Ends an operator: registers held by it and not pushed are free again.
  void release() noexcept;
  /// Turns waiting flags on top of the stack into a register: called by every operator that cannot use them.
  void settle_flags();

  [[nodiscard]] Mem home(std::uint32_t local, ValueType type) const;
  [[nodiscard]] Mem operand_home(std::uint32_t height, ValueType type) const;
  [[nodiscard]] Mem home_of(const Operand& operand) const;
  /// A free register, held until release(). Never changes the flags.
  Register allocate(bool is_float, RegisterSet avoid = 0);
  Register allocate_for(ValueType type) { return allocate(is_float(type)); }
  /// Frees and holds this very register. It must not be held already.
  void claim(Register reg);
  void evict(Register reg);
  /// Brings an operand taken by pop() into a register that may only be read. Never changes the flags.
  Register use(const Operand& operand);
  /// Brings it into a register that may be overwritten, held until release(). Never changes the flags.
  Register use_writable(const Operand& operand);
  /// Copies an operand's value to `to`, which is held or scratch. Never changes the flags.
  void move_to(Register to, const Operand& operand);
  void move_to_memory(const Mem& to, const Operand& operand);
  void load_register(Register to, const Mem& from, ValueType type);
  void store_register(const Mem& to, Register from, ValueType type);
  void move_register(Register to, Register from, ValueType type);
  void load_constant(Register to, ValueType type, std::uint64_t bits);
  void cache_local(std::uint32_t local, Register reg, bool dirty);
  void forget_local_in(Register reg) noexcept;
  /// Gives every operand that refers to `local` a value of its own, because the local is about to change.
  void detach_references(std::uint32_t local);
  /// Puts all operands but constants into their homes: what a block expects below it.
  void settle_operands();
  void set_local(std::uint32_t local, const Operand& value);
  /// Before code that clobbers registers: stores dirty locals and all operands below `first_argument` that are in
  /// registers. The registers keep their values.
  void spill_for_call(std::uint32_t first_argument);
  void forget_volatile_registers();
  /// Parallel move of operands to registers and memory.
  struct Move {
    Operand operand;
    Register reg = kNoRegister;  ///< where to; kNoRegister: `memory`
    Mem memory;
  };
  void move_all(std::span<const Move> moves);
  /// Parallel move between registers; `moves` is used up. No two have the same destination, none has its own source.
  struct RegisterMove {
    Register from;
    Register to;
    ValueType type;
  };
  void move_registers(std::span<RegisterMove> moves);
  /// The register that holds the operand's value now, or kNoRegister.
  [[nodiscard]] Register register_of(const Operand& operand) const noexcept;

  // --- Control flow (control.cpp) ---

  struct Control {
    enum class Kind : std::uint8_t { kBlock, kLoop, kIf, kElse };
    Kind kind;
    bool has_state = false;    ///< some branch reaches the label
    std::uint32_t height = 0;  ///< of the stack below the parameters
    std::span<const ValueType> parameters;
    std::span<const ValueType> results;
    asmjit::Label label;
    asmjit::Label else_label;
    State state;       ///< at the label, once has_state
    State else_state;  ///< at the else or, without one, on the way past the if
    [[nodiscard]] std::span<const ValueType> label_types() const noexcept {
      return kind == Kind::kLoop ? parameters : results;
    }
  };

  void open_block(Control::Kind kind, wasm::BlockType type);
  [[nodiscard]] State current_state() const noexcept;
  void set_state(const State& state);
  /// Emits what a branch to `control` needs before its jump. The model of this path's values does not change, so that a
  /// conditional branch can go on behind it.
  void conform(Control& control);
  [[nodiscard]] bool conforms(const Control& control) const noexcept;
  /// Dirty registers whose locals the state does not keep in a dirty register: they must be stored.
  [[nodiscard]] RegisterSet to_store_for(const State& state) const noexcept;
  void load_for(const State& state);
  void move_results(const Control& control);
  [[nodiscard]] bool results_in_place(const Control& control) const noexcept;
  /// Frees the register in which the block's single result arrives from being a local's.
  void make_way_for_result(const Control& control);
  void push_results(std::span<const ValueType> types, bool in_register);
  void branch(std::uint32_t depth);
  void emit_return();
  void bind(const asmjit::Label& label);
  /// Takes the top operand as a condition: emits a test unless it is flags already.
  Condition pop_condition();

  // --- Memory (memory.cpp) ---

  struct Address {
    Mem mem;
    Register index = kNoRegister;  ///< the register that was added to the cell pointer, if any
    bool traps = false;            ///< the access is out of bounds for every memory: a trap was emitted
  };
  Address address(const Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void mark(const Operand& base, const Address& to, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void forget_marks() noexcept { marked_count_ = next_marked_ = 0; }
  [[nodiscard]] bool already_marked(const Operand& base, std::uint64_t offset, std::uint32_t bytes) const noexcept;
  void mark_written_tables();
  /// Leaves the index in r10, checked and clamped; `kind` is the trap if it is too large.
  void bounds_check_table(std::uint32_t table, const Operand& index, TrapKind kind);

  // --- Calls (calls.cpp) ---

  void emit_call(const FunctionType& type, std::uint32_t type_index, std::uint32_t function);
  /// Calls a library function with the top `arguments` operands and then the constants; pops the operands.
  void call_library(std::size_t library_offset, std::uint32_t arguments,
                    std::initializer_list<std::uint64_t> constants);
  void call_library_that_may_trap(std::size_t library_offset, std::uint32_t arguments,
                                  std::initializer_list<std::uint64_t> constants);

  // --- Numeric operators (numeric.cpp, floating.cpp) ---

  void integer_binary(InstId inst, bool is_64, bool commutative);
  void integer_add(bool is_64);
  void integer_compare(Condition condition, bool is_64);
  void integer_eqz(bool is_64);
  void shift(InstId by_constant, InstId by_register, bool is_64);
  void rotate(InstId inst, bool is_64);
  void divide(bool is_64, bool is_signed, bool remainder);
  void integer_unary(InstId inst, bool is_64);
  void extend(InstId inst, std::uint32_t bits, ValueType result);
  void float_numeric(wasm::Op op);
  void float_binary(InstId inst, ValueType type);
  void float_round(bool is_64, int mode);
  void float_sqrt(bool is_64);
  void float_sign(bool is_64, bool negate);
  void float_copysign(bool is_64);
  void float_min_max(bool is_64, bool is_min);
  void float_compare(wasm::Op op, bool is_64);
  void float_from_integer(bool to_64, bool from_64, bool is_signed);
  void integer_from_float(bool to_64, bool from_64, bool is_signed, bool saturate);
  void wide_unsigned_from_float(bool from_64, bool saturate, Register x, Register result);

  // --- Traps (control.cpp) ---

  struct Cold {
    asmjit::Label label;
    TrapKind kind;                   ///< kNone: already in eax
    Register checked = kNoRegister;  ///< a float of type checked_type: kInvalidConversion if it is NaN, else `kind`
    bool checked_64 = false;
    std::uint64_t module_offset;
  };
  /// A label at which the trap is raised; its code stands behind the function.
  asmjit::Label cold_trap(TrapKind kind);
  void emit_cold_code();
  void add_position() { position_writer_.add(code_offset() - function_start_, module_offset_); }
  [[nodiscard]] std::uint64_t code_offset() const noexcept { return a_.offset(); }
  /// Called before anything that emits more than a bounded, small amount of code.
  void check_code_size() const {
    if (code_offset() > most_code_) [[unlikely]]
      throw CodeTooLarge{};
  }

  // --- asmjit registers ---
  [[nodiscard]] static Gp gp32(Register reg) noexcept { return asmjit::x86::gpd(reg); }
  [[nodiscard]] static Gp gp64(Register reg) noexcept { return asmjit::x86::gpq(reg); }
  [[nodiscard]] static Gp gp(Register reg, bool is_64) noexcept { return is_64 ? gp64(reg) : gp32(reg); }
  [[nodiscard]] static Xmm xmm(Register reg) noexcept { return asmjit::x86::xmm(reg - kFirstXmm); }
  [[nodiscard]] static Mem cell_field(std::int32_t displacement, std::uint32_t size) noexcept {
    return asmjit::x86::Mem(asmjit::x86::r13, displacement, size);
  }

  const ModuleContext& context_;
  asmjit::x86::Assembler& a_;
  std::vector<EntryReference>& entries_;
  std::vector<std::byte>& positions_;
  PositionWriter position_writer_;
  std::vector<std::uint32_t>* starts_ = nullptr;
  std::uint64_t most_code_ = ~std::uint64_t{0};

  // The function being compiled.
  const FunctionType* type_ = nullptr;
  std::uint32_t type_index_ = 0;
  std::span<const ValueType> locals_;
  std::uint64_t module_offset_ = 0;
  std::uint64_t function_start_ = 0;
  asmjit::Label epilogue_;
  std::uint32_t max_height_ = 0;
  std::vector<Operand> stack_;
  std::uint32_t settled_ = 0;  ///< operands below this height are constants or in their homes
  std::vector<Control> controls_;
  std::vector<Move> moves_;  ///< scratch of calls
  std::vector<Cold> cold_;
  struct JumpTable {
    asmjit::Label label;
    std::vector<asmjit::Label> targets;
  };
  std::vector<JumpTable> jump_tables_;
  std::vector<asmjit::Label> stub_of_depth_;  ///< br_table's scratch

  // Registers: exactly one of free, held, or owned by a local or an operand.
  RegisterSet free_ = 0;
  RegisterSet held_ = 0;                   ///< by the operator being compiled
  RegisterSet pinned_ = 0;                 ///< caches of locals that the operator being compiled reads
  RegisterSet cached_ = 0;                 ///< owned by a local
  RegisterSet dirty_ = 0;                  ///< of cached_: newer than the home
  RegisterSet preserved_used_ = 0;         ///< preserved registers that the function changes
  std::array<std::uint32_t, 32> owner_{};  ///< the local of a cached register, else the height of the operand
  Register next_victim_ = 0;
  // By local; as large as the largest function so far, and all kNoRegister and kNone between functions.
  std::vector<Register> local_register_;
  std::vector<std::uint32_t> first_reference_;  ///< the topmost operand of kind kLocal
  std::vector<std::uint32_t> stack_home_;       ///< by parameter: slot among the stack arguments, or kNone

  // Marks made since the last label: a store near one of them needs none (see abi::kSlackBytes).
  struct Marked {
    std::uint32_t local = kNone;  ///< kNone: base is a constant
    std::uint32_t version = 0;
    std::uint64_t offset = 0;
  };
  std::array<Marked, 4> marked_{};
  std::uint32_t marked_count_ = 0;
  std::uint32_t next_marked_ = 0;
  std::vector<std::uint32_t> local_version_;  ///< changes with every assignment
};

/// Emits the stub of an imported function and the entry thunk of a type (see abi/library.hpp).
void emit_import_stub(asmjit::x86::Assembler& a, const ModuleContext& context, std::uint32_t import);
void emit_entry_thunk(asmjit::x86::Assembler& a, const ModuleContext& context, std::uint32_t type);

}  // namespace anew::codegen::quick
