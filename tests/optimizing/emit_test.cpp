// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From IR, written by hand, to machine code that is put somewhere and run.
#include "codegen/llvm/emit.hpp"

#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/SourceMgr.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "abi/processor.hpp"
#include "codegen/positions.hpp"
#include "os/virtual_memory.hpp"
#include "support/wat.hpp"
#include "wasm/decoder.hpp"

namespace anew::codegen::optimizing {
namespace {

constexpr std::uint32_t kFunctions = 8;

/// The attributes that unit.cpp gives every function.
constexpr char kAttributes[] =
    "\nattributes #0 = { nounwind \"no-builtins\" \"frame-pointer\"=\"all\" \"probe-stack\"=\"inline-asm\" "
    "\"target-cpu\"=\"x86-64\" \"target-features\"=\"+avx2,+bmi,+bmi2,+lzcnt,+popcnt,+fma,+movbe\" }\n";

/// A module of kFunctions functions without memories, and its unit.
struct Source {
  std::vector<std::byte> binary = [] {
    std::string text = "(module";
    for (std::uint32_t i = 0; i < kFunctions; ++i) text += " (func)";
    return anew::test::wat(text + ")");
  }();
  wasm::Module module = wasm::decode_module(binary).value();
  abi::CellLayout layout = abi::CellLayout::of(module, abi::kMaximumCardShift).value();
  Options options = {};
  std::vector<abi::Places> places{module.types.size()};
  ::llvm::LLVMContext context;
  Emitter emitter;

  std::vector<FunctionCode> emit(const std::string& ir, std::span<const std::uint32_t> wanted,
                                 Pipeline pipeline = Pipeline::kGuest) {
    ::llvm::SMDiagnostic wrong;
    ::llvm::Module empty("", context);
    emitter.prepare(empty);
    const std::unique_ptr<::llvm::Module> parsed = ::llvm::parseAssemblyString(
        "target datalayout = \"" + empty.getDataLayoutStr() + "\"\n" + ir + kAttributes, wrong, context);
    if (parsed == nullptr) throw std::logic_error(wrong.getMessage().str());
    emitter.prepare(*parsed);
    return emitter.emit({module, layout, options, places, places, *parsed}, wanted, pipeline);
  }
  FunctionCode emit_one(const std::string& ir, Pipeline pipeline = Pipeline::kGuest) {
    const std::uint32_t wanted = 0;
    return emit(ir, {&wanted, 1}, pipeline).front();
  }
};

/// Code where it can run, with a table of entries before it.
class Placed {
 public:
  static constexpr std::uint64_t kTextBytes = 1 << 16;

  explicit Placed(const FunctionCode& code) {
    EXPECT_EQ(code.not_compiled, "");
    memory_ = os::Mapping::reserve(entries_bytes(kFunctions) + kTextBytes).value();
    EXPECT_TRUE(os::protect(memory_.data(), memory_.size(), os::Access::kReadWrite));
    std::byte* const text = memory_.data() + entries_bytes(kFunctions);
    std::memcpy(text, code.code.data(), code.code.size());
    for (const Relocation& each : code.relocations) {
      EXPECT_EQ(each.target, Target::kEntries);
      const std::int64_t distance =
          each.addend + each.bias - static_cast<std::int64_t>(entries_bytes(kFunctions)) - each.at;
      const auto displacement = static_cast<std::int32_t>(distance);
      std::memcpy(text + each.at, &displacement, sizeof(displacement));
    }
    EXPECT_TRUE(os::protect(text, kTextBytes, os::Access::kReadExecute));
    text_ = text;
  }
  void set_entry(std::uint32_t function, const void* entry) {
    std::memcpy(memory_.data() + 8 * function, &entry, sizeof(entry));
  }
  [[nodiscard]] const void* text() const { return text_; }
  /// Arguments travel as those of C.
  template <typename... Arguments>
  std::uint64_t operator()(Arguments... arguments) const {
    return reinterpret_cast<std::uint64_t (*)(Arguments...)>(text_)(arguments...);
  }

 private:
  os::Mapping memory_;
  std::byte* text_ = nullptr;
};

TEST(Emit, MakesCodeOfEachFunctionThatIsWanted) {
  Source source;
  const std::vector<std::uint32_t> wanted = {3, 1};
  const auto codes = source.emit(R"(
    define swiftcc i64 @f1(i64 %a) #0 { %b = add i64 %a, 1
                                        ret i64 %b }
    define swiftcc i64 @f3(i64 %a) #0 { %b = add i64 %a, 3
                                        ret i64 %b })",
                                 wanted);
  ASSERT_EQ(codes.size(), 2u);
  EXPECT_EQ(codes[0].function, 3u);
  EXPECT_EQ(codes[1].function, 1u);
  EXPECT_EQ(Placed(codes[0])(std::uint64_t{10}), 13u);
  EXPECT_EQ(Placed(codes[1])(std::uint64_t{10}), 11u);
}

