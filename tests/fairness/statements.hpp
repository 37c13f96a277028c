// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bodies of generated functions.
#pragma once

#include <array>

#include "fairness/generator.hpp"

namespace anew::fairness {

struct StateMemory {
  MemoryType type;
  bool linked = false;  ///< another instance's
};
struct Segment {
  std::uint32_t size = 0;
  bool passive = false;
};

/// What the functions of a module can reach, by index.
struct State {
  std::vector<StateMemory> memories;  ///< at least one
  std::vector<TableType> tables;
  std::vector<GlobalType> globals;
  std::vector<FunctionType> functions;
  std::vector<std::vector<ValueType>> tags;
  std::vector<Segment> data, elements;
  std::vector<std::uint32_t> callable;   ///< of type kActionType, without leading back
  std::vector<std::uint32_t> plain;      ///< [] -> [i64]
  std::vector<std::uint32_t> referable;  ///< of either type
  std::uint32_t budget = 0;              ///< a global: the calls that are left to a lease, so that all of them end
  std::uint32_t plain_type = 0, action_type = 0;  ///< indices of these types
  bool stores = false;                            ///< GeneratorOptions::stores

  [[nodiscard]] std::uint64_t bytes_of(std::uint32_t memory) const {
    return memories[memory].type.limits.minimum * 65'536;
  }
  [[nodiscard]] std::uint64_t smallest_memory() const;
};

inline constexpr std::uint32_t kCallsOfALease = 60;
/// (address, any number, any number) -> a digest of what was read on the way
inline const FunctionType kActionType{{ValueType::kI32, ValueType::kI32, ValueType::kI64}, {ValueType::kI64}};

/// The operators of one function.
class Statements {
 public:
  /// Parameters first.
  static constexpr std::array kLocals = {ValueType::kI32, ValueType::kI32, ValueType::kI64, ValueType::kI64,
                                         ValueType::kI32, ValueType::kI32, ValueType::kI64, ValueType::kI64};

  Statements(Random& random, const State& state) : random_(random), state_(state) {}
  [[nodiscard]] const Code& code() const { return code_; }

  void action(std::uint32_t statements);
  void recursion(std::uint32_t self);
  void endless();
  /// Neither traps nor throws: for a start function.
  void safe(std::uint32_t statements, bool with_host);
  /// A constant, or the value of a global.
  void plain();

  /// Hashes all that can be read.
  void probe();
  void probe_memory_growth(std::uint32_t memory);
  void probe_table_growth(std::uint32_t table);
  /// Calls an element of the table.
  void probe_element(std::uint32_t table);
  void probe_segment();
  /// Calls what a global refers to.
  void probe_function();
  void probe_host();

 private:
  // Each leaves the stack as it was, but for what it is said to push.
  void statement(std::uint32_t depth);
  void store();
  void members();
  void vector_store();
  void atomic();
  void bulk();
  void grow_memory();
  void set_global();
  void change_table();
  void drop();
  void call();
  void call_host();
  void exception();
  void loop();
  void walk();
  void limited();
  void condition(std::uint32_t depth);
  void trap();
  void mix();  ///< takes an i64 into the digest

  void address(std::uint32_t memory, std::uint32_t bytes, std::uint32_t alignment = 1);  ///< pushes one
  void constant_address(std::uint32_t memory, std::uint64_t value);
  void memory_argument(Op op, std::uint32_t memory, std::uint64_t offset, std::uint32_t align_log2 = 0);
  [[nodiscard]] std::uint64_t offset();
  void length(bool is_64, std::uint64_t value);
  void push(ValueType type);  ///< pushes a value that depends on the parameters
  void index(std::uint32_t table, std::uint64_t limit);
  void index_constant(std::uint32_t table, std::uint64_t value);
  [[nodiscard]] std::uint32_t some_memory() { return random_.below(state_.memories.size()); }
  void hash_memory(std::uint32_t memory, bool only_last);
  void hash_table(std::uint32_t table);

  Random& random_;
  const State& state_;
  Code code_;
  bool safe_ = false;
};

}  // namespace anew::fairness
