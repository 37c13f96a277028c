// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizing tier: validated operators in, LLVM's IR out, optimized and made machine code a few functions at a
// time. It is linked into a program of its own (optimizer.cpp), which compiles what it is sent (protocol.hpp), so that
// what goes wrong in LLVM costs the caller nothing. Its parts, in layers:
//
//   emit.hpp              a unit's IR to machine code: passes, marks, object file, what is taken from it
//   pipeline.hpp          which passes
//   function_compiler.hpp the sink: functions, control flow, calls, locals
//   operators.hpp         straight-line operators: numbers, vectors, memories, globals, tables
//   builder.hpp           the operand stack, places in the cell, traps, calls of the library
//   marks.hpp             the last pass over IR: cards of what stores write
//   unit.hpp              this: what all functions of a unit share
//
// Kinds of pointers. Which memory a pointer leads to is its LLVM address space, so the optimizer can neither forget nor
// mix it, and marks.cpp needs no proof. The processor knows no difference.
//
//   0                     the thread's stack, and pointers that nobody writes through: the cell pointer, entries
//   kHeaderSpace          all that lies outside of linear memories: the cell's header, tables, the thread's record
//   kMemorySpace + m      linear memory m of the module
//
// Values. An i32 is an i32, an i64 and every reference an i64 (null is 0), f32 and f64 float and double, a v128 <2 x
// i64>.
//
// Convention. A function is swiftcc, with its parameters in their order, the cell pointer as swiftself behind them. An
// i32 travels as an i64, zero-extended (abi/x86_64/convention.hpp). Arguments and results that are not in registers
// travel in the thread's record. A function with a tail call, and whatever a tail call calls, has the one type
// `uniform_type`, in which each register that carries arguments or results has its place, because musttail wants the
// two types to be one.
#pragma once

#include <llvm/IR/Attributes.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/Module.h>

#include <anew/error.hpp>
#include <cstdint>
#include <optional>
#include <span>

#include "abi/cell.hpp"
#include "abi/places.hpp"
#include "codegen/image.hpp"
#include "wasm/limits.hpp"
#include "wasm/module.hpp"

namespace anew::codegen::optimizing {

inline constexpr unsigned kHeaderSpace = 1;
inline constexpr unsigned kMemorySpace = 2;
static_assert(kMemorySpace + wasm::limits::kMemories < 256, "from 256 on the processor's segments begin");

/// Of the table of entry addresses, which lies before the text (codegen/image.hpp).
inline constexpr char kEntriesSymbol[] = "anew.entries";
/// Stubs that raise a trap; the kind's number follows.
inline constexpr char kTrapSymbol[] = "anew.trap.";
/// Functions of their own type and of the uniform one; the index, imports included, follows. One that the unit defines
/// is defined under one of the two; calls by either name that remain when all is optimized go by way of the entries.
inline constexpr char kFunctionSymbol[] = "f";
inline constexpr char kUniformSymbol[] = "u";
/// The attribute of a definition with Options::metered_stack: what its frame costs (abi/stack_limit.hpp), a number.
inline constexpr char kStackUnitsAttribute[] = "anew-stack-units";

/// Thrown for a function that this tier does not compile: it keeps its quick code.
struct NotCompiled {
  const char* reason;
};

/// What the functions of a unit share while they are compiled: the functions that code is wanted for, and those that
/// may be compiled into them.
struct Unit {
  const wasm::Module& module;
  const abi::CellLayout& layout;
  const Options& options;
  std::span<const abi::Places> arguments;  ///< by type index
  std::span<const abi::Places> results;
  ::llvm::Module& ir;
};

/// A function's own type, or that of all (see above).
enum class Shape : std::uint8_t { kOwn, kUniform };

/// Of a Wasm value inside a function, and as it travels.
[[nodiscard]] ::llvm::Type* type_of(::llvm::LLVMContext& context, ValueType type);
[[nodiscard]] ::llvm::Type* passed_type_of(::llvm::LLVMContext& context, ValueType type);
/// @param with_reference  with a `nest` parameter before the last, for calls that may lead into another instance
/// (Library::call_other). The uniform type has it always.
[[nodiscard]] ::llvm::FunctionType* function_type(const Unit& unit, std::uint32_t type_index, Shape shape,
                                                  bool with_reference);
/// Where the uniform type has what travels in a register.
[[nodiscard]] unsigned uniform_argument(abi::Place place);
[[nodiscard]] unsigned uniform_result(abi::Place place);
/// Of the parameters and results of that type: of declarations and calls alike.
[[nodiscard]] ::llvm::AttributeList attributes_of(const Unit& unit, std::uint32_t type_index, Shape shape,
                                                  bool with_reference);
/// The function of that index in the unit, declared if it is not there: convention and attributes included.
[[nodiscard]] ::llvm::Function& declare_function(const Unit& unit, std::uint32_t function, Shape shape);
/// The index of a function of the module's, by its symbol; nothing for others.
[[nodiscard]] std::optional<std::uint32_t> function_index(const ::llvm::Function& function);
/// The function of that index if the unit defines it, in whatever shape; else null.
[[nodiscard]] ::llvm::Function* definition(const Unit& unit, std::uint32_t function);
/// The stub that raises a trap, of type void (ptr swiftself); that of kNone is void (i32 kind, ptr swiftself). Its call
/// says where.
[[nodiscard]] ::llvm::Function& declare_trap(const Unit& unit, TrapKind kind);
/// [functions x ptr], hidden.
[[nodiscard]] ::llvm::GlobalVariable& entries(const Unit& unit);
/// Where a defined function's instructions come from: its name is the symbol, lines are offsets in the module.
[[nodiscard]] ::llvm::DISubprogram& make_subprogram(const Unit& unit, std::uint32_t function);

}  // namespace anew::codegen::optimizing
