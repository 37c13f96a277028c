// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The marks of the optimizing tier. Functions are marked and run: what they wrote must be covered.
#include "codegen/llvm/marks.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SourceMgr.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "optimizing/marked_function.hpp"

namespace anew::codegen::optimizing {
namespace {

/// What marking needs to know of the module: two memories.
struct Setting {
  explicit Setting(std::uint32_t card_shift = 12, bool foreign_memory = false) {
    module.memories.resize(2);
    options.card_shift = card_shift;
    options.foreign_memory = foreign_memory;
    layout = abi::CellLayout::of(module, card_shift, foreign_memory).value();
  }
  wasm::Module module;
  abi::CellLayout layout;
  Options options;
};

/// @param body  of `void f0(i64 %a, i64 %b, ptr %cell)`, which finds the base of memory 0 in %m.
std::string function_of(const std::string& body, const std::string& around = {}) {
  return around + R"(
define swiftcc void @f0(i64 %a, i64 %b, ptr swiftself %cell) "no-builtins" {
  %m = addrspacecast ptr %cell to ptr addrspace(2)
)" + body +
         "}\n";
}

/// A function that was marked.
class Marked {
 public:
  explicit Marked(const std::string& body, const std::string& around = {}, const Setting& setting = Setting())
      : setting_(setting), cell_(setting_.module, setting_.layout, setting_.options.foreign_memory) {
    auto context = std::make_unique<::llvm::LLVMContext>();
    ::llvm::SMDiagnostic error;
    auto ir = ::llvm::parseAssemblyString(function_of(body, around), error, *context);
    if (ir == nullptr) throw std::runtime_error(error.getMessage().str());
    const Unit unit = {setting_.module, setting_.layout, setting_.options, {}, {}, *ir};
    counts = add_marks(unit, *ir->getFunction("f0"));
    std::string message;
    ::llvm::raw_string_ostream stream(message);
    if (::llvm::verifyModule(*ir, &stream)) throw std::runtime_error(message);
    ir->print(stream, nullptr);
    text = message;
    jit_.add(std::move(ir), std::move(context));
  }
  /// @return the cards that it marked, as text, or what is wrong.
  std::string run(std::uint64_t a = 0, std::uint64_t b = 0, std::uint32_t memory = 0) {
    cell_.reset();
    jit_.entry(0)(cell_.cell(), a, b);
    written = cell_.written_bytes();
    const std::string wrong = cell_.check();
    return wrong.empty() ? fmt::format("{}", fmt::join(cell_.cards(memory), " ")) : wrong;
  }
  MarkCounts counts;
  std::string text;
  std::uint64_t written = 0;

 private:
  Setting setting_;
  FakeCell cell_;
  Jit jit_;
};

/// @return why the function is not compiled.
std::string refusal(const std::string& body, const std::string& around = {}) {
  try {
    const Marked function(body, around);
  } catch (const NotCompiled& refused) {
    return refused.reason;
  }
  return {};
}

TEST(Marks, AStoreMarksItsCard) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    store i32 -1, ptr addrspace(2) %p
    ret void)");
  EXPECT_EQ(function.counts.stores, 1u);
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(0), "0");
  EXPECT_EQ(function.written, 4u);
  EXPECT_EQ(function.run(4095), "0");
  EXPECT_EQ(function.run(4096), "1");
  EXPECT_EQ(function.run(0xFFFF'FFFF), "1048575");
  EXPECT_EQ(function.run(0x1'0000'0000), "1048576");
}

TEST(Marks, NothingIsMarkedIfNotAskedFor) {
  Setting setting;
  setting.options.marks = false;
  Marked function("store i32 -1, ptr addrspace(2) %m ret void", {}, setting);
  EXPECT_EQ(function.counts.marks, 0u);
  EXPECT_NE(function.run().find("is not marked"), std::string::npos);  // and the test sees it
}

TEST(Marks, AnAddressInSeveralSteps) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    %q = getelementptr {i32, [4 x i16]}, ptr addrspace(2) %p, i64 %b, i32 1, i64 3
    %r = getelementptr i8, ptr addrspace(2) %q, i64 -10
    store i16 -1, ptr addrspace(2) %r
    ret void)");
  EXPECT_EQ(function.run(5000, 0), "1");
  EXPECT_EQ(function.run(4096 + 1000 * 12, 0xFFFF'FFFF'FFFF'FFFF - 999), "1");
}

TEST(Marks, APointerThatIsChosen) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    %q = getelementptr i8, ptr addrspace(2) %m, i64 8192
    %c = icmp eq i64 %b, 0
    %r = select i1 %c, ptr addrspace(2) %p, ptr addrspace(2) %q
    store i64 -1, ptr addrspace(2) %r
    ret void)");
  EXPECT_EQ(function.run(4096, 0), "1");
  EXPECT_EQ(function.run(4096, 1), "2");
}

