// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A sink that writes down what it is handed, and checks that what it is handed makes sense on its own.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "wasm/validator.hpp"

namespace anew::wasm::test {

/// One line an operator.
class RecordingSink {
 public:
  std::vector<std::string> lines;
  std::vector<std::uint64_t> offsets;  ///< of the lines between begin_function and end_function

  void begin_function(std::uint32_t index, const FunctionType& type, std::span<const ValueType> locals) {
    std::string line = fmt::format("function {} {}", index, anew::to_string(type));
    for (const ValueType local : locals) line += fmt::format(" {}", anew::to_string(local));
    lines.push_back(line);
  }
  void end_function(bool reachable) { add("end_function {}", reachable); }
  void at(std::uint64_t offset) { offsets.push_back(offset); }

  void unreachable() { add("unreachable"); }
  void block(BlockType type) { add("block {}", to_text(type)); }
  void loop(BlockType type) { add("loop {}", to_text(type)); }
  void if_(BlockType type) { add("if {}", to_text(type)); }
  void try_table(BlockType type, std::span<const CatchClause> clauses) {
    constexpr const char* kNames[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    std::string text;
    for (const CatchClause& clause : clauses) {
      text += fmt::format(" ({} {}{})", kNames[static_cast<std::size_t>(clause.kind)],  // its enumerators from 0 on
                          clause.kind < CatchKind::kCatchAll ? fmt::format("{} ", clause.tag) : "", clause.depth);
    }
    add("try_table {}{}", to_text(type), text);
  }
  void else_(bool reachable) { add("else {}", reachable); }
  void end(bool reachable) { add("end {}", reachable); }
  void br(std::uint32_t depth) { add("br {}", depth); }
  void br_if(std::uint32_t depth) { add("br_if {}", depth); }
  void br_table(std::span<const std::uint32_t> depths) {
    std::string text;
    for (const std::uint32_t depth : depths) text += fmt::format(" {}", depth);
    add("br_table{}", text);
  }
  void br_on_null(std::uint32_t depth) { add("br_on_null {}", depth); }
  void br_on_non_null(std::uint32_t depth) { add("br_on_non_null {}", depth); }
  void br_on_cast(std::uint32_t depth, ValueType wanted) { add("br_on_cast {} {}", depth, anew::to_string(wanted)); }
  void br_on_cast_fail(std::uint32_t depth, ValueType wanted) {
    add("br_on_cast_fail {} {}", depth, anew::to_string(wanted));
  }
  void return_() { add("return"); }
  void throw_(std::uint32_t tag) { add("throw {}", tag); }
  void throw_ref() { add("throw_ref"); }
  void try_(BlockType type) { add("try {}", to_text(type)); }
  void catch_(std::uint32_t tag, bool reachable) { add("catch {} {}", tag, reachable); }
  void catch_all(bool reachable) { add("catch_all {}", reachable); }
  void delegate(std::uint32_t depth, bool reachable) { add("delegate {} {}", depth, reachable); }
  void rethrow(std::uint32_t depth) { add("rethrow {}", depth); }
  void call(std::uint32_t function) { add("call {}", function); }
  void call_indirect(std::uint32_t type, std::uint32_t table) { add("call_indirect {} {}", type, table); }
  void call_ref(std::uint32_t type) { add("call_ref {}", type); }
  void return_call(std::uint32_t function) { add("return_call {}", function); }
  void return_call_indirect(std::uint32_t type, std::uint32_t table) { add("return_call_indirect {} {}", type, table); }
  void return_call_ref(std::uint32_t type) { add("return_call_ref {}", type); }
  void drop() { add("drop"); }
  void select(ValueType type) { add("select {}", anew::to_string(type)); }
  void local_get(std::uint32_t index) { add("local.get {}", index); }
  void local_set(std::uint32_t index) { add("local.set {}", index); }
  void local_tee(std::uint32_t index) { add("local.tee {}", index); }
  void global_get(std::uint32_t index) { add("global.get {}", index); }
  void global_set(std::uint32_t index) { add("global.set {}", index); }
  void constant(ValueType type, std::uint64_t bits) { add("{}.const {:x}", anew::to_string(type), bits); }
  void vector_constant(Vector vector) { add("v128.const {:x} {:x}", vector[0], vector[1]); }
  void numeric(Op op) { add("{}", wasm::to_string(op)); }
  void load(Op op, MemoryArgument argument) { access(op, argument); }
  void store(Op op, MemoryArgument argument) { access(op, argument); }
  void lane(Op op, std::uint32_t lane) { add("{} {}", wasm::to_string(op), lane); }
  void shuffle(std::span<const std::uint8_t, 16> lanes) { add("i8x16.shuffle {}", fmt::join(lanes, " ")); }
  void load_lane(Op op, MemoryArgument argument, std::uint32_t lane) { access(op, argument, lane); }
  void store_lane(Op op, MemoryArgument argument, std::uint32_t lane) { access(op, argument, lane); }
  void atomic(Op op, MemoryArgument argument) { access(op, argument); }
  void atomic_fence() { add("atomic.fence"); }
  void memory_size(std::uint32_t memory) { add("memory.size {}", memory); }
  void memory_grow(std::uint32_t memory) { add("memory.grow {}", memory); }
  void memory_init(std::uint32_t segment, std::uint32_t memory) { add("memory.init {} {}", segment, memory); }
  void data_drop(std::uint32_t segment) { add("data.drop {}", segment); }
  void memory_copy(std::uint32_t destination, std::uint32_t source) { add("memory.copy {} {}", destination, source); }
  void memory_fill(std::uint32_t memory) { add("memory.fill {}", memory); }
  void table_get(std::uint32_t table) { add("table.get {}", table); }
  void table_set(std::uint32_t table) { add("table.set {}", table); }
  void table_init(std::uint32_t segment, std::uint32_t table) { add("table.init {} {}", segment, table); }
  void elem_drop(std::uint32_t segment) { add("elem.drop {}", segment); }
  void table_copy(std::uint32_t destination, std::uint32_t source) { add("table.copy {} {}", destination, source); }
  void table_grow(std::uint32_t table) { add("table.grow {}", table); }
  void table_size(std::uint32_t table) { add("table.size {}", table); }
  void table_fill(std::uint32_t table) { add("table.fill {}", table); }
  void ref_null(ValueType type) { add("ref.null {}", anew::to_string(type)); }
  void ref_is_null() { add("ref.is_null"); }
  void ref_as_non_null() { add("ref.as_non_null"); }
  void ref_test(ValueType wanted) { add("ref.test {}", anew::to_string(wanted)); }
  void ref_cast(ValueType wanted) { add("ref.cast {}", anew::to_string(wanted)); }
  void ref_func(std::uint32_t function) { add("ref.func {}", function); }

 private:
  template <typename... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    lines.push_back(fmt::format(format, std::forward<Arguments>(arguments)...));
    // at() was called for this operator, and only once.
    EXPECT_EQ(offsets.size() + 1, lines.size()) << lines.back();
  }
  void access(Op op, MemoryArgument argument, std::optional<std::uint32_t> lane = std::nullopt) {
    add("{} memory={} align={} offset={}{}", wasm::to_string(op), argument.memory, argument.align, argument.offset,
        lane ? fmt::format(" lane={}", *lane) : "");
  }
  static std::string to_text(BlockType type) {
    return anew::to_string(
        FunctionType{{type.parameters.begin(), type.parameters.end()}, {type.results.begin(), type.results.end()}});
  }
};

/// Follows the contract alone, as a code generator would: which code is reachable, and how deep blocks are nested. What
/// the validator says of it must agree.
class ReachabilitySink : public NullSink {
 public:
  void begin_function(std::uint32_t /*index*/, const FunctionType& /*type*/, std::span<const ValueType> /*locals*/) {
    blocks_.assign(1, Block{});
    reachable_ = true;
  }
  void end_function(bool reachable) {
    EXPECT_EQ(reachable, reachable_);
    EXPECT_EQ(blocks_.size(), 1u);
    blocks_.clear();
  }
  void block(BlockType) { open(false, false); }
  void loop(BlockType) { open(true, false); }
  void if_(BlockType) { open(false, true); }
  void try_table(BlockType, std::span<const CatchClause> clauses) {
    for (const CatchClause& clause : clauses) branch(clause.depth);
    open(false, false);
  }
  void else_(bool reachable) {
    EXPECT_EQ(reachable, reachable_);
    ASSERT_TRUE(blocks_.back().is_if);
    blocks_.back().is_if = false;
    blocks_.back().end_reached |= reachable;
    reachable_ = true;
  }
  void try_(BlockType) { open(false, false); }
  void catch_(std::uint32_t /*tag*/, bool reachable) { catch_all(reachable); }
  void catch_all(bool reachable) {
    EXPECT_EQ(reachable, reachable_);
    ASSERT_GT(blocks_.size(), 1u);
    blocks_.back().end_reached |= reachable;
    reachable_ = true;
  }
  void delegate(std::uint32_t depth, bool reachable) {
    end(reachable);
    EXPECT_LT(depth, blocks_.size());
  }
  void rethrow(std::uint32_t depth) {
    here();
    ASSERT_LT(depth, blocks_.size() - 1);
    stop();
  }
  void end(bool reachable) {
    EXPECT_EQ(reachable, reachable_);
    ASSERT_GT(blocks_.size(), 1u);
    const Block block = blocks_.back();
    blocks_.pop_back();
    reachable_ = reachable || block.is_if || (block.end_reached && !block.is_loop);
  }
  void br(std::uint32_t depth) {
    branch(depth);
    stop();
  }
  void br_if(std::uint32_t depth) { branch(depth); }
  void br_table(std::span<const std::uint32_t> depths) {
    ASSERT_FALSE(depths.empty());
    for (const std::uint32_t depth : depths) branch(depth);
    stop();
  }
  void br_on_null(std::uint32_t depth) { branch(depth); }
  void br_on_non_null(std::uint32_t depth) { branch(depth); }
  void br_on_cast(std::uint32_t depth, ValueType) { branch(depth); }
  void br_on_cast_fail(std::uint32_t depth, ValueType) { branch(depth); }
  void return_() { stop(); }
  void throw_(std::uint32_t) { stop(); }
  void throw_ref() { stop(); }
  void return_call(std::uint32_t) { stop(); }
  void return_call_indirect(std::uint32_t, std::uint32_t) { stop(); }
  void return_call_ref(std::uint32_t) { stop(); }
  void unreachable() { stop(); }
  void call(std::uint32_t) { here(); }
  void numeric(Op) { here(); }
  void local_get(std::uint32_t) { here(); }
  void constant(ValueType, std::uint64_t) { here(); }

 private:
  struct Block {
    bool is_loop = false;
    bool is_if = false;  ///< and no else yet
    bool end_reached = false;
  };
  void here() const { EXPECT_TRUE(reachable_); }
  void open(bool is_loop, bool is_if) {
    here();
    blocks_.push_back({is_loop, is_if, false});
  }
  void branch(std::uint32_t depth) {
    here();
    ASSERT_LT(depth, blocks_.size());
    blocks_[blocks_.size() - 1 - depth].end_reached = true;
  }
  void stop() {
    here();
    reachable_ = false;
  }

  std::vector<Block> blocks_;
  bool reachable_ = true;
};

}  // namespace anew::wasm::test