TEST(Emit, PutsTheConstantsOfAFunctionBehindItsCode) {
  Source source;
  const std::vector<std::uint32_t> wanted = {0, 1};
  // Both use the same constants; a jump table leads back into the code.
  std::string ir;
  for (const char* const name : {"f0", "f1"}) {
    ir += std::string("define swiftcc i64 @") + name + R"((i64 %a, ptr %p) #0 {
      switch i64 %a, label %other [ i64 0, label %zero i64 1, label %one i64 2, label %two i64 3, label %three
                                    i64 4, label %four i64 5, label %five ]
    zero: call void asm sideeffect "nop", ""()
      ret i64 100
    one: %l1 = load <4 x i32>, ptr %p, align 1
      %s1 = add <4 x i32> %l1, <i32 1, i32 22, i32 333, i32 4444>
      %e1 = extractelement <4 x i32> %s1, i32 3
      %w1 = zext i32 %e1 to i64
      ret i64 %w1
    two: %l2 = load <8 x i32>, ptr %p, align 1
      %s2 = mul <8 x i32> %l2, <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 800>
      %e2 = shufflevector <8 x i32> %s2, <8 x i32> poison, <1 x i32> <i32 7>
      store <8 x i32> %s2, ptr %p, align 1
      ret i64 2
    three: call void asm sideeffect "nop", ""()
      ret i64 103
    four: %l4 = load double, ptr %p, align 1
      %s4 = fmul double %l4, 1.25
      %b4 = bitcast double %s4 to i64
      ret i64 %b4
    five: call void asm sideeffect "nop", ""()
      ret i64 105
    other: ret i64 7
    })";
  }
  source.options.marks = false;  // the store is to no memory of the module's
  const auto codes = source.emit(ir, wanted);
  ASSERT_EQ(codes.size(), 2u);
  for (const FunctionCode& code : codes) {
    EXPECT_GE(code.alignment, 32u);
    const Placed placed(code);
    alignas(32) std::array<std::int32_t, 8> lanes = {1, 1, 1, 1, 1, 1, 1, 2};
    EXPECT_EQ(placed(std::uint64_t{0}, lanes.data()), 100u);
    EXPECT_EQ(placed(std::uint64_t{1}, lanes.data()), 4445u);
    EXPECT_EQ(placed(std::uint64_t{2}, lanes.data()), 2u);
    EXPECT_EQ(lanes[7], 1600);
    EXPECT_EQ(lanes[6], 7);
    EXPECT_EQ(placed(std::uint64_t{3}, lanes.data()), 103u);
    const double number = 8;
    EXPECT_EQ(placed(std::uint64_t{4}, &number), std::bit_cast<std::uint64_t>(10.0));
    EXPECT_EQ(placed(std::uint64_t{5}, lanes.data()), 105u);
    EXPECT_EQ(placed(std::uint64_t{6}, lanes.data()), 7u);
  }
}

TEST(Emit, CallsThroughTheEntries) {
  Source source;
  const auto code = source.emit_one(R"(
    define swiftcc i64 @f0(i64 %a) #0 { %b = call swiftcc i64 @f5(i64 %a)
                                        %c = notail call swiftcc i64 @f0(i64 %b)
                                        %d = add i64 %b, %c
                                        ret i64 %d }
    declare swiftcc i64 @f5(i64) #0)");
  Placed placed(code);
  const std::vector<std::uint32_t> wanted = {5, 0};
  const auto callees = source.emit(R"(
    define swiftcc i64 @f5(i64 %a) #0 { %b = mul i64 %a, 10
                                        ret i64 %b }
    define swiftcc i64 @f0(i64 %a) #0 { %b = add i64 %a, 1
                                        ret i64 %b })",
                                   wanted);
  const Placed ten(callees[0]);
  const Placed one(callees[1]);
  placed.set_entry(5, ten.text());
  placed.set_entry(0, one.text());  // a call of itself goes there, too
  EXPECT_EQ(placed(std::uint64_t{7}), 70u + 71u);
}

TEST(Emit, TellsWhichTrapIsRaisedWhere) {
  Source source;
  const auto code = source.emit_one(R"(
    define swiftcc i64 @f0(i64 %a) #0 {
      %zero = icmp eq i64 %a, 0
      br i1 %zero, label %trap, label %go
    trap: call swiftcc void @anew.trap.6() noreturn
      unreachable
    go: %b = sdiv i64 100, %a
      ret i64 %b }
    declare hidden swiftcc void @anew.trap.6())");
  ASSERT_EQ(code.not_compiled, "");
  ASSERT_EQ(code.relocations.size(), 1u);
  EXPECT_EQ(code.relocations[0].target, Target::kTrap);
  EXPECT_EQ(code.relocations[0].addend, 6);
  EXPECT_EQ(code.relocations[0].bias, -4);
  EXPECT_LE(code.relocations[0].at + 4, code.code.size());
}