TEST(Marks, CardsOfEverySize) {
  for (std::uint32_t shift = abi::kMinimumCardShift; shift <= abi::kMaximumCardShift; ++shift) {
    Marked function(R"(
      %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
      store i32 -1, ptr addrspace(2) %p
      ret void)",
                    {}, Setting(shift));
    EXPECT_EQ(function.run(0xFFFE), std::to_string(0xFFFE >> shift));
  }
}

TEST(Marks, ALinkedMemoryHasCardsOfItsOwn) {
  const std::string body = fmt::format(R"(
    %h = addrspacecast ptr %cell to ptr addrspace(1)
    %f = getelementptr i8, ptr addrspace(1) %h, i64 {}
    %m1 = load ptr addrspace(3), ptr addrspace(1) %f
    %p = getelementptr i8, ptr addrspace(3) %m1, i64 %a
    store i32 -1, ptr addrspace(3) %p
    %c = icmp eq i64 %b, 0
    %q = select i1 %c, ptr addrspace(3) %p, ptr addrspace(3) %m1
    store i32 -1, ptr addrspace(3) %q
    ret void)",
                                       Setting().layout.memory_reference(1));
  Marked function(body);
  EXPECT_EQ(function.run(70'000, 0, 1), "68");  // cards of 1024 bytes there
  EXPECT_EQ(function.run(70'000, 1, 1), "0 68");
  EXPECT_EQ(function.run(70'000, 1, 0), "");
}

TEST(Marks, AForeignMemory0IsLinked) {
  const Setting setting(12, true);
  Marked function(fmt::format(R"(
    %h = addrspacecast ptr %cell to ptr addrspace(1)
    %f = getelementptr i8, ptr addrspace(1) %h, i64 {}
    %m0 = load ptr addrspace(2), ptr addrspace(1) %f
    %p = getelementptr i8, ptr addrspace(2) %m0, i64 %a
    store i32 -1, ptr addrspace(2) %p
    ret void)",
                              setting.layout.memory_reference(0)),
                  {}, setting);
  EXPECT_EQ(function.run(5000), "4");
}

TEST(Marks, WideStores) {
  Marked vector(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    store <64 x i8> splat (i8 -1), ptr addrspace(2) %p, align 1
    ret void)");
  EXPECT_EQ(vector.counts.marks, 1u);
  EXPECT_EQ(vector.run(4095), "0");  // the slack serves the rest
  Marked large(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    store [4096 x i8] zeroinitializer, ptr addrspace(2) %p, align 1
    ret void)");
  EXPECT_EQ(large.run(4095), "0 1");
  EXPECT_EQ(large.run(4097), "1 2");
}

constexpr char kBulk[] = R"(
declare void @llvm.memset.inline.p2.i64(ptr addrspace(2), i8, i64, i1)
declare void @llvm.memcpy.inline.p2.p2.i64(ptr addrspace(2), ptr addrspace(2), i64, i1)
declare void @llvm.masked.store.v32i8.p2(<32 x i8>, ptr addrspace(2), i32, <32 x i1>)
)";

TEST(Marks, BulkOperationsMarkARange) {
  const auto fill = [](int bytes) {
    return fmt::format(R"(
      %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
      call void @llvm.memset.inline.p2.i64(ptr addrspace(2) %p, i8 -1, i64 {}, i1 false)
      ret void)",
                       bytes);
  };
  Marked none(fill(0), kBulk);
  EXPECT_EQ(none.counts.stores, 0u);
  EXPECT_EQ(none.run(0), "");
  Marked small(fill(256), kBulk);
  EXPECT_EQ(small.run(4095), "0");
  Marked middle(fill(257), kBulk);
  EXPECT_EQ(middle.run(4095), "0 1");
  EXPECT_EQ(middle.run(4096), "1");
  Marked large(fill(9000), kBulk);
  EXPECT_EQ(large.run(4095), "0 1 2 3");
  EXPECT_EQ(large.run(0), "0 1 2");
  Marked copy(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    %q = getelementptr i8, ptr addrspace(2) %m, i64 %b
    call void @llvm.memcpy.inline.p2.p2.i64(ptr addrspace(2) %p, ptr addrspace(2) %q, i64 5000, i1 false)
    ret void)",
              kBulk);
  EXPECT_EQ(copy.run(8192, 101), "2 3");
}

TEST(Marks, AStoreOfSomeLanes) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    %t = trunc i64 %b to i32
    %mask = bitcast i32 %t to <32 x i1>
    call void @llvm.masked.store.v32i8.p2(<32 x i8> splat (i8 -1), ptr addrspace(2) %p, i32 1, <32 x i1> %mask)
    ret void)",
                  kBulk);
  EXPECT_EQ(function.run(4090, 0xFFFF'FFFF), "0");
  EXPECT_EQ(function.run(4090, 0xFFFF'0000), "0");
  // Lanes that are not written may lie anywhere.
  EXPECT_EQ(function.run(0xFFFF'FFFF'FFFF'FFF0, 0xFFFF'0000), "0");
}

TEST(Marks, AtomicStores) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    %q = getelementptr i8, ptr addrspace(2) %m, i64 %b
    %old = atomicrmw add ptr addrspace(2) %p, i32 1000 seq_cst
    %pair = cmpxchg ptr addrspace(2) %q, i32 0, i32 1 seq_cst seq_cst
    fence seq_cst
    ret void)");
  EXPECT_EQ(function.counts.stores, 2u);
  EXPECT_EQ(function.run(4096, 8192), "1 2");
}

TEST(Marks, WhatIsNoMemorysNeedsNone) {
  Marked function(fmt::format(R"(
    %frame = alloca [16 x i8]
    %other = alloca i64
    %c = icmp eq i64 %a, 0
    %p = select i1 %c, ptr %frame, ptr %other
    store i64 -1, ptr %p
    call void asm sideeffect "", "r,~{{dirflag}}"(i64 %a)
    %h = addrspacecast ptr %cell to ptr addrspace(1)
    %f = getelementptr i8, ptr addrspace(1) %h, i64 {}
    store i64 {}, ptr addrspace(1) %f
    ret void)",
                              abi::kMemoryBytes, abi::kMemoryAddressSpace + abi::kGuardBytes));  // what it is
  EXPECT_EQ(function.counts.stores, 0u);
  EXPECT_EQ(function.run(), "");
}

