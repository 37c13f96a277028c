// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier: validated operators in, x86-64 out, in one pass and linear time.
//
// It keeps a model of the operand stack. An operand is a constant, a reference to a local that was not read yet, a
// register, the processor's flags (a comparison that waits for its branch), or its *home*: the slot of the frame that
// belongs to its place. Registers also cache locals; a dirty one is newer than the local's home.
//
//   frame    [rbp + 16 + 8k]             stack arguments, the homes of the parameters that came there
//            [rbp - 8] ... [rbp - 32]    the preserved registers rbx r12 r14 r15, saved if the function uses them
//            [rbp - 40]                  the cell pointer, where a call may change it or a handler needs it
//            [rbp - 48 - 8s]             slot s: first the locals in order, then the operands; a v128 takes two
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

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "abi/cell.hpp"
#include "abi/library.hpp"
#include "abi/x86_64/convention.hpp"
#include "codegen/image.hpp"
#include "codegen/positions.hpp"
#include "codegen/quick/assembler.hpp"
#include "wasm/validator.hpp"

namespace anew::codegen::quick {

/// A general register (0 to 15) or an xmm register (16 to 31).
using Register = std::uint8_t;
inline constexpr Register kNoRegister = 0xFF;
inline constexpr Register kFirstXmm = 16;
using RegisterSet = std::uint32_t;  ///< bit r: register r

/// What unwinding and the collection of exceptions need, with offsets in the batch's code.
struct TryTables {
  std::vector<CallSite> call_sites;
  std::vector<TryBlock> try_blocks;
  std::vector<Handler> handlers;
  std::vector<Roots> roots;
};

/// What functions leave behind beside their code, with offsets in the batch's code.
struct Tables {
  std::vector<std::uint32_t> functions;        ///< of each function, its first byte
  std::vector<std::uint32_t> position_starts;  ///< of each function in `positions`
  std::vector<std::byte> positions;
  TryTables try_tables;
  /// Displacements of 32 bits that are to reach the table of entry addresses; the code holds where in it.
  std::vector<std::uint32_t> entries;
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return positions.size() + std::span(try_tables.call_sites).size_bytes() +
           std::span(try_tables.try_blocks).size_bytes() + std::span(try_tables.handlers).size_bytes() +
           std::span(try_tables.roots).size_bytes() + std::span(entries).size_bytes();
  }
};