TEST(Emit, DropsWhatIsThereToBeInlined) {
  Source source;
  const auto code = source.emit_one(R"(
    define available_externally swiftcc i64 @f5(i64 %a) #0 { %b = mul i64 %a, 10
                                                             ret i64 %b }
    define swiftcc i64 @f0(i64 %a) #0 { %b = call swiftcc i64 @f5(i64 %a)
                                        ret i64 %b })");
  EXPECT_TRUE(code.relocations.empty());
  EXPECT_EQ(Placed(code)(std::uint64_t{7}), 70u);
}

TEST(Emit, TellsHowMuchStackAFrameTakes) {
  Source source;
  EXPECT_EQ(source.emit_one("define swiftcc void @f0() #0 { ret void }").frame_bytes, 16u);
  const auto code = source.emit_one(R"(define swiftcc void @f0() #0 {
      %room = alloca [1000 x i8]
      call void asm sideeffect "", "r"(ptr %room)
      ret void })");
  EXPECT_GE(code.frame_bytes, 1016u);
  EXPECT_LE(code.frame_bytes, 1040u);
}

TEST(Emit, RefusesAFrameWithoutAFixedSize) {
  Source source;
  const auto code = source.emit_one(R"(define swiftcc void @f0(i64 %n) #0 {
      %room = alloca i8, i64 %n
      call void asm sideeffect "", "r"(ptr %room)
      ret void })");
  EXPECT_EQ(code.not_compiled, "its frame has no fixed size");
  EXPECT_TRUE(code.code.empty());
}

TEST(Emit, RefusesWhatCallsAFunctionThatThereIsNot) {
  Source source;
  const std::vector<std::uint32_t> wanted = {0, 1};
  const auto codes = source.emit(R"(
    declare i64 @outside(i64)
    define swiftcc double @f0(double %a, double %b) #0 { %c = frem double %a, %b
                                                         ret double %c }
    define swiftcc i64 @f1(i64 %a) #0 { ret i64 %a })",
                                 wanted);
  EXPECT_NE(codes[0].not_compiled.find("fmod"), std::string::npos) << codes[0].not_compiled;
  EXPECT_EQ(Placed(codes[1])(std::uint64_t{5}), 5u);
}

TEST(Emit, MakesNoCallsOfALibrary) {
  // What would become memset and memcpy, and rounding, for which x86-64 alone has calls.
  constexpr char kIr[] = R"(
    define swiftcc void @f0(ptr noalias %to, ptr noalias %from, i64 %n) #0 {
    entry: br label %loop
    loop: %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      %a = getelementptr i8, ptr %from, i64 %i
      %b = getelementptr i8, ptr %to, i64 %i
      %v = load i8, ptr %a, align 1
      store i8 %v, ptr %b, align 1
      %next = add nuw i64 %i, 1
      %go = icmp ult i64 %next, %n
      br i1 %go, label %loop, label %zero
    zero: %j = phi i64 [ 0, %loop ], [ %next2, %zero ]
      %c = getelementptr i8, ptr %from, i64 %j
      store i8 0, ptr %c, align 1
      %next2 = add nuw i64 %j, 1
      %go2 = icmp ult i64 %next2, %n
      br i1 %go2, label %zero, label %round
    round: %d = load double, ptr %to, align 1
      %e = call double @llvm.roundeven.f64(double %d)
      %f = call double @llvm.ceil.f64(double %e)
      %g = call double @llvm.trunc.f64(double %f)
      store double %g, ptr %to, align 1
      ret void })";
  for (const Pipeline pipeline : {Pipeline::kGuest, Pipeline::kO1, Pipeline::kO2, Pipeline::kO3, Pipeline::kOs}) {
    Source source;
    source.options.marks = false;
    const Placed placed(source.emit_one(std::string(kIr) + R"(
      declare double @llvm.roundeven.f64(double)
      declare double @llvm.ceil.f64(double)
      declare double @llvm.trunc.f64(double))",
                                        pipeline));
    std::array<double, 4> from = {2.5, 1, 2, 3};
    std::array<double, 4> to = {};
    placed(to.data(), from.data(), sizeof(from));
    EXPECT_EQ(to, (std::array<double, 4>{2, 1, 2, 3}));
    EXPECT_EQ(from, (std::array<double, 4>{}));
  }
}