TEST(Marks, WhatIsNotKnownIsRefused) {
  EXPECT_NE(refusal("store i8 1, ptr %cell ret void"), "");
  EXPECT_NE(refusal("%p = inttoptr i64 %a to ptr store i8 1, ptr %p ret void"), "");
  EXPECT_NE(refusal(R"(
    %frame = alloca i64
    %c = icmp eq i64 %a, 0
    %p = select i1 %c, ptr %frame, ptr %cell
    store i64 -1, ptr %p
    ret void)"),
            "");
  EXPECT_NE(refusal("%p = inttoptr i64 %a to ptr addrspace(4) store i8 1, ptr addrspace(4) %p ret void"), "");
  EXPECT_NE(refusal("%p = inttoptr i64 %a to ptr addrspace(257) store i8 1, ptr addrspace(257) %p ret void"), "");
  EXPECT_NE(refusal(R"(call void asm sideeffect "", "r,~{memory}"(i64 %a) ret void)"), "");
  EXPECT_NE(refusal(R"(call void asm sideeffect "", "=*m"(ptr addrspace(2) elementtype(i8) %m) ret void)"), "");
  EXPECT_NE(refusal("%p = call ptr @memset(ptr %cell, i32 0, i64 %a) ret void", "declare ptr @memset(ptr, i32, i64)"),
            "");
  EXPECT_NE(refusal("%p = call i64 @free() ret void", "declare i64 @free()"), "");
  EXPECT_NE(refusal(R"(
    call void @llvm.masked.scatter.v2i8.v2p2(<2 x i8> splat (i8 1), <2 x ptr addrspace(2)> undef, i32 1, <2 x i1> undef)
    ret void)",
                    "declare void @llvm.masked.scatter.v2i8.v2p2(<2 x i8>, <2 x ptr addrspace(2)>, i32, <2 x i1>)"),
            "");
  // What does the same and is known.
  EXPECT_EQ(refusal("call void @f1(i64 %a) call void @anew.trap.1() unreachable",
                    "define void @f1(i64 %a) { ret void }\n define void @anew.trap.1() { ret void }"),
            "");
}

