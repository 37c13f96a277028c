// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is compiled into its callers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
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

/// @param times  how often the callee multiplies.
std::string caller_of_products(int times) {
  std::string products;
  for (int i = 0; i < times; ++i) products += "local.get 0 i32.const 1 i32.rotl local.get 0 i32.mul local.set 0 ";
  return fmt::format(R"((module (func $callee (param i32) (result i32) {} local.get 0)
    (func (param i32) (result i32) local.get 0 call $callee i32.const 1 i32.add)))",
                     products);
}

TEST(Inlining, TakesWhatIsSmall) {
  EXPECT_EQ(calls_of_last_function(caller_of_products(1)), 0);
  EXPECT_EQ(calls_of_last_function(caller_of_products(1'000)), 1) << "there is something to count";
}

TEST(Inlining, TakesProductsThatAreSpelledOut) {
  for (const test::SpelledProduct& body : test::kSpelledProducts) {
    const char* const rest = test::has_high_halves(body) ? "local.get 3 local.get 4" : "";
    const std::string caller =
        fmt::format("(func (type $product) local.get 0 local.get 1 local.get 2 {} call $product)", rest);
    EXPECT_EQ(calls_of_last_function(test::text_of(body, body.operators, caller)), 0) << body.name;
  }
}

}  // namespace
}  // namespace anew::codegen::optimizing
