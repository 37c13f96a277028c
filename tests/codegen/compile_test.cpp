// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The image that the quick tier makes: where its code belongs to, that threads do not change it, and that no function
// makes it take more than linear time.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "codegen/positions.hpp"
#include "codegen/quick/tier.hpp"
#include "runtime/module_state.hpp"
#include "support/generator.hpp"
#include "support/module_builder.hpp"
#include "support/program.hpp"
#include "support/wat.hpp"
#include "wasm/decoder.hpp"

namespace anew::codegen::test {
namespace {

/// A decoded module with what its compilation needs.
struct Source {
  std::vector<std::byte> binary;
  wasm::Module module;
  abi::CellLayout layout;

  explicit Source(std::vector<std::byte> bytes)
      : binary(std::move(bytes)),
        module(wasm::decode_module(binary).value()),
        layout(abi::CellLayout::of(module, abi::kMaximumCardShift).value()) {}
  /// With its text.
  [[nodiscard]] Result<Image> compile(unsigned threads = 1) const {
    auto compiled = quick::tier().compile({.module = module,
                                           .layout = layout,
                                           .options = {},
                                           .limit = wasm::MemoryLimit(binary.size(), UINT64_MAX),
                                           .threads = threads});
    if (!compiled) return std::unexpected(std::move(compiled.error()));
    const auto text = compiled->code.text();
    compiled->image.text.assign(text.begin(), text.end());
    return std::move(compiled->image);
  }
};

// --- Positions ---

TEST(Positions, ComeBackAsTheyWereWritten) {
  Random random(1);
  std::vector<std::byte> stream;
  PositionWriter writer(stream);
  struct Written {
    std::uint64_t code, module_offset;
    std::vector<InlinedFunction> inlined;
  };
  std::vector<Written> written;
  std::uint64_t code = 3;
  for (int i = 0; i < 1'000; ++i) {
    // Module offsets go back, too: cold code stands behind the function.
    const std::uint64_t module_offset =
        random.percent(10) ? random.bits() >> (3 + random.below(61)) : random.below(100'000);
    std::vector<InlinedFunction> inlined(random.percent(20) ? random.below(5) : 0);
    for (InlinedFunction& each : inlined)
      each = {static_cast<std::uint32_t>(random.bits()), random.bits() >> random.below(64)};
    writer.add(code, module_offset, inlined);
    written.push_back({code, module_offset, std::move(inlined)});
    code += random.percent(5) ? random.below(100'000) : 1 + random.below(20);
  }
  EXPECT_FALSE(find_in_positions(stream, 0));
  for (std::size_t i = 0; i < written.size(); ++i) {
    const std::uint64_t end = i + 1 < written.size() ? written[i + 1].code : written[i].code + 10;
    if (end == written[i].code) continue;  // the next entry took its place
    for (const std::uint64_t offset : {written[i].code, end - 1}) {
      const auto found = find_in_positions(stream, offset);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->module_offset(), written[i].module_offset);
      std::vector<InlinedFunction> inlined;
      found->for_each_inlined([&](const InlinedFunction& each) { inlined.push_back(each); });
      EXPECT_EQ(inlined, written[i].inlined);
    }
  }
}

TEST(Positions, CountFromAStartThatIsKnownAtTheEnd) {
  for (const std::uint64_t first : {0ull, 5ull, 127ull, 128ull, 300ull, 20'000ull}) {
    for (const std::uint64_t later : {0ull, 1ull, 5ull, 127ull, 128ull, 299ull, 20'000ull}) {
      if (later > first) continue;
      std::vector<std::byte> stream = {std::byte{0x80}, std::byte{1}};  // of the function before
      PositionWriter writer(stream);
      writer.add(first, 70);
      writer.add(first + 9, 71);
      writer.begin_later(later);
      writer.add(first + 20 - later, 72);
      const auto own = std::span(stream).subspan(2);
      PositionReader reader(own);
      std::uint64_t module_offset = 70;
      for (const std::uint64_t behind : {0, 9, 20}) {
        ASSERT_TRUE(reader.next());
        EXPECT_EQ(reader.code_offset(), first - later + behind);
        EXPECT_EQ(reader.module_offset(), module_offset++);
      }
      EXPECT_FALSE(reader.next());
    }
  }
  std::vector<std::byte> none;
  PositionWriter(none).begin_later(3);
  EXPECT_TRUE(none.empty());
}

TEST(Positions, ReadNoByteOutsideTheirStream) {
  Random random(2);
  for (int round = 0; round < 1'000; ++round) {
    std::vector<std::byte> noise(random.below(40));
    for (std::byte& each : noise)
      each = static_cast<std::byte>(random.percent(60) ? random.bits() | 0x80 : random.bits());
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{100}, ~std::uint64_t{0}}) {
      // The sanitizer build says if it reads past the end.
      if (const auto found = find_in_positions(noise, offset)) found->for_each_inlined([](const InlinedFunction&) {});
    }
  }
  EXPECT_FALSE(find_in_positions({}, 7));
}

TEST(Positions, TellEveryOffsetOfAnImageItsFunction) {
  const Source source(anew::test::wat(R"((module
    (import "host" "a" (func $a (param i32)))
    (import "host" "b" (func $b (result i64)))
    (memory 1)
    (func $one (param i32) (result i32) (i32.load (local.get 0)))
    (func $two)
    (func $three (param i32) (call $a (i32.div_u (i32.const 7) (call $one (local.get 0)))) (drop (call $b)))))"));
  const Image image = source.compile().value();
  const ImageView view = image.view();
  ASSERT_EQ(image.functions.size(), 5u);
  ASSERT_EQ(image.position_starts.size(), 4u);
  std::vector<std::uint32_t> seen(5);
  for (std::uint64_t offset = 0; offset < image.text.size(); ++offset) {
    const auto position = find_position(view, 2, offset);
    const bool in_thunk = offset >= image.thunks.front() && offset < image.functions[2];
    if (in_thunk) {
      EXPECT_FALSE(position) << offset;
      continue;
    }
    ASSERT_TRUE(position) << offset;
    const std::uint32_t function = position->function_index;
    ++seen[function];
    EXPECT_GE(offset, image.functions[function]);
    if (function + 1 < 5) {
      EXPECT_LT(offset, image.functions[function + 1]);
    }
    if (position->module_offset != 0) {
      ASSERT_GE(function, 2u);
      const wasm::FunctionBody& body = source.module.bodies[function - 2];
      EXPECT_GE(position->module_offset, body.offset);
      EXPECT_LT(position->module_offset, body.offset + body.bytes.size());
    }
  }
  for (const std::uint32_t count : seen) EXPECT_GT(count, 0u);
  EXPECT_FALSE(find_position(view, 2, image.text.size()));
  EXPECT_FALSE(find_position(view, 2, ~0ull));
}

TEST(Positions, NameTheOperatorThatTraps) {
  // Each operator that can trap, behind others that can, with the module offset of its own opcode.
  struct Trap {
    const char* name;
    Code before;
    Code operation;
    TrapKind kind;
  };
  const std::vector<Trap> traps = {
      {"load", Code().i32(0xFFFF'FFFF), Code().access(Op::kI32Load, 0), TrapKind::kMemoryOutOfBounds},
      {"far load", Code().get(0), Code().access(Op::kI32Load, 0xFFFF'0000), TrapKind::kMemoryOutOfBounds},
      {"load of a local", Code().get(1), Code().access(Op::kI64Load, 0), TrapKind::kMemoryOutOfBounds},
      {"store", Code().get(1).i32(1), Code().access(Op::kI32Store, 0), TrapKind::kMemoryOutOfBounds},
      {"divide", Code().i32(1).get(0), Code().op(Op::kI32DivS), TrapKind::kIntegerDivideByZero},
      {"convert", Code().constant(kF64, 0x7FF8'0000'0000'0000), Code().op(Op::kI32TruncF64S),
       TrapKind::kInvalidConversionToInteger},
      {"unreachable", Code(), Code().op(Op::kUnreachable), TrapKind::kUnreachable},
      {"call_indirect", Code().get(1), Code().op(Op::kCallIndirect).unsigned_leb(0).byte(0),
       TrapKind::kUndefinedElement},
      {"fill", Code().get(1).i32(0).i32(1), Code().op(Op::kMemoryFill).byte(0), TrapKind::kMemoryOutOfBounds},
  };
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  for (const Trap& trap : traps) {
    ModuleBuilder builder;
    builder.type({{}, {}});
    builder.memory(1);
    builder.table({}, 1);
    // Before it: an access and a division that do not trap; behind it the same, which must not be taken for it.
    const Code harmless = Code().i32(8).access(Op::kI32Load, 0).get(1).op(Op::kI32DivU).op(Op::kDrop);
    Code code = Code(harmless).append(trap.before);
    const std::size_t at = code.size();
    code.append(trap.operation);
    if (trap.operation.bytes()[0] != std::byte{0}) {
      // Whatever it leaves goes with the return.
      code.op(Op::kReturn);
    }
    builder.function({{kI32, kI32}, {}}, {}, code, "run");
    const std::vector<std::byte> binary = builder.finish();
    const auto module = engine.compile(binary);
    ASSERT_TRUE(module) << trap.name << ": " << module.error().to_string();
    const Pool pool = Pool::create(*module, Linker()).value();
    const auto result = pool.acquire()->call("run", 0u, 0xFFFF'FF00u);
    ASSERT_FALSE(result) << trap.name;
    EXPECT_EQ(result.error().trap, trap.kind) << trap.name;
    ASSERT_EQ(result.error().backtrace.size(), 1u) << trap.name;
    const std::uint64_t body = wasm::decode_module(binary)->bodies[0].offset;
    EXPECT_EQ(result.error().backtrace[0].module_offset, body + 1 + at) << trap.name;  // behind "no locals"
  }
}

// --- Threads ---

TEST(Images, AreTheSameForAnyNumberOfThreads) {
  // A module of many batches: random programs in a row are no valid module, so one large one is made of big functions.
  ModuleBuilder builder;
  Random random(3);
  builder.memory(1);
  for (std::uint32_t i = 0; i < 400; ++i) {
    Code code;
    for (std::uint32_t j = 0; j < 200 + random.below(300); ++j) {
      code.get(random.below(3))
          .i32(static_cast<std::uint32_t>(random.bits()))
          .op(random.percent(50) ? Op::kI32Xor : Op::kI32Mul);
      random.percent(80) ? code.set(random.below(3)) : code.access(Op::kI32Load, random.below(1'000)).set(0);
      if (i > 0 && random.percent(5)) code.get(0).get(1).get(2).call(random.below(i)).set(0);
    }
    builder.function({{kI32, kI32, kI32}, {kI32}}, {}, code.get(0), fmt::format("f{}", i));
  }
  const Source source(builder.finish());
  ASSERT_GT(source.binary.size(), 5u * 64 * 1'024);
  const Image one = source.compile(1).value();
  for (const unsigned threads : {2u, 3u, 8u}) {
    for (int again = 0; again < 3; ++again) {
      const Image other = source.compile(threads).value();
      ASSERT_TRUE(one.text == other.text) << threads;
      ASSERT_TRUE(one.functions == other.functions && one.thunks == other.thunks) << threads;
      ASSERT_TRUE(one.position_starts == other.position_starts && one.positions == other.positions) << threads;
    }
  }
}

TEST(Images, OfAnInvalidModuleGiveItsFirstErrorForAnyNumberOfThreads) {
  ModuleBuilder builder;
  Code large;
  for (int i = 0; i < 20'000; ++i) large.op(Op::kNop);
  for (std::uint32_t i = 0; i < 40; ++i) {
    Code code = large;
    if (i == 17 || i == 18 || i == 39) code.op(i == 17 ? Op::kI32Add : Op::kF64Add).op(Op::kDrop);
    builder.function({}, {}, code);
  }
  const Source source(builder.finish());
  const auto one = source.compile(1);
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().code, ErrorCode::kInvalid);
  EXPECT_NE(one.error().message.find("function 17"), std::string::npos) << one.error().message;
  for (const unsigned threads : {2u, 3u, 8u}) {
    const auto other = source.compile(threads);
    ASSERT_FALSE(other);
    EXPECT_EQ(one.error().message, other.error().message) << threads;
  }
}

TEST(Images, OfTooMuchCodeAreRefusedForAnyNumberOfThreads) {
  // Each of these functions alone is below the limit for the module's size, all together are above it. A branch that
  // takes a thousand values with it is thousands of bytes of code; what is not reached makes the functions batches.
  const auto source = [](std::uint32_t functions) {
    ModuleBuilder builder;
    const std::vector<ValueType> thousand(1'000, kI64);
    Code code = Code().i64(1);
    for (std::uint32_t i = 0; i < 1'000; ++i) code.get(i);
    for (int i = 0; i < 1'200; ++i) code.i32(1).op(Op::kBrIf, 0u);
    code.op(Op::kReturn);
    for (std::uint32_t i = 0; i < 70'000; ++i) code.op(Op::kNop);
    for (std::uint32_t i = 0; i < functions; ++i) builder.function({thousand, thousand}, {}, code);
    return Source(builder.finish());
  };
  const Source one = source(1);
  EXPECT_TRUE(one.compile(1));
  const Source many = source(4);
  for (const unsigned threads : {1u, 2u, 4u}) {
    const auto image = many.compile(threads);
    ASSERT_FALSE(image) << threads;
    EXPECT_EQ(image.error().code, ErrorCode::kLimit) << image.error().message;
  }
}

TEST(Images, WithoutFunctionsAreMadeToo) {
  const Source source(ModuleBuilder().finish());
  const Image image = source.compile(3).value();
  EXPECT_TRUE(image.functions.empty());
  EXPECT_FALSE(find_position(image.view(), 0, 0));
}

// --- Linear time ---

/// Processor time of this thread: other programs on the machine do not count.
double seconds_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double begin = now();
  work();
  return now() - begin;
}

/// A hostile function or module, of a size that is given.
struct Shape {
  const char* name;
  std::uint32_t size;
  std::function<void(ModuleBuilder&, std::uint32_t)> build;
};

const std::vector<Shape>& shapes() {
  static const auto repeat = [](Code& code, std::uint32_t count, const Code& what) {
    for (std::uint32_t i = 0; i < count; ++i) code.append(what);
  };
  static const std::vector<Shape> all = {
      {"nested blocks", 20'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         repeat(code, n, Code().open(Op::kBlock, kI32));
         code.get(0).get(0).op(Op::kBrIf, n - 1);
         repeat(code, n, Code().end());
         builder.function({{kI32}, {kI32}}, {}, code);
       }},
      {"nested loops and ifs", 12'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         repeat(code, n, Code().open(Op::kLoop).get(0).open(Op::kIf).get(1).set(0));
         repeat(code, n, Code().op(Op::kElse).get(0).op(Op::kBrIf, 1u).end().end());
         builder.function({{kI32, kI32}, {}}, {}, code);
       }},
      {"nested blocks with operands between", 10'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         repeat(code, n, Code().get(0).open(Op::kBlock, kI32));
         code.i32(1);
         repeat(code, n, Code().end().op(Op::kI32Add));
         builder.function({{kI32}, {kI32}}, {}, code);
       }},
      {"live operands", 50'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().get(0);
         repeat(code, n, Code().get(0).i32(1).op(Op::kI32Mul));
         repeat(code, n, Code().op(Op::kI32Add));
         builder.function({{kI32}, {kI32}}, {}, code);
       }},
      {"live operands over blocks and calls", 25'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().get(0);
         repeat(code, n, Code().get(0).i32(1).op(Op::kI32Mul).open(Op::kBlock).end().get(0).call(0));
         repeat(code, n, Code().op(Op::kI32Add).op(Op::kI32Add));
         builder.function({{kI32}, {kI32}}, {}, code);
       }},
      {"references to a local that changes", 50'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().get(0);
         repeat(code, n, Code().get(0).get(0).i32(1).op(Op::kI32Add).set(0));
         repeat(code, n, Code().op(Op::kI32Add));
         builder.function({{kI32}, {kI32}}, {}, code);
       }},
      {"many references at once", 50'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().get(0);
         repeat(code, n, Code().get(0));
         code.i32(7).set(0);
         repeat(code, n, Code().op(Op::kI32Add));
         builder.function({{kI32}, {kI32}}, {}, code);
       }},
      {"locals", 12'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         for (std::uint32_t i = 0; i < n; ++i) code.get(i).get(n - 1 - i).op(Op::kI32Add).set(i);
         builder.function({}, std::vector<ValueType>(n, kI32), code);
       }},
      {"locals over many branches", 20'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().open(Op::kBlock);
         for (std::uint32_t i = 0; i < n; ++i)
           code.get(i % 50).get((i + 7) % 50).op(Op::kI32Add).tee(i % 50).op(Op::kBrIf, 0u);
         builder.function({}, std::vector<ValueType>(50, kI32), code.end());
       }},
      {"a giant br_table", 16'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         repeat(code, n, Code().open(Op::kBlock));
         code.get(0).op(Op::kBrTable).unsigned_leb(n);
         for (std::uint32_t i = 0; i <= n; ++i) code.unsigned_leb(i);
         repeat(code, n, Code().end().get(0).i32(1).op(Op::kI32Add).set(0));
         builder.function({{kI32}, {}}, {}, code);
       }},
      {"many br_tables in deep blocks", 300,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         repeat(code, 20'000, Code().open(Op::kBlock));
         for (std::uint32_t i = 0; i < n; ++i) {
           code.open(Op::kBlock).get(0).op(Op::kBrTable).unsigned_leb(100);
           for (std::uint32_t j = 0; j <= 100; ++j) code.unsigned_leb(j % 2 == 0 ? 0 : 19'999);
           code.end();
         }
         repeat(code, 20'000, Code().end());
         builder.function({{kI32}, {}}, {}, code);
       }},
      {"branches to one label", 50'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().open(Op::kBlock);
         repeat(code, n, Code().get(0).op(Op::kBrIf, 0u));
         builder.function({{kI32}, {}}, {}, code.end());
       }},
      {"traps", 25'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         repeat(code, n, Code().get(0).get(0).op(Op::kI32DivS).set(0));
         builder.function({{kI32}, {}}, {}, code);
       }},
      {"unreachable code", 100'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code = Code().op(Op::kUnreachable);
         repeat(code, n, Code().open(Op::kBlock).op(Op::kUnreachable).op(Op::kI32Add).op(Op::kDrop).end());
         builder.function({}, {}, code);
       }},
      {"stores off one base", 50'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         Code code;
         builder.memory(1);
         for (std::uint32_t i = 0; i < n; ++i) code.get(0).i32(i).access(Op::kI32Store, i);
         builder.function({{kI32}, {}}, {}, code);
       }},
      {"functions", 25'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         for (std::uint32_t i = 0; i < n; ++i) builder.function({{kI32}, {kI32}}, {}, Code().get(0).call(i / 2));
       }},
      {"functions with many locals that they do not use", 2'500,
       [](ModuleBuilder& builder, std::uint32_t n) {
         const std::vector<ValueType> locals(10'000, kI64);
         for (std::uint32_t i = 0; i < n; ++i) builder.function({}, locals, {});
       }},
      {"nested trys, each with a catch that throws again", 8'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         const std::uint32_t tag = builder.tag({});
         Code code;
         repeat(code, n, Code().open(Op::kTry));
         code.op(Op::kThrow, tag);
         repeat(code, n, Code().op(Op::kCatchAll).op(Op::kRethrow, 0u).end());
         builder.function({}, {}, code);
       }},
      {"nested trys, each of which delegates to the outermost", 12'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         const std::uint32_t tag = builder.tag({});
         Code code;
         repeat(code, n, Code().open(Op::kTry));
         code.op(Op::kThrow, tag);
         for (std::uint32_t i = 1; i < n; ++i) code.op(Op::kDelegate, n - i - 1);
         builder.function({}, {}, code.op(Op::kCatchAll).end());
       }},
      {"catches of one try", 25'000,
       [](ModuleBuilder& builder, std::uint32_t n) {
         const std::uint32_t tag = builder.tag({});
         Code code = Code().open(Op::kTry).op(Op::kThrow, tag);
         repeat(code, n, Code().op(Op::kCatch, tag));
         builder.function({}, {}, code.end());
       }},
      {"calls with many arguments", 100,
       [](ModuleBuilder& builder, std::uint32_t n) {
         const std::vector<ValueType> types(1'000, kI64);
         Code code;
         for (std::uint32_t i = 0; i < 1'000; ++i) code.get(i);
         const std::uint32_t callee = builder.function({types, types}, {}, code);
         for (std::uint32_t i = 0; i < n; ++i) code.call(callee);
         builder.function({types, types}, {}, code);
       }},
  };
  return all;
}

TEST(CompileTime, IsLinearInTheSizeOfHostileFunctions) {
  const auto time = [](const Shape& shape, std::uint32_t size) {
    ModuleBuilder builder;
    shape.build(builder, size);
    const Source source(builder.finish());
    return seconds_of([&] {
      const auto image = source.compile(1);
      EXPECT_TRUE(image) << shape.name << ": " << image.error().to_string();
    });
  };
  for (const Shape& shape : shapes()) {
    // Four times the size takes four times the time, and up to ten as caches overflow; quadratic time would be sixteen
    // times. Some tries, because a busy machine is no defect; below a few milliseconds nothing can be told.
    constexpr double kMost = 12, kTooLittleToTell = 0.005;
    double once = 1e9, four_times = 1e9;
    for (int attempt = 0; attempt < 10 && (attempt == 0 || four_times > kMost * once + kTooLittleToTell); ++attempt) {
      once = std::min(once, time(shape, shape.size));
      four_times = std::min(four_times, time(shape, 4 * shape.size));
    }
    EXPECT_LE(four_times, kMost * once + kTooLittleToTell) << shape.name;
    RecordProperty(shape.name, fmt::format("{:.1f} ms, {:.1f} ms", once * 1e3, four_times * 1e3));
  }
}

TEST(Limits, AreReachedByWhatIsValid) {
  // 50,000 locals, 1,000 parameters and results, 65,520 targets, 100,000 blocks: all at their limit, and run.
  ModuleBuilder builder;
  const std::vector<ValueType> thousand(1'000, kI64);
  Code turned;
  for (std::uint32_t i = 1'000; i-- > 0;) turned.get(i);
  builder.function({thousand, thousand}, std::vector<ValueType>(49'000, kI32), turned, "turn");
  Code table;
  constexpr std::uint32_t kTargets = 65'520, kNesting = 99'999;
  for (std::uint32_t i = 0; i < kNesting; ++i) table.open(Op::kBlock);
  table.get(0).op(Op::kBrTable).unsigned_leb(kTargets - 1);
  for (std::uint32_t i = 0; i < kTargets; ++i) table.unsigned_leb(i);
  for (std::uint32_t i = 0; i < kNesting; ++i) table.end().get(1).i32(1).op(Op::kI32Add).set(1);
  const ValueType locals[] = {kI32};
  builder.function({{kI32}, {kI32}}, locals, table.get(1), "table");
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const auto module = engine.compile(builder.finish());
  ASSERT_TRUE(module) << module.error().to_string();
  const Pool pool = Pool::create(*module, Linker()).value();
  std::vector<Value> arguments;
  for (std::uint32_t i = 0; i < 1'000; ++i) arguments.push_back(Value::i64(i));
  const auto results = pool.acquire()->call_values("turn", arguments);
  ASSERT_TRUE(results) << results.error().to_string();
  std::ranges::reverse(arguments);
  EXPECT_EQ(*results, arguments);
  for (const std::uint32_t index : {0u, 1u, kTargets - 1, ~0u})
    EXPECT_EQ(pool.acquire()->call<std::uint32_t>("table", index).value(), kNesting - std::min(index, kTargets - 1));
}

}  // namespace
}  // namespace anew::codegen::test