// --- Stores that share a mark ---

TEST(Marks, OneForTheMembersOfAStruct) {
  Marked function(R"(
    %z = and i64 %a, 4294967295
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %z
    %q = getelementptr i8, ptr addrspace(2) %p, i64 248
    %r = getelementptr i8, ptr addrspace(2) %p, i64 16
    store i64 -1, ptr addrspace(2) %q
    store i64 -1, ptr addrspace(2) %r
    store i64 -1, ptr addrspace(2) %p
    ret void)");
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(4095), "0");
  EXPECT_EQ(function.written, 24u);
}

TEST(Marks, NotBehindTheSlack) {
  Marked function(R"(
    %z = and i64 %a, 4294967295
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %z
    %q = getelementptr i8, ptr addrspace(2) %p, i64 249
    store i64 -1, ptr addrspace(2) %p
    store i64 -1, ptr addrspace(2) %q
    ret void)");
  EXPECT_EQ(function.counts.marks, 2u);
  EXPECT_EQ(function.run(4095), "0 1");
}

TEST(Marks, NothingBeforeAnAddressThatIsNotProven) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %a
    %q = getelementptr i8, ptr addrspace(2) %p, i64 32
    store i64 -1, ptr addrspace(2) %q
    store i64 -1, ptr addrspace(2) %p
    ret void)");
  EXPECT_EQ(function.counts.marks, 2u);
  EXPECT_EQ(function.run(4090), "0 1");
}

