// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The contract between the validator and whoever takes its operators, a sink: each code generator is one. Which calls
// there are and what they are given, the concept OperatorSink says; when they come:
//
//  - Operators that cannot be reached (after unreachable, br, br_table, return, until the matching else or end) are
//    validated but not handed over, nor are blocks opened there, with their own else and end.
//  - else_() and end() are always called for a block that was handed over, with `reachable`: whether the operators
//    before it fall through into it.
//  - After end(), what follows is reachable if the block's end was, or a branch to it was handed over (a loop's label
//    is its start, so branches do not count for it; an if without else is reachable at its end; so is an if whose
//    else_() was reachable).
//  - The function body is the outermost block: end_function(reachable) takes the place of its end(). A `return` and a
//    branch to the outermost label are both handed over as return_() / br(depth): the sink sees depth == open blocks.
//  - at(offset) is called before each operator that is handed over, with the operator's byte offset in the module.
//  - try_table() opens a block like block() does; the labels of its catch clauses count from outside of it.
//  - try_() opens a block as well. catch_() and catch_all() end what is before them as else_() does, and are always
//    called for a block that was handed over. delegate() takes the place of its end(); its label counts from outside of
//    the block. rethrow() names a block by its label as a branch does: it is behind that one's catch_() or catch_all().
//  - A sink keeps its own operand stack; types are handed over where the operator alone does not tell.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "wasm/module.hpp"

namespace anew::wasm {

struct MemoryArgument {
  std::uint32_t memory = 0;
  std::uint32_t align = 0;  ///< log2 of the alignment hint
  std::uint64_t offset = 0;
};

/// A clause of a try_table. Its label counts from outside of the try_table: 0 is the block around it.
struct CatchClause {
  CatchKind kind = CatchKind::kCatch;
  std::uint32_t tag = 0;  ///< kCatch and kCatchRef
  std::uint32_t depth = 0;
};

/// The type of a block: its parameters and results.
struct BlockType {
  std::span<const ValueType> parameters;
  std::span<const ValueType> results;
};

// The concept is in parts, so that what a compiler says of a sink that lacks a call is short: the part and the call.

template <typename Sink>
concept TakesFunctions =
    requires(Sink& sink, std::uint32_t index, const FunctionType& type,
             std::span<const ValueType> parameters_and_locals, bool reachable, std::uint64_t module_offset) {
      sink.begin_function(index, type, parameters_and_locals);
      sink.end_function(reachable);
      sink.at(module_offset);
    };

template <typename Sink>
concept TakesControlFlow =
    requires(Sink& sink, BlockType type, std::span<const CatchClause> clauses, bool reachable, std::uint32_t depth,
             std::span<const std::uint32_t> depths_and_default, ValueType wanted, std::uint32_t tag) {
      sink.unreachable();
      sink.block(type);
      sink.loop(type);
      sink.if_(type);
      sink.try_table(type, clauses);
      sink.else_(reachable);
      sink.end(reachable);
      sink.br(depth);
      sink.br_if(depth);
      sink.br_table(depths_and_default);
      sink.br_on_null(depth);
      sink.br_on_non_null(depth);
      sink.br_on_cast(depth, wanted);
      sink.br_on_cast_fail(depth, wanted);
      sink.return_();
      sink.throw_(tag);
      sink.throw_ref();
      sink.try_(type);
      sink.catch_(tag, reachable);
      sink.catch_all(reachable);
      sink.delegate(depth, reachable);
      sink.rethrow(depth);
    };

template <typename Sink>
concept TakesCalls = requires(Sink& sink, std::uint32_t function, std::uint32_t type, std::uint32_t table) {
  sink.call(function);
  sink.call_indirect(type, table);
  sink.call_ref(type);
  sink.return_call(function);
  sink.return_call_indirect(type, table);
  sink.return_call_ref(type);
};

template <typename Sink>
concept TakesValues =
    requires(Sink& sink, ValueType type, std::uint32_t index, std::uint64_t bits, Vector vector,
             Op op_of_scalars_or_vectors, Op lane_op, std::uint32_t lane, std::span<const std::uint8_t, 16> lanes) {
      sink.drop();
      sink.select(type);
      sink.local_get(index);
      sink.local_set(index);
      sink.local_tee(index);
      sink.global_get(index);
      sink.global_set(index);
      sink.constant(type, bits);
      sink.vector_constant(vector);
      sink.numeric(op_of_scalars_or_vectors);
      sink.lane(lane_op, lane);  // extract_lane or replace_lane
      sink.shuffle(lanes);
    };

template <typename Sink>
concept TakesMemories = requires(Sink& sink, Op op, MemoryArgument argument, std::uint32_t lane, std::uint32_t memory,
                                 std::uint32_t source, std::uint32_t segment) {
  sink.load(op, argument);
  sink.store(op, argument);
  sink.load_lane(op, argument, lane);
  sink.store_lane(op, argument, lane);
  sink.atomic(op, argument);
  sink.atomic_fence();
  sink.memory_size(memory);
  sink.memory_grow(memory);
  sink.memory_init(segment, memory);
  sink.data_drop(segment);
  sink.memory_copy(memory, source);
  sink.memory_fill(memory);
};

template <typename Sink>
concept TakesTablesAndReferences = requires(Sink& sink, std::uint32_t table, std::uint32_t source,
                                            std::uint32_t segment, ValueType type, std::uint32_t function) {
  sink.table_get(table);
  sink.table_set(table);
  sink.table_init(segment, table);
  sink.elem_drop(segment);
  sink.table_copy(table, source);
  sink.table_grow(table);
  sink.table_size(table);
  sink.table_fill(table);
  sink.ref_null(type);
  sink.ref_is_null();
  sink.ref_as_non_null();
  sink.ref_test(type);
  sink.ref_cast(type);
  sink.ref_func(function);
};

template <typename Sink>
concept OperatorSink = TakesFunctions<Sink> && TakesControlFlow<Sink> && TakesCalls<Sink> && TakesValues<Sink> &&
                       TakesMemories<Sink> && TakesTablesAndReferences<Sink>;

/// The sink that does nothing: validation alone.
struct NullSink {
  void begin_function(std::uint32_t /*function_index*/, const FunctionType&,
                      std::span<const ValueType> /*locals: parameters first*/) {}
  void end_function(bool /*reachable*/) {}
  void at(std::uint64_t /*module_offset*/) {}

