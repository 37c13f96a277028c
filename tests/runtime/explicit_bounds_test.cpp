// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Explicit bounds in memories that are reached through a pointer: nothing behind their end is, though it is accessible.
// Memory 0 of a module's own is the code generator's tests'.
#include "codegen/run.hpp"
#include "group.hpp"

namespace anew::test {
namespace {

using codegen::test::open_address_space;

constexpr CompileOptions kExplicit = {.explicit_bounds = true};

/// Functions on memory 0 that access four bytes, and where an address is a constant, the last ones of the first page
/// or of the second, or those around the end of the first.
constexpr std::string_view kFunctions = R"(
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32) (i32.store (local.get 0) (i32.const 5)))
  (func (export "load_behind") (param i32) (result i32) (i32.load offset=4096 (local.get 0)))
  (func (export "load_far") (param i32) (result i32) (i32.load offset=0x8000000 (local.get 0)))
  (func (export "constant_last") (result i32) (i32.load (i32.const 65532)))
  (func (export "constant_around") (result i32) (i32.load offset=1 (i32.const 65532)))
  (func (export "constant_second") (result i32) (i32.load (i32.const 131068)))
  (func (export "constant_highest") (result i32) (i32.load (i32.const -4)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
))";

void check(const Instance& instance, MemoryView memory) {
  open_address_space(memory);
  const auto trap = [&](const char* name, std::vector<Value> arguments = {}) {
    return call_error(instance, name, std::move(arguments)).trap;
  };
  EXPECT_EQ(call(instance, "load", {Value::i32(65'532)}), Value::i32(0));
  EXPECT_EQ(trap("load", {Value::i32(65'533)}), TrapKind::kMemoryOutOfBounds);
  call(instance, "store", {Value::i32(65'532)});
  EXPECT_EQ(trap("store", {Value::i32(65'533)}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("store", {Value::i32(~0u)}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(call(instance, "load_behind", {Value::i32(65'532 - 4'096)}), Value::i32(5));
  EXPECT_EQ(trap("load_behind", {Value::i32(65'533 - 4'096)}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("load_behind", {Value::i32(~0u)}), TrapKind::kMemoryOutOfBounds) << "the sum does not wrap";
  EXPECT_EQ(trap("load_far", {Value::i32(0)}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(call(instance, "constant_last"), Value::i32(5));
  for (const char* name : {"constant_around", "constant_second", "constant_highest"})
    EXPECT_EQ(trap(name), TrapKind::kMemoryOutOfBounds) << name;
  EXPECT_EQ(call(instance, "grow"), Value::i32(1));
  EXPECT_EQ(call(instance, "constant_second"), Value::i32(0));
  EXPECT_EQ(call(instance, "load", {Value::i32(2 * 65'536 - 4)}), Value::i32(0));
  EXPECT_EQ(trap("load", {Value::i32(2 * 65'536 - 3)}), TrapKind::kMemoryOutOfBounds);
}

TEST(ExplicitBounds, HoldInTheMemoryOfAnotherInstance) {
  Group group;
  const Instance library = group.add("library", compile(R"((module (memory (export "memory") 1 2)))", kExplicit));
  const Instance user = group.add(
      "user", compile(R"((module (import "library" "memory" (memory 1 2)))" + std::string(kFunctions), kExplicit));
  ASSERT_TRUE(group.store.freeze().has_value());
  check(user, library.memory("memory").value());
  EXPECT_TRUE(group.store.reset().has_value());
}

TEST(ExplicitBounds, HoldInFurtherMemories) {
  std::string text = R"((module (memory 3) (memory $m (export "memory") 1 2))" + std::string(kFunctions);
  for (const std::string op : {"i32.load", "i32.store", "memory.grow"})
    for (std::size_t at = 0; (at = text.find("(" + op + " ", at)) != text.npos; ++at)
      text.insert(at + 1 + op.size(), " $m");
  Group group;
  const Instance instance = group.add("m", compile(text, kExplicit));
  ASSERT_TRUE(group.store.freeze().has_value());
  check(instance, instance.memory("memory").value());
  EXPECT_TRUE(group.store.reset().has_value());
}

}  // namespace
}  // namespace anew::test