TEST(Marks, SumsThatMayWrapAreApart) {
  Marked function(R"(
    %t = trunc i64 %a to i32
    %u = add i32 %t, 8
    %z = zext i32 %t to i64
    %y = zext i32 %u to i64
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %z
    %q = getelementptr i8, ptr addrspace(2) %m, i64 %y
    store i32 -1, ptr addrspace(2) %p
    store i32 -1, ptr addrspace(2) %q
    ret void)");
  EXPECT_EQ(function.counts.marks, 2u);
  EXPECT_EQ(function.run(0xFFFF'FFFC), "0 1048575");
}

TEST(Marks, OfConstantsTheCardsAreKnown) {
  Marked function(R"(
    %p = getelementptr i8, ptr addrspace(2) %m, i64 8000
    %q = getelementptr i8, ptr addrspace(2) %m, i64 4096
    %r = getelementptr i8, ptr addrspace(2) %m, i64 8440
    %s = getelementptr i8, ptr addrspace(2) %m, i64 8441
    store i64 -1, ptr addrspace(2) %p
    store i64 -1, ptr addrspace(2) %q
    store i64 -1, ptr addrspace(2) %r
    store i64 -1, ptr addrspace(2) %s
    ret void)");
  EXPECT_EQ(function.counts.marks, 2u);
  EXPECT_EQ(function.run(), "1 2");
}

TEST(Marks, AMarkServesWhatItDominates) {
  constexpr char kBody[] = R"(
    %z = and i64 %a, 4294967295
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %z
    %c = icmp eq i64 %b, 0
    br i1 %c, label %left, label %right
  left:
    store i64 1, ptr addrspace(2) %p
    br label %end
  right:
    store i64 2, ptr addrspace(2) %p
    br label %end
  end:
    store i64 -1, ptr addrspace(2) %p
    ret void)";
  Marked apart(kBody);
  EXPECT_EQ(apart.counts.marks, 3u);  // neither branch dominates the end
  EXPECT_EQ(apart.run(5000, 0), "1");
  EXPECT_EQ(apart.run(5000, 1), "1");
  Marked together(
      fmt::format("%f = and i64 %a, 4294967295 %g = getelementptr i8, ptr addrspace(2) %m, i64 %f\n"
                  "store i8 0, ptr addrspace(2) %g\n{}",
                  kBody));
  EXPECT_EQ(together.counts.marks, 1u);
  EXPECT_EQ(together.run(5000, 1), "1");
}

// --- Loops ---

/// A loop that takes %b steps, at least one: %i is 0, 1, ... there.
std::string loop_of(const std::string& before, const std::string& body, const std::string& condition = {}) {
  return fmt::format(R"(
    {}
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %next, %{} ]
    {}
    %next = add nuw i64 %i, 1
    %more = icmp ult i64 %next, %b
    br i1 %more, label %loop, label %end
  end:
    ret void)",
                     before, condition.empty() ? "loop" : condition, body);
}

TEST(Marks, OfOneBlockStandTogether) {
  const auto swapped = [](const char* second) {
    return fmt::format(R"(
    %i = and i64 %a, 65535
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %i
    %j = and i64 %b, 65535
    %q = getelementptr i8, ptr addrspace(2) %m, i64 %j
    store i32 -1, ptr addrspace(2) %p
    {}
    store i32 -2, ptr addrspace(2) %r
    ret void)",
                       second);
  };
  const auto marks_before_stores = [](const Marked& function) {
    const std::size_t last = function.text.rfind("store i8 1, ptr addrspace(1)");
    return last != std::string::npos && last < function.text.find("store i32 -1");
  };
  Marked together(swapped("%r = getelementptr i8, ptr addrspace(2) %q, i64 4"));
  EXPECT_EQ(together.counts.marks, 2u);
  EXPECT_TRUE(marks_before_stores(together)) << together.text;
  EXPECT_EQ(together.run(4096, 8192), "1 2");
  // What is computed behind the first mark is marked there.
  Marked computed(swapped("%k = xor i64 %j, 4096 %r = getelementptr i8, ptr addrspace(2) %m, i64 %k"));
  EXPECT_FALSE(marks_before_stores(computed)) << computed.text;
  EXPECT_EQ(computed.run(4096, 8192), "1 3");
  // Nor may an address that is not proven be marked where it might not be stored to.
  Marked unproven(swapped("%r = getelementptr i8, ptr addrspace(2) %m, i64 %b"));
  EXPECT_FALSE(marks_before_stores(unproven)) << unproven.text;
  EXPECT_EQ(unproven.run(4096, 8192), "1 2");
}

TEST(Marks, OutOfALoopIfTheAddressIsAlwaysTheSame) {
  Marked function(loop_of("%z = and i64 %a, 4294967295 %p = getelementptr i8, ptr addrspace(2) %m, i64 %z", R"(
    %q = getelementptr i8, ptr addrspace(2) %p, i64 16
    store i64 %i, ptr addrspace(2) %q)"));
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(5000, 3), "1");
  EXPECT_LT(function.text.find("store i8 1"), function.text.find("phi"));
}

TEST(Marks, ARangeForALoop) {
  Marked function(loop_of("", R"(
    %o = mul i64 %i, 8
    %s = add i64 %o, %a
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %s
    %q = getelementptr i8, ptr addrspace(2) %p, i64 4
    store i32 -1, ptr addrspace(2) %p
    store i32 -1, ptr addrspace(2) %q)"));
  EXPECT_EQ(function.counts.stores, 2u);
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(4088, 1), "0");
  EXPECT_EQ(function.run(4088, 2), "0 1");
  EXPECT_EQ(function.run(4088, 1000), "0 1 2");
  EXPECT_GT(function.written, 7900u);  // but for bytes that held that before
}