  void unreachable() {}
  void block(BlockType) {}
  void loop(BlockType) {}
  void if_(BlockType) {}
  void try_table(BlockType, std::span<const CatchClause>) {}
  void else_(bool /*reachable*/) {}
  void end(bool /*reachable*/) {}
  void br(std::uint32_t /*depth*/) {}
  void br_if(std::uint32_t /*depth*/) {}
  void br_table(std::span<const std::uint32_t> /*depths, the default last*/) {}
  void br_on_null(std::uint32_t /*depth*/) {}
  void br_on_non_null(std::uint32_t /*depth*/) {}
  void br_on_cast(std::uint32_t /*depth*/, ValueType /*wanted*/) {}
  void br_on_cast_fail(std::uint32_t /*depth*/, ValueType /*wanted*/) {}
  void return_() {}
  void throw_(std::uint32_t /*tag*/) {}
  void throw_ref() {}
  void try_(BlockType) {}
  void catch_(std::uint32_t /*tag*/, bool /*reachable*/) {}
  void catch_all(bool /*reachable*/) {}
  void delegate(std::uint32_t /*depth*/, bool /*reachable*/) {}
  void rethrow(std::uint32_t /*depth*/) {}
  void call(std::uint32_t /*function*/) {}
  void call_indirect(std::uint32_t /*type*/, std::uint32_t /*table*/) {}
  void call_ref(std::uint32_t /*type*/) {}
  void return_call(std::uint32_t /*function*/) {}
  void return_call_indirect(std::uint32_t /*type*/, std::uint32_t /*table*/) {}
  void return_call_ref(std::uint32_t /*type*/) {}
  void drop() {}
  void select(ValueType) {}
  void local_get(std::uint32_t) {}
  void local_set(std::uint32_t) {}
  void local_tee(std::uint32_t) {}
  void global_get(std::uint32_t) {}
  void global_set(std::uint32_t) {}
  void constant(ValueType, std::uint64_t /*bits*/) {}
  void vector_constant(Vector) {}
  void numeric(Op /*of scalars or vectors*/) {}
  void load(Op, MemoryArgument) {}
  void store(Op, MemoryArgument) {}
  void lane(Op /*extract_lane or replace_lane*/, std::uint32_t /*lane*/) {}
  void shuffle(std::span<const std::uint8_t, 16> /*lanes*/) {}
  void load_lane(Op, MemoryArgument, std::uint32_t /*lane*/) {}
  void store_lane(Op, MemoryArgument, std::uint32_t /*lane*/) {}
  void atomic(Op, MemoryArgument) {}
  void atomic_fence() {}
  void memory_size(std::uint32_t) {}
  void memory_grow(std::uint32_t) {}
  void memory_init(std::uint32_t /*segment*/, std::uint32_t /*memory*/) {}
  void data_drop(std::uint32_t) {}
  void memory_copy(std::uint32_t /*destination*/, std::uint32_t /*source*/) {}
  void memory_fill(std::uint32_t) {}
  void table_get(std::uint32_t) {}
  void table_set(std::uint32_t) {}
  void table_init(std::uint32_t /*segment*/, std::uint32_t /*table*/) {}
  void elem_drop(std::uint32_t) {}
  void table_copy(std::uint32_t /*destination*/, std::uint32_t /*source*/) {}
  void table_grow(std::uint32_t) {}
  void table_size(std::uint32_t) {}
  void table_fill(std::uint32_t) {}
  void ref_null(ValueType) {}
  void ref_is_null() {}
  void ref_as_non_null() {}
  void ref_test(ValueType /*wanted*/) {}
  void ref_cast(ValueType /*wanted*/) {}
  void ref_func(std::uint32_t) {}
};
static_assert(OperatorSink<NullSink>);

}  // namespace anew::wasm