/// Thrown where what is made of functions grows past QuickCompiler::limit_bytes.
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
  /// The assembler's code and the tables are those of one batch of functions.
  QuickCompiler(const ModuleContext& context, Assembler& assembler, Tables& tables);

  /// How many bytes the assembler's code and, counted twice, the tables may take. An operator with a thousand results
  /// makes kilobytes of code from two bytes, so what a body's size bounds is not enough.
  void limit_bytes(std::uint64_t most) noexcept { most_bytes_ = most; }
  /// Of the functions so far, what the largest took of the compiler's own memory, if it was worth counting.
  [[nodiscard]] std::uint64_t most_scratch() const noexcept { return most_scratch_; }

  void begin_function(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals);
  void end_function(bool reachable);
  void at(std::uint64_t module_offset) {
    module_offset_ = module_offset;
    if (--operators_until_check_ == 0) [[unlikely]]
      check_and_clear();
    check_code_size();
    if (context_.options.metered_stack) note_operands();
  }

  void unreachable();
  void block(wasm::BlockType type);
  void loop(wasm::BlockType type);
  void if_(wasm::BlockType type);
  void try_table(wasm::BlockType type, std::span<const wasm::CatchClause> clauses);
  void else_(bool reachable);
  void end(bool reachable);
  void br(std::uint32_t depth);
  void br_if(std::uint32_t depth);
  void br_table(std::span<const std::uint32_t> depths);
  void br_on_null(std::uint32_t depth);
  void br_on_non_null(std::uint32_t depth);
  void return_();
  void throw_(std::uint32_t tag);
  void throw_ref();
  void call(std::uint32_t function);
  void call_indirect(std::uint32_t type, std::uint32_t table);
  void call_ref(std::uint32_t type);
  void return_call(std::uint32_t function);
  void return_call_indirect(std::uint32_t type, std::uint32_t table);
  void return_call_ref(std::uint32_t type);
  void drop();
  void select(ValueType type);
  void local_get(std::uint32_t local);
  void local_set(std::uint32_t local);
  void local_tee(std::uint32_t local);
  void global_get(std::uint32_t global);
  void global_set(std::uint32_t global);
  void constant(ValueType type, std::uint64_t bits);
  void vector_constant(wasm::Vector bits);
  void numeric(wasm::Op op);
  void lane(wasm::Op op, std::uint32_t lane);
  void shuffle(std::span<const std::uint8_t, 16> lanes);
  void load_lane(wasm::Op op, wasm::MemoryArgument argument, std::uint32_t lane);
  void store_lane(wasm::Op op, wasm::MemoryArgument argument, std::uint32_t lane);
  void atomic(wasm::Op op, wasm::MemoryArgument argument);
  void atomic_fence();
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
  void ref_as_non_null();
  void ref_func(std::uint32_t function);

 private:
  friend class MeteredCompiler;  // metered_compiler.hpp: adds to this one what counts fuel
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
    std::uint32_t height = 0;              ///< its place on the stack
    std::uint32_t slot = 0;                ///< of its home: the slots of all operands below it
    std::uint32_t next_reference = kNone;  ///< kLocal: the next operand below that refers to the same local
    std::uint64_t bits = 0;                ///< kConstant
  };
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  /// Which locals the registers hold where control flow meets.
  struct State {
    std::array<std::uint16_t, 32> local{};  ///< by register, where `cached` says so; at most limits::kLocals
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
  [[nodiscard]] Mem operand_home(std::uint32_t slot, ValueType type) const;
  /// The slot behind the topmost operand.
  [[nodiscard]] std::uint32_t next_slot() const noexcept {
    return stack_.empty() ? 0 : stack_.back().slot + slots_of(stack_.back().type);
  }
  [[nodiscard]] Mem home_of(const Operand& operand) const;
  /// A free register, held until release(). Never changes the flags.
  Register allocate(bool in_xmm, RegisterSet avoid = 0);
  Register allocate_for(ValueType type) { return allocate(is_float(type) || type == ValueType::kV128); }
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
    enum class Kind : std::uint8_t { kBlock, kLoop, kIf, kElse, kTry };
    Kind kind;
    std::uint32_t height = 0;  ///< of the stack below the parameters
    std::uint32_t slot = 0;    ///< the first of the parameters
    std::span<const ValueType> parameters;
    std::span<const ValueType> results;
    Label label;
    Label else_label;
    // In states_, because few of many blocks that are open at once have both.
    std::uint32_t state = kNone;            ///< at the label; kNone until a branch reaches it
    std::uint32_t else_state = kNone;       ///< at the else or, without one, on the way past the if
    std::uint32_t try_block = kNoTryBlock;  ///< kTry: in try_tables_
    std::uint32_t first_clause = 0;         ///< kTry: in clauses_
    [[nodiscard]] bool has_state() const noexcept { return state != kNone; }
    [[nodiscard]] std::span<const ValueType> label_types() const noexcept {
      return kind == Kind::kLoop ? parameters : results;
    }
  };

  void open_block(Control::Kind kind, wasm::BlockType type);
  [[nodiscard]] State current_state() const noexcept;
  /// Puts it into states_. @return its index.
  [[nodiscard]] std::uint32_t keep(const State& state);
  /// Takes the states of a block that is closed out of states_.
  void forget_states_of(const Control& control);
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
  /// A branch that is taken on a condition of the flags. Emits nothing but moves before it.
  void branch_if(Condition condition, std::uint32_t depth);
  void emit_return();
  void bind(Label& label);
  /// Puts an operand back that was popped and brought into `reg` by use().
  void push_again(const Operand& operand, Register reg);
  /// Takes the top operand as a condition: emits a test unless it is flags already.
  Condition pop_condition();

  // --- Memory (memory.cpp) ---

  struct Address {
    Mem mem;
    Register index = kNoRegister;  ///< the register that was added to the memory's base, if any
    bool traps = false;            ///< the access is out of bounds for every memory: a trap was emitted
  };
  /// Whether the memory's base is the cell pointer.
  [[nodiscard]] bool is_own_memory(std::uint32_t memory) const noexcept {
    return memory == 0 && !context_.options.foreign_memory;
  }
  /// The operand of an access of `bytes` bytes. May leave its sum in r10 and holds up to two registers; uses r11.
  Address address(const Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// Traps unless the last byte of an access lies in the memory with that base.
  void compare_with_size(const Gp& last, Register memory);
  Address checked_address(const Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// Marks what a store to that address is about to write. Uses r11 only.
  void mark(const Operand& base, const Address& to, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void mark_linked(const Address& to, std::uint32_t memory);
  /// Pushes what a library function returned as the size before growing.
  void push_size_before(ValueType type);
  /// The place of a global's value. May use r11.
  Mem global_place(std::uint32_t global);
  /// A register with the memory's base: r13 for the own one, else one that is held.
  Register memory_base(std::uint32_t memory);
  void forget_marks() noexcept { marked_count_ = next_marked_ = 0; }
  [[nodiscard]] bool already_marked(const Operand& base, std::uint64_t offset, std::uint32_t bytes) const noexcept;
  /// An element of a table: the index checked and clamped; `kind` is the trap if it is too large. Uses r10 and r11,
  /// which the operand may refer to.
  Mem table_element(std::uint32_t table, const Operand& index, TrapKind kind, bool written);

  // --- Calls (calls.cpp) ---

  /// A call into another instance, through r10, in cold code; goes on behind the call that it stands for.
  struct CrossCall {
    Label label;
    Label back;  ///< not bound: it is a tail call
    std::uint64_t module_offset;
    std::uint32_t import;  ///< kNone: r10 holds the FunctionReference
    std::uint32_t try_block;
    std::uint32_t roots;
    std::uint32_t stack_bytes;  ///< of a tail call: what the callee's stack arguments take
  };
  /// How a call finds its callee.
  enum class Callee : std::uint8_t { kDefined, kImported, kReference /* r10: FunctionReference* */ };
  void emit_call(std::uint32_t type_index, Callee callee, std::uint32_t function);
  void emit_tail_call(std::uint32_t type_index, Callee callee, std::uint32_t function);
  /// Leaves a function reference, checked, in r10.
  void take_indirect_callee(std::uint32_t type, std::uint32_t table);
  void take_reference_callee();
  void push_call_results(std::uint32_t type_index);
  [[nodiscard]] static Mem spilled_result(const Gp& thread, std::uint32_t slot, ValueType type);
  /// Takes the arguments and puts them where the callee expects them.
  void place_arguments(std::uint32_t type_index);
  void emit_entry_jump(const std::uint8_t (&opcode)[2], std::uint32_t function);
  /// Compares the callee's cell with this one: cold code makes the call if they differ.
  CrossCall& check_cell(Callee callee, std::uint32_t function);
  /// Behind every call: notes the return address if there is something to say about it.
  void note_call_site(std::uint32_t try_block, std::uint32_t roots);
  void note_call_site() { note_call_site(try_block_, current_roots()); }
  /// Calls a library function with the top `arguments` operands and then the constants; pops the operands.
  void call_library(std::size_t library_offset, std::uint32_t arguments,
                    std::initializer_list<std::uint64_t> constants);
  void call_library_that_may_trap(std::size_t library_offset, std::uint32_t arguments,
                                  std::initializer_list<std::uint64_t> constants);

  // --- Exceptions (exceptions.cpp) ---

  void end_try(bool reachable);
  void emit_handlers(const Control& control);
  /// Throws the exception in rdi.
  void emit_throw();
  void add_roots(const Mem& slot, std::uint32_t next);
  /// Before a call: all exceptions that the operands below `height` refer to are in their homes, and listed.
  void list_operands(std::uint32_t height);
  /// The list of the slots in which this frame holds exceptions during a call.
  std::uint32_t current_roots();

  // --- Metered stack (metered_stack.cpp) ---

  /// Pays for the function's frame, or traps. Uses r11.
  void enter_metered(std::uint32_t function_index);
  /// Gives the units back. Uses r11.
  void leave_metered();
  /// Keeps what the function has left for its handlers, and goes on with that. Use r10 and r11.
  void keep_stack_left();
  void restore_stack_left();
  void note_operands() { highest_operands_ = std::max(highest_operands_, next_slot()); }
  /// What the frame costs; known once all operators were seen.
  [[nodiscard]] std::uint32_t stack_units() const noexcept;
  void fill_in_stack_units(std::uint32_t frame_bytes);
  [[nodiscard]] static Mem stack_left();
  [[nodiscard]] Mem kept_stack_left() const;

  // --- Vectors (vector*.cpp) and atomics (atomic.cpp) ---

  /// An operator's vectors: up to three to read from, and the register for the result, which may be one of these.
  struct Vectors {
    Register result;
    Xmm to, a, b, c;
  };
  /// Pops one to three vectors; the topmost is the last.
  Vectors take_vectors(std::uint32_t count);
  /// The same for operands that pop() gave.
  Vectors use_vectors(std::span<const Operand> operands);
  /// Pushes the result and ends the operator.
  void push_vector(const Vectors& vectors);
  /// A constant of 16 bytes in the code behind the function, relative to the instruction pointer. Equal ones share.
  Mem vector_in_code(wasm::Vector bits);
  void emit_vectors();
  void vector_load(wasm::Op op, wasm::MemoryArgument argument);
  void vector_store(wasm::Op op, wasm::MemoryArgument argument);
  // Each of the next four hands on to the next what is not its own.
  void vector_numeric(wasm::Op op);
  void vector_integer(wasm::Op op);
  void vector_float(wasm::Op op);
  void vector_splat(wasm::Op op);
  void vector_bitwise(wasm::Op op);
  void vector_any_true();
  void vector_all_true(InstId equal);
  void vector_bitmask(wasm::Op op);
  void vector_compare_negated(InstId compare, bool swap);
  void vector_order(InstId extreme, InstId equal, bool negate);
  void vector_negate(InstId subtract);
  void vector_absolute_64();
  void vector_popcnt();
  /// The count modulo `bits`, plus `add`, to xmm15. Uses r11.
  void vector_count_to_xmm15(const Operand& count, std::uint32_t bits, std::uint32_t add);
  void vector_shift(InstId inst, std::uint32_t bits);
  void vector_shift_bytes(bool left);
  void vector_shift_signed_bytes();
  void vector_shift_signed_64();
  void vector_multiply_64();
  void vector_q15mulr();
  void vector_dot_add();
  void vector_extmul_8(InstId extend, bool high);
  void vector_extmul_16(InstId high_half, InstId unpack);
  void vector_extmul_32(InstId multiply, InstId unpack);
  void vector_extend_high(InstId extend);
  void vector_extadd_pairwise(wasm::Op op);
  void vector_float_bits(InstId inst, wasm::Vector bits);
  void vector_min_max(bool is_64, bool is_min);
  void vector_madd(InstId onto_factor, InstId onto_addend);
  void vector_trunc_32_signed();
  void vector_trunc_32_unsigned();
  void vector_trunc_64_signed();
  void vector_trunc_64_unsigned();
  void vector_convert_unsigned(bool to_64);
  void extract_float_lane(bool is_64, std::uint32_t lane);
  void replace_lane(wasm::Op op, std::uint32_t lane);
  void shuffle_one(const Vectors& v, std::span<const std::uint8_t, 16> lanes);
  void shuffle_two(const Vectors& v, std::span<const std::uint8_t, 16> lanes);
  void shuffle_units(const Vectors& v, const std::array<std::uint8_t, 4>& units);

  void atomic_load(const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes);
  void atomic_store(const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void atomic_update(InstId inst, const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes);
  void atomic_compare_exchange(const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes);
  void atomic_notify(const wasm::MemoryArgument& argument);
  void atomic_wait(const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// Emits the check of an atomic access's alignment. Uses r11; may bring the base into a register.
  void check_alignment(Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void load_zero_extended(Register to, const Mem& from, std::uint32_t bytes);

  // --- Numeric operators (numeric.cpp, floating.cpp, canonical_nan.cpp) ---

  void integer_binary(InstId inst, bool is_64, bool commutative);
  void integer_add(bool is_64);
  void integer_compare(Condition condition, bool is_64);
  void integer_eqz(bool is_64);
  void shift(InstId by_constant, InstId by_register, bool is_64);
  void rotate(InstId inst, bool is_64);
  void divide(bool is_64, bool is_signed, bool remainder);
  void integer_unary(InstId inst, bool is_64);
  void extend(InstId inst, std::uint32_t bits, ValueType result);
  void compute(wasm::Op op);
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
  /// Replaces the operator's result, or lanes of it, by the canonical NaN where it is some other NaN.
  void canonicalize_nan(wasm::Op op);

  // --- Traps (control.cpp) ---

  struct Cold {
    Label label;
    TrapKind kind;                   ///< kNone: already in eax
    Register checked = kNoRegister;  ///< a float of type checked_type: kInvalidConversion if it is NaN, else `kind`
    bool checked_64 = false;
    std::uint64_t module_offset;
  };
  /// A label at which the trap is raised; its code stands behind the function.
  Label& cold_trap(TrapKind kind);
  void emit_cold_code();
  void emit_cross_call(CrossCall& cross);
  void emit_jump_tables();
  /// Emits what waits for a place that no code falls into: cold code, constants, tables of jumps.
  void emit_out_of_line();
  /// Looks at what need not be looked at for each operator: how large the tables are, and how much waits to be emitted
  /// out of line. Much of that is emitted amid the function, jumped over, so that the compiler needs no memory in
  /// proportion to a function's traps.
  void check_and_clear();
  void add_position() { position_writer_.add(code_offset() - function_start_, module_offset_); }
  [[nodiscard]] std::uint64_t code_offset() const noexcept { return a_.offset(); }
  /// Called before anything that emits more than a bounded, small amount of code.
  void check_code_size() const {
    if (code_offset() > most_bytes_) [[unlikely]]
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
  Assembler& a_;
  Tables& tables_;
  TryTables& try_tables_;  ///< tables_.try_tables
  PositionWriter position_writer_;
  std::uint64_t most_bytes_ = ~std::uint64_t{0};
  std::uint64_t most_scratch_ = 0;
  std::uint32_t operators_until_check_ = 0;
  std::uint32_t vector_uses_ = 0;  ///< operands that refer to vectors_: asmjit remembers each until they are emitted

  // The function being compiled.
  const FunctionType* type_ = nullptr;
  std::uint32_t type_index_ = 0;
  std::span<const ValueType> locals_;
  std::uint64_t module_offset_ = 0;
  std::uint64_t function_start_ = 0;
  Label epilogue_;
  std::uint32_t max_slot_ = 0;  ///< slots of operands in all
  std::uint32_t local_slots_ = 0;
  std::vector<Operand> stack_;
  std::uint32_t settled_ = 0;  ///< operands below this height are constants or in their homes
  // Deques, for these grow large in one step of a hostile function's at a time, never with an old copy beside a new.
  std::deque<Control> controls_;
  std::deque<State> states_;
  std::vector<std::uint32_t> free_states_;
  std::vector<Move> moves_;  ///< scratch of calls
  std::vector<Cold> cold_;
  std::vector<CrossCall> cross_calls_;
  /// Operands of type exnref, from the bottom, that are in their homes; `roots` is the list of these and of the locals.
  struct ListedOperand {
    std::uint32_t height;
    std::uint32_t roots;
  };
  std::vector<ListedOperand> listed_;
  std::uint32_t listed_to_ = 0;                    ///< operands below this height are in listed_ if they are exceptions
  bool has_exception_locals_ = false;              ///< some locals are exnrefs: they are in their homes during calls
  bool has_local_roots_ = false;                   ///< local_roots_ is made
  std::uint32_t local_roots_ = kNoRoots;           ///< the list of these locals
  std::vector<wasm::CatchClause> clauses_;         ///< of the try_tables that are open
  std::uint32_t try_block_ = kNoTryBlock;          ///< the innermost that is open
  std::vector<std::uint32_t> frame_size_at_;       ///< where code holds the frame's size as a displacement
  std::vector<std::uint32_t> preserved_loads_at_;  ///< where tail calls restore all preserved registers
  std::uint32_t highest_operands_ = 0;             ///< slots, before any operator so far (Options::metered_stack)
  std::vector<std::uint64_t> stack_units_at_;      ///< where code holds what the frame costs
  struct VectorConstant {
    wasm::Vector bits;
    asmjit::Label label;
  };
  std::vector<VectorConstant> vectors_;
  std::array<std::uint32_t, 256> vector_by_hash_{};  ///< where in vectors_ a constant with that hash may be
  struct JumpTable {
    Label label;
    std::uint32_t first = 0;  ///< of its targets; they end where the next table's begin
  };
  std::vector<JumpTable> jump_tables_;
  std::vector<std::uint32_t> jump_targets_;   ///< offsets in the code
  std::vector<std::uint32_t> stub_of_depth_;  ///< br_table's scratch: the offset of the way there, or kNone

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
  std::vector<std::uint32_t> local_slot_;       ///< by local, if some are v128; else empty: local i has slot i

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
void emit_import_stub(Assembler& a, const ModuleContext& context, std::uint32_t import);
void emit_entry_thunk(Assembler& a, const ModuleContext& context, std::uint32_t type);

}  // namespace anew::codegen::quick