TEST(Marks, ARangeForALoopThatGoesDown) {
  Marked function(loop_of("", R"(
    %o = mul i64 %i, -8
    %s = add i64 %o, %a
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %s
    store i64 -1, ptr addrspace(2) %p)"));
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(8192, 1), "2");
  EXPECT_EQ(function.run(8192, 1025), "0 1 2");
}

constexpr char kWrapping[] = R"(
    %t = trunc i64 %i to i32
    %o = mul i32 %t, 16
    %s = add i32 %o, %u
    %z = zext i32 %s to i64
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %z
    store i32 -1, ptr addrspace(2) %p
)";

TEST(Marks, ARangeThatMayWrap) {
  Marked function(loop_of("%u = trunc i64 %a to i32", kWrapping));
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(4096, 257), "1 2");
  EXPECT_EQ(function.run(4096, 256), "1");
  // All of the memory.
  EXPECT_NE(function.run(0xFFFF'FFF0, 2).find("0 1 2 "), std::string::npos);
  EXPECT_EQ(function.written, 8u);
}

constexpr char kStepping[] = R"(
    %t = trunc i64 %i to i32
    %o = mul i32 %t, %u
    %s = add i32 %o, 65536
    %z = zext i32 %s to i64
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %z
    store i32 -1, ptr addrspace(2) %p
)";

