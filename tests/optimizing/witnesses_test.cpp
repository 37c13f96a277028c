// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which loads keep their witnesses: all that could trap. And which become volatile in their place.
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

struct Kept {
  int witnesses = 0;
  int volatile_loads = 0;
  int loads = 0;
  bool operator==(const Kept&) const = default;
};

/// @param body  of a function of i32 %b and ptr addrspace(2) %p. @return what is left behind make_volatile().
Kept kept(const std::string& body) {
  ::llvm::LLVMContext context;
  ::llvm::SMDiagnostic error;
  const auto ir = ::llvm::parseAssemblyString(
      fmt::format("declare i32 @other()\ndefine swiftcc i32 @f0(i32 %b, ptr addrspace(2) %p) {{\n{}\n}}", body), error,
      context);
  if (ir == nullptr) throw std::runtime_error(error.getMessage().str());
  ::llvm::Function& function = *ir->getFunction("f0");
  make_volatile(function);
  Kept result;
  for (const ::llvm::Instruction& each : ::llvm::instructions(function)) {
    if (const auto* const call = ::llvm::dyn_cast<::llvm::CallInst>(&each)) result.witnesses += call->isInlineAsm();
    if (const auto* const load = ::llvm::dyn_cast<::llvm::LoadInst>(&each)) {
      ++result.loads;
      result.volatile_loads += load->isVolatile();
    }
  }
  return result;
}

constexpr char kLoad[] = "%v = load i32, ptr addrspace(2) %p, align 1\n";

/// Of an i32.
std::string witness(const std::string& value) {
  return "call void asm sideeffect \"\", \"r\"(i32 " + value +
         ") nounwind willreturn memory(inaccessiblemem: readwrite)\n";
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

TEST(VolatileLoads, StandForTheirWitnesses) {
  EXPECT_EQ(kept(kLoad + witness("%v") + "ret i32 0"), (Kept{0, 1, 1}));
  EXPECT_EQ(kept(kLoad + witness("%v") + witness("%v") + "ret i32 %v"), (Kept{0, 1, 1}));
  EXPECT_EQ(kept(std::string(kLoad) + "ret i32 %v"), (Kept{0, 0, 1})) << "nobody asks for it";
}

TEST(VolatileLoads, AreFoundBehindWhatTheOptimizerMadeOfThem) {
  EXPECT_EQ(kept(R"(%n = load i8, ptr addrspace(2) %p, align 1
                    %z = zext i8 %n to i32
                    %s = xor i32 %z, %b
                 )" +
                 witness("%s") + "ret i32 0"),
            (Kept{0, 1, 1}));
  EXPECT_EQ(kept(R"(%c = icmp eq i32 %b, 0
                    br i1 %c, label %then, label %else
                    then: %t = load i32, ptr addrspace(2) %p, align 1
                    br label %end
                    else: %q = getelementptr i8, ptr addrspace(2) %p, i64 4
                    %e = load i32, ptr addrspace(2) %q, align 1
                    br label %end
                    end: %f = phi i32 [ %t, %then ], [ %e, %else ]
                 )" +
                 witness("%f") + "ret i32 %f"),
            (Kept{0, 2, 2}));
  // Round a loop.
  EXPECT_EQ(kept(R"(br label %loop
                    loop: %s = phi i32 [ 0, %0 ], [ %n, %loop ]
                    %v = load i32, ptr addrspace(2) %p, align 1
                    %n = add i32 %s, %v
                 )" +
                 witness("%n") + "%c = icmp ult i32 %n, %b\n br i1 %c, label %loop, label %end\n end: ret i32 %n"),
            (Kept{0, 1, 1}));
}

TEST(VolatileLoads, AreNoneWhereTheValueIsKnownWithoutOne) {
  EXPECT_EQ(kept(witness("%b") + witness("7") + "ret i32 0"), Kept{});
}

TEST(VolatileLoads, LeaveTheWitnessesOfWhatIsNotSeenThrough) {
  EXPECT_EQ(kept("%v = call i32 @other()\n" + witness("%v") + "ret i32 0").witnesses, 1);
  EXPECT_EQ(kept("%v = load atomic i32, ptr addrspace(2) %p seq_cst, align 4\n" + witness("%v") + "ret i32 0"),
            (Kept{1, 0, 1}));
  EXPECT_EQ(kept("%v = cmpxchg ptr addrspace(2) %p, i32 %b, i32 1 seq_cst seq_cst, align 4\n"
                 "%o = extractvalue { i32, i1 } %v, 0\n" +
                 witness("%o") + "ret i32 0")
                .witnesses,
            1);
  // So many values lie between that looking ends.
  std::string sum = std::string(kLoad) + "%s0 = add i32 %v, %b\n";
  for (int i = 1; i < 40; ++i) sum += fmt::format("%s{} = add i32 %s{}, {}\n", i, i - 1, i);
  EXPECT_EQ(kept(sum + witness("%s39") + "ret i32 0"), (Kept{1, 0, 1}));
}

}  // namespace
}  // namespace anew::codegen::optimizing
