// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which loads keep their witnesses: all that could trap.
#include "codegen/llvm/witnesses.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace anew::codegen::optimizing {
namespace {

/// @param body  of a function of i64 %a and i32 %b, of a module whose memory has one page, in %m.
/// @return how many witnesses are left.
std::ptrdiff_t witnesses(const std::string& body, bool foreign_memory = false, std::uint64_t pages = 1) {
  wasm::Module module;
  module.memories.resize(2);
  module.memories[0].limits.minimum = pages;
  module.memories[1].limits.minimum = pages;
  Options options;
  options.foreign_memory = foreign_memory;
  const auto layout = abi::CellLayout::of(module, options.card_shift, foreign_memory).value();
  ::llvm::LLVMContext context;
  ::llvm::SMDiagnostic error;
  const auto ir = ::llvm::parseAssemblyString(fmt::format(R"(
define swiftcc void @f0(i64 %a, i32 %b, ptr swiftself %cell) {{
  %m = addrspacecast ptr %cell to ptr addrspace(2)
{}
}})",
                                                          body),
                                              error, context);
  if (ir == nullptr) throw std::runtime_error(error.getMessage().str());
  const Unit unit = {module, layout, options, {}, {}, *ir};
  ::llvm::LoopAnalysisManager loops;
  ::llvm::FunctionAnalysisManager functions;
  ::llvm::CGSCCAnalysisManager components;
  ::llvm::ModuleAnalysisManager modules;
  ::llvm::PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  ::llvm::Function& function = *ir->getFunction("f0");
  DropWitnesses(unit).run(function, functions);
  return std::ranges::count_if(::llvm::instructions(function),
                               [](const ::llvm::Instruction& each) { return ::llvm::isa<::llvm::CallInst>(each); });
}

/// A load of an i32 past the address %i, an i32, with its witness.
std::string load(std::uint64_t offset) {
  return fmt::format(R"(
  %z = zext i32 %i to i64
  %p = getelementptr inbounds nuw i8, ptr addrspace(2) %m, i64 %z
  %q = getelementptr inbounds nuw i8, ptr addrspace(2) %p, i64 {}
  %v = load i32, ptr addrspace(2) %q, align 1
  call void asm sideeffect "", "r"(i32 %v) nounwind willreturn memory(inaccessiblemem: readwrite)
)",
                     offset);
}

TEST(Witnesses, OfWhatIsAlwaysInBoundsAreNotNeeded) {
  // 4095 + 61437 + 4 is the page's end.
  EXPECT_EQ(witnesses("%i = and i32 %b, 4095" + load(61'437) + "ret void"), 0);
  EXPECT_EQ(witnesses("%i = and i32 %b, 4095" + load(61'438) + "ret void"), 1);
  EXPECT_EQ(witnesses("%i = and i32 %b, 4095" + load(61'438) + "ret void", false, 2), 0);
}

TEST(Witnesses, OfAnyAddressAreKept) {
  EXPECT_EQ(witnesses("%i = add i32 %b, 0" + load(0) + "ret void", false, 65'535), 1);
  // All of 4 GiB: no address is past it but for the last bytes.
  EXPECT_EQ(witnesses("%i = and i32 %b, -4" + load(0) + "ret void", false, 65'536), 0);
  EXPECT_EQ(witnesses("%i = and i32 %b, -4" + load(4) + "ret void", false, 65'536), 1);
  EXPECT_EQ(witnesses("%i = and i32 %b, -4" + load(4) + "ret void", false, std::uint64_t{1} << 48), 1);
}

TEST(Witnesses, OfASumThatMayWrapAreKept) {
  EXPECT_EQ(witnesses("%c = and i32 %b, 4095 %i = sub i32 %c, 4" + load(0) + "ret void"), 1);
  EXPECT_EQ(witnesses("%c = and i32 %b, 4095 %i = add i32 %c, 4" + load(0) + "ret void"), 0);
}

TEST(Witnesses, OfALoopAsFarAsItGoes) {
  const auto loop = [](int steps) {
    return "br label %loop\nloop:\n%i = phi i32 [ 0, %0 ], [ %next, %loop ]\n" + load(0) +
           fmt::format(
               "%next = add nuw i32 %i, 4 %more = icmp ult i32 %next, {}\n"
               "br i1 %more, label %loop, label %end\nend:\nret void",
               steps);
  };
  EXPECT_EQ(witnesses(loop(65'536)), 0);
  EXPECT_EQ(witnesses(loop(65'540)), 1);
}

TEST(Witnesses, OfOtherMemoriesAreKept) {
  EXPECT_EQ(witnesses("%i = and i32 %b, 4095" + load(0) + "ret void", true), 1);
  EXPECT_EQ(witnesses(R"(
  %p = inttoptr i64 64 to ptr addrspace(3)
  %v = load i32, ptr addrspace(3) %p, align 1
  call void asm sideeffect "", "r"(i32 %v)
  ret void)"),
            1);
}

}  // namespace
}  // namespace anew::codegen::optimizing