TEST(Marks, ARangeForStepsThatAreKnownAtRunTime) {
  Marked function(loop_of("%u = trunc i64 %a to i32", kStepping));
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_LT(function.text.find("store i8 1"), function.text.find("%i = phi"));
  EXPECT_EQ(function.run(4, 1), "16");
  EXPECT_EQ(function.run(4, 1026), "16 17");
  EXPECT_EQ(function.run(0, 10), "16");
  // Wider than a card: those between are left alone.
  EXPECT_EQ(function.run(12'288, 4), "16 19 22 25");
  // Downwards.
  EXPECT_EQ(function.run(0xFFFF'FFFC, 1026), "14 15 16");
  EXPECT_EQ(function.run(0xFFFF'E000, 3), "12 14 16");
  // Past address 0 it goes on at the other end.
  EXPECT_NE(function.run(0xFFFF'8000, 4).find("0 1 2 "), std::string::npos);
}

/// A loop whose counter moves from 0 by %b at a time while it is below %a, and an address with it, from 64 KiB on.
std::string limited(const char* type, const char* less) {
  return fmt::format(R"(
  %s = trunc i64 %b to i32
  %n32 = trunc i64 %a to i32
  %s64 = zext i32 %s to i64
  %n64 = zext i32 %n32 to i64
  br label %loop
loop:
  %j = phi {0} [ 0, %0 ], [ %jn, %loop ]
  %i = phi i32 [ 65536, %0 ], [ %in, %loop ]
  %z = zext i32 %i to i64
  %p = getelementptr inbounds nuw i8, ptr addrspace(2) %m, i64 %z
  store i8 1, ptr addrspace(2) %p
  %in = add i32 %i, %s
  %jn = add {0} %j, %s{2}
  %more = icmp {1} {0} %jn, %n{3}
  br i1 %more, label %loop, label %end
end:
  ret void)",
                     type, less, std::string_view(type) == "i64" ? "64" : "",
                     std::string_view(type) == "i64" ? "64" : "32");
}

TEST(Marks, ARangeUpToALimit) {
  for (const auto& [type, less] : {std::pair{"i64", "ult"}, {"i32", "ult"}, {"i32", "slt"}}) {
    SCOPED_TRACE(fmt::format("{} {}", type, less));
    Marked function(limited(type, less));
    EXPECT_EQ(function.counts.marks, 1u);
    EXPECT_LT(function.text.find("store i8 1, ptr addrspace(1)"), function.text.find("%j = phi"));
    EXPECT_EQ(function.run(1, 4), "16");
    EXPECT_EQ(function.run(4096, 4), "16");
    EXPECT_EQ(function.run(4097, 4), "16 17");
    EXPECT_EQ(function.run(10, 12'288), "16");
    // Wider than a card: those between are left alone.
    EXPECT_EQ(function.run(12'288, 12'288), "16");
    EXPECT_EQ(function.run(12'289, 12'288), "16 19");
    EXPECT_EQ(function.run(36'865, 12'288), "16 19 22 25");
  }
  Marked included(limited("i32", "sle"));
  EXPECT_EQ(included.run(12'288, 12'288), "16 19");
  // Below 0 it ends at once.
  EXPECT_EQ(included.run(0xFFFF'FFFF, 4), "16");
}

TEST(Marks, ACounterThatWrapsAroundGoesOn) {
  // 0, 2 GiB + 1, 2 and so on, on both sides of the limit.
  Marked function(limited("i32", "slt"));
  EXPECT_NE(function.run(8192, 0x8000'0001).find("16 17 18 "), std::string::npos);
  EXPECT_GT(function.written, 8000u);  // some held that already
}

TEST(Marks, SumsThatMayWrapShareALoopsRange) {
  Marked function(loop_of("%u = trunc i64 %a to i32", std::string(kWrapping) + R"(
    %s2 = add i32 %s, 200
    %z2 = zext i32 %s2 to i64
    %p2 = getelementptr i8, ptr addrspace(2) %m, i64 %z2
    store i32 -1, ptr addrspace(2) %p2
)"));
  EXPECT_EQ(function.counts.marks, 1u);
  EXPECT_EQ(function.run(4000, 1), "0");  // 4200 is in the slack
  EXPECT_EQ(function.run(4000, 7), "0 1");
  // The first walk ends before 4 GiB, the second does not.
  EXPECT_EQ(function.run(0xFFFF'FF00, 1), "1048575");
  EXPECT_NE(function.run(0xFFFF'FF40, 1).find("0 1 2 "), std::string::npos);
}

TEST(Marks, WhatIsNotAlwaysExecutedIsMarkedInTheLoop) {
  Marked function(loop_of("%u = trunc i64 %a to i32",
                          std::string("%odd = trunc i64 %i to i1 br i1 %odd, label %then, label %latch\n then:\n") +
                              kWrapping + "br label %latch\n latch:\n",
                          "latch"));
  EXPECT_EQ(function.run(0, 1), "");
  EXPECT_EQ(function.run(0, 257), "0");
  EXPECT_EQ(function.run(0, 1000), "0 1 2 3");
}

TEST(Marks, ALoopThatMayEndEarlyIsNotMarkedAhead) {
  Marked function(loop_of("%u = trunc i64 %a to i32", std::string(kWrapping) + R"(
    %x = load i8, ptr addrspace(2) %p
    %early = icmp eq i8 %x, -1
    br i1 %early, label %end, label %latch
  latch:
)",
                          "latch"));
  EXPECT_EQ(function.run(0, 100'000), "0");
}

TEST(Marks, ALoopThatCallsIsNotMarkedAhead) {
  Marked function(loop_of("%u = trunc i64 %a to i32",
                          std::string("call void @f1(i64 0, i64 0, ptr swiftself %cell)\n") + kWrapping),
                  "define void @f1(i64 %a, i64 %b, ptr swiftself %cell) { ret void }");
  EXPECT_EQ(function.run(0, 1000), "0 1 2 3");
  EXPECT_GT(function.text.find("store i8 1"), function.text.find("@f1(i64 0"));
}

TEST(Marks, WideStepsLeaveCardsAlone) {
  Marked function(loop_of("", R"(
    %o = mul i64 %i, 16384
    %p = getelementptr i8, ptr addrspace(2) %m, i64 %o
    store i32 -1, ptr addrspace(2) %p)"));
  EXPECT_EQ(function.run(0, 3), "0 4 8");
}

}  // namespace
}  // namespace anew::codegen::optimizing