TEST(Emit, RefusesIrThatIsNotValidAndGoesOn) {
  Source source;
  const std::vector<std::uint32_t> wanted = {0, 1};
  const auto codes = source.emit(R"(
    define swiftcc i64 @f0(i64 %a, ptr swifterror %p) #0 { %q = ptrtoint ptr %p to i64
                                                           ret i64 %q }
    define swiftcc i64 @f1(i64 %a) #0 { ret i64 %a })",
                                 wanted);
  EXPECT_NE(codes[0].not_compiled.find("not valid"), std::string::npos) << codes[0].not_compiled;
  EXPECT_EQ(Placed(codes[1])(std::uint64_t{5}), 5u);
}

TEST(Emit, TellsWhereCodeComesFromAndWhatIsInlinedThere) {
  Source source;
  // A call in function 1 of function 2, in which one of function 3 is, all of it in one function. Lines are offsets in
  // the module; each body is a few bytes long.
  const auto offset = [&](std::uint32_t function, std::uint64_t by) {
    return std::to_string(source.module.bodies[function].offset + by);
  };
  const std::string ir = R"(
    define swiftcc void @f1() #0 !dbg !11 {
      call void asm sideeffect "nop", ""(), !dbg !20
      call swiftcc void @f2(), !dbg !21
      call void asm sideeffect "nop", ""(), !dbg !22
      call void asm sideeffect "nop", ""(), !dbg !22
      ret void, !dbg !22 }
    define available_externally swiftcc void @f2() #0 !dbg !12 {
      call swiftcc void @f3(), !dbg !23
      ret void, !dbg !23 }
    define available_externally swiftcc void @f3() #0 !dbg !13 {
      call void asm sideeffect "hlt", ""(), !dbg !24
      ret void, !dbg !24 }
    !llvm.dbg.cu = !{!0}
    !llvm.module.flags = !{!1}
    !0 = distinct !DICompileUnit(language: DW_LANG_C, file: !2, isOptimized: true, emissionKind: LineTablesOnly)
    !1 = !{i32 2, !"Debug Info Version", i32 3}
    !2 = !DIFile(filename: "module.wasm", directory: "")
    !3 = !DISubroutineType(types: !4)
    !4 = !{}
    !11 = distinct !DISubprogram(name: "f1", file: !2, type: !3, spFlags: DISPFlagDefinition, unit: !0)
    !12 = distinct !DISubprogram(name: "f2", file: !2, type: !3, spFlags: DISPFlagDefinition, unit: !0)
    !13 = distinct !DISubprogram(name: "f3", file: !2, type: !3, spFlags: DISPFlagDefinition, unit: !0)
    !20 = !DILocation(line: )" +
                         offset(1, 0) + R"(, scope: !11)
    !21 = !DILocation(line: )" +
                         offset(1, 1) + R"(, scope: !11)
    !22 = !DILocation(line: )" +
                         offset(1, 0) + R"(, scope: !11)
    !23 = !DILocation(line: )" +
                         offset(2, 1) + R"(, scope: !12)
    !24 = !DILocation(line: )" +
                         offset(3, 1) + ", scope: !13)\n";
  const std::uint32_t wanted = 1;
  const FunctionCode code = source.emit(ir, {&wanted, 1}).front();
  ASSERT_EQ(code.not_compiled, "");
  const auto halt = std::ranges::find(code.code, std::byte{0xF4});
  ASSERT_NE(halt, code.code.end());
  const auto at = static_cast<std::uint64_t>(halt - code.code.begin());
  const auto found = find_in_positions(code.positions, at);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->module_offset(), source.module.bodies[3].offset + 1);
  std::vector<InlinedFunction> inlined;
  found->for_each_inlined([&](const InlinedFunction& each) { inlined.push_back(each); });
  EXPECT_EQ(inlined, (std::vector<InlinedFunction>{{3, source.module.bodies[2].offset + 1},
                                                   {2, source.module.bodies[1].offset + 1}}));
  for (const std::uint64_t offset_before_or_behind : {at - 1, at + 1}) {
    const auto other = find_in_positions(code.positions, offset_before_or_behind);
    ASSERT_TRUE(other);
    EXPECT_EQ(other->module_offset(), source.module.bodies[1].offset);
    other->for_each_inlined([&](const InlinedFunction&) { ADD_FAILURE() << "nothing is inlined there"; });
  }
  EXPECT_TRUE(find_in_positions(code.positions, 0));
}

TEST(Emit, ChangesNoSignalHandler) {
  std::vector<struct sigaction> before(NSIG);
  for (int i = 1; i < NSIG; ++i) sigaction(i, nullptr, &before[i]);
  Source source;
  EXPECT_EQ(source.emit_one("define swiftcc void @f0() #0 { ret void }").not_compiled, "");
  for (int i = 1; i < NSIG; ++i) {
    struct sigaction after = {};
    sigaction(i, nullptr, &after);
    EXPECT_EQ(after.sa_handler, before[i].sa_handler) << i;
  }
}

}  // namespace
}  // namespace anew::codegen::optimizing
