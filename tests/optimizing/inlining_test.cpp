// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is compiled into its callers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/llvm/module_optimizer.hpp"
#include "support/spelled_products.hpp"
#include "support/wat.hpp"

namespace anew::codegen::optimizing {
namespace {

/// How many entries of other functions the code of the module's last function refers to.
std::ptrdiff_t calls_of_last_function(const std::string& text) {
  const std::vector<std::byte> binary = test::wat(text);
  auto optimizer = ModuleOptimizer::open(binary, Features::all(), {}).value();
  const auto last = static_cast<std::uint32_t>(optimizer.module().functions.size() - 1);
  const std::vector<FunctionCode> codes = optimizer.optimize({&last, 1}, Pipeline::kGuest);
  EXPECT_EQ(codes.front().not_compiled, "");
  return std::ranges::count(codes.front().relocations, Target::kEntries, &Relocation::target);
}

/// @param times  how often the callee adds to itself.
std::string caller_of_sums(int times) {
  std::string sum;
  for (int i = 0; i < times; ++i) sum += "local.get 0 i32.const 1 i32.rotl local.get 0 i32.mul local.set 0 ";
  return fmt::format(R"((module (func $callee (param i32) (result i32) {} local.get 0)
    (func (param i32) (result i32) local.get 0 call $callee i32.const 1 i32.add)))",
                     sum);
}

TEST(Inlining, TakesWhatIsSmall) {
  EXPECT_EQ(calls_of_last_function(caller_of_sums(1)), 0);
  EXPECT_EQ(calls_of_last_function(caller_of_sums(1'000)), 1) << "there is something to count";
}

TEST(Inlining, TakesProductsThatAreSpelledOut) {
  for (const test::SpelledProduct& body : test::kSpelledProducts) {
    const bool has_high_halves = !std::string_view(body.name).contains("two i64");
    EXPECT_EQ(calls_of_last_function(fmt::format(R"((module (memory 1)
      (global $stack (mut i32) (i32.const 4096))
      (func $low (param i64 i64) (result i64) local.get 0)
      (func $high (param i64 i64) (result i64) local.get 1)
      (func $same (param i64) (result i64) local.get 0)
      (func $add (param i64 i64) (result i64) local.get 1 local.get 0 i64.add)
      (func $multiply (param i64 i64) (result i64) local.get 1 local.get 0 i64.mul)
      (func $store (param i32 i64 i64)
        local.get 0 local.get 2 i64.store offset=8 local.get 0 local.get 1 i64.store)
      (func $product (param i32 {0}) (local {1}) {2})
      (func (param i32 {0}) local.get 0 local.get 1 local.get 2 {3} call $product)))",
                                                 has_high_halves ? "i64 i64 i64 i64" : "i64 i64", body.locals,
                                                 body.operators, has_high_halves ? "local.get 3 local.get 4" : "")),
              0)
        << body.name;
  }
}

}  // namespace
}  // namespace anew::codegen::optimizing
