// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that are made up, optimized, marked and run: all that they wrote must be covered. Faults in marking are
// found in the same way.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SourceMgr.h>

#include <initializer_list>
#include <iterator>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "optimizing/marked_function.hpp"
#include "os/child_process.hpp"

namespace anew::codegen::optimizing {
namespace {

constexpr std::uint32_t kFunctions = 60;  // of a module

/// Makes up a function's text. All addresses are in FakeCell's windows: an index is at most 2^15 away from 0 or 4 GiB,
/// loops move it by at most as much, or by 2 GiB more, and offsets add up to 2^14.
class Program {
 public:
  explicit Program(std::uint64_t seed) : random_(seed) {}

  std::string text(std::uint32_t number) {
    text_ = fmt::format(
        "define swiftcc void @f{}(i64 %a, i64 %b, ptr swiftself %cell) \"no-builtins\" {{\nentry:\n"
        "  %m = addrspacecast ptr %cell to ptr addrspace(2)\n"
        "  %header = addrspacecast ptr %cell to ptr addrspace(1)\n"
        "  %bytes = getelementptr i8, ptr addrspace(1) %header, i64 {}\n"
        "  %a32 = trunc i64 %a to i32\n  %b32 = trunc i64 %b to i32\n",
        number, abi::kMemoryBytes);
    block_ = "entry";
    indices_ = {index("%a32"), index("%b32"), fmt::format("{}", (1 + below(8)) * 4096 - 300 + below(320))};
    flags_ = {"%a32", "%b32"};
    body(2, 0);
    return text_ + "  ret void\n}\n";
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  std::string name() { return fmt::format("%v{}", next_++); }
  template <typename... Arguments>
  std::string let(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    const std::string result = name();
    text_ += fmt::format("  {} = {}\n", result, fmt::format(format, std::forward<Arguments>(arguments)...));
    return result;
  }
  const std::string& one_of(const std::vector<std::string>& from) {
    return from[below(static_cast<std::uint32_t>(from.size()))];
  }
  void begin_block(const std::string& label) {
    text_ += label + ":\n";
    block_ = label;
  }

  /// Near 0 or, on both sides, 4 GiB.
  std::string index(const std::string& of) {
    const std::string low = let("and i32 {}, 32767", of);
    // Directly before 4 GiB, so that of a loop's walks some wrap around and others do not.
    if (below(6) == 0) return let("or i32 {}, -256", low);
    // The last bytes of a card.
    if (below(3) == 0) return let("or i32 {}, 4080", low);
    return below(2) == 0 ? let("sub i32 {}, 16384", low) : low;
  }

  void store() { store(one_of(indices_)); }

  void store(const std::string& index) {
    static constexpr std::initializer_list<const char*> kTypes = {"i8", "i16", "i32", "i64", "<2 x i64>", "<4 x i64>"};
    const std::string type = kTypes.begin()[below(6)];
    const std::string extended = let("zext i32 {} to i64", index);
    std::string pointer = let("getelementptr inbounds nuw i8, ptr addrspace(2) %m, i64 {}", extended);
    const std::uint32_t count = 1 + below(4);
    for (std::uint32_t i = 0; i < count; ++i) {
      // Most often about as far as one mark serves.
      const std::uint32_t way = below(6);
      const std::uint32_t offset = way == 0 ? below(16384) : way < 3 ? below(400) : 220 + below(50);
      const std::string at = let("getelementptr inbounds nuw i8, ptr addrspace(2) {}, i64 {}", pointer, offset);
      // That which the pattern does not hold, most often.
      const std::string value = type.front() == 'i'
                                    ? let("sext i8 {} to {}", below(2) == 0 ? "-1" : "-3", type == "i8" ? "i16" : type)
                                    : "zeroinitializer";
      if (type == "i8")
        text_ += fmt::format("  store i8 {}, ptr addrspace(2) {}, align 1\n", below(256), at);
      else
        text_ += fmt::format("  store {} {}, ptr addrspace(2) {}, align 1\n", type, value, at);
    }
  }

  /// At any address, if it is in the first window; else the loop ends.
  void checked_store(const std::string& loop) {
    const std::string address = let("add i64 {}, {}", below(2) == 0 ? "%a" : "%b", below(300));
    const std::string inside = let("icmp ult i64 {}, {}", address, FakeCell::kLow - 8);
    text_ += fmt::format("  br i1 {}, label %{}inside, label %{}end\n", inside, loop, loop);
    begin_block(loop + "inside");
    const std::string at = let("getelementptr i8, ptr addrspace(2) %m, i64 {}", address);
    text_ += fmt::format("  store i64 {}, ptr addrspace(2) {}, align 1\n", below(256), at);
  }

  std::uint32_t some_step() {
    switch (below(4)) {
      case 0: return below(24);
      case 1: return 512;  // a card of the smallest
      default: return below(400);
    }
  }

  /// Of a loop, known at run time.
  std::string step_at_run_time() {
    const std::string up = let("and i32 {}, {}", one_of(flags_), below(2) == 0 ? 255 : 1023);
    return below(4) == 0 ? let("sub i32 0, {}", up) : up;
  }

  void branch(std::uint32_t depth, std::uint32_t loops) {
    const std::string bit = let("and i32 {}, {}", one_of(flags_), 1u << below(8));
    const std::string condition = let("icmp eq i32 {}, 0", bit);
    const std::string label = fmt::format("b{}", next_++);
    text_ += fmt::format("  br i1 {}, label %{}then, label %{}else\n", condition, label, label);
    const auto indices = indices_;
    const auto flags = flags_;
    begin_block(label + "then");
    body(depth, loops);
    text_ += fmt::format("  br label %{}end\n", label);
    indices_ = indices;
    flags_ = flags;
    begin_block(label + "else");
    if (below(2) == 0) body(depth, loops);
    text_ += fmt::format("  br label %{}end\n", label);
    indices_ = indices;
    flags_ = flags;
    begin_block(label + "end");
  }

  /// Of up to 40 steps, each of at most 400 bytes, or 32 of 1023; the innermost of nested ones of 8.
  void loop(std::uint32_t depth, std::uint32_t loops) {
    const std::string label = fmt::format("l{}", next_++);
    const std::string masked = let("and i32 {}, {}", one_of(flags_), loops == 0 ? 31 : 7);
    const std::string count = below(4) == 0 ? fmt::format("{}", 1 + below(12)) : let("add nuw nsw i32 {}, 1", masked);
    const std::string start = one_of(indices_);
    const std::string step = below(5) == 0
                                 ? step_at_run_time()
                                 : fmt::format("{}", static_cast<int>(some_step()) * (below(4) == 0 ? -1 : 1));
    const bool grows = below(6) == 0;
    if (grows) text_ += "  store i64 0, ptr addrspace(1) %bytes\n";
    const std::string before = block_;
    const std::string counter = name();
    const std::string index = name();
    text_ += fmt::format("  br label %{}\n", label);
    begin_block(label);
    text_ += fmt::format("  {} = phi i32 [ 0, %{} ], [ {}n, %{}latch ]\n", counter, before, counter, label);
    text_ += fmt::format("  {} = phi i32 [ {}, %{} ], [ {}n, %{}latch ]\n", index, start, before, index, label);
    const auto indices = indices_;
    const auto flags = flags_;
    if (loops == 0) indices_.push_back(index);
    indices_.push_back(index);
    if (below(3) == 0) {
      indices_.push_back(let("add i32 {}, {}", index, below(200)));
      store(index);
      store(indices_.back());
    }
    flags_.push_back(counter);
    if (grows) text_ += "  call swiftcc void @anew.grow(ptr swiftself %cell)\n";
    if (below(6) == 0) checked_store(label);
    body(depth, loops + 1);
    if (below(4) == 0) {
      const std::string early = let("icmp eq i32 {}, {}", one_of(flags_), below(12));
      text_ += fmt::format("  br i1 {}, label %{}end, label %{}go\n", early, label, label);
      begin_block(label + "go");
      if (below(2) == 0) store();
    }
    text_ += fmt::format("  br label %{}latch\n", label);
    begin_block(label + "latch");
    text_ += fmt::format("  {}n = add i32 {}, {}\n", index, index, step);
    text_ += fmt::format("  {}n = add nuw i32 {}, 1\n", counter, counter);
    const std::string more = let("icmp {} i32 {}n, {}", below(2) == 0 ? "ult" : "ne", counter, count);
    text_ += fmt::format("  br i1 {}, label %{}, label %{}end\n", more, label, label);
    indices_ = indices;
    flags_ = flags;
    begin_block(label + "end");
  }

  /// A loop over structs of up to 8 elements, the first of which begins at a card's end. Some are left early.
  void walk() {
    static constexpr std::initializer_list<std::uint32_t> kSteps = {4, 16, 512};
    const std::string label = fmt::format("w{}", next_++);
    const std::string start32 = let("or i32 {}, 4080", let("and i32 {}, 32767", one_of(flags_)));
    const std::string start = let("zext i32 {} to i64", start32);
    const std::string count = let("add i32 {}, 1", let("and i32 {}, 7", one_of(flags_)));
    const std::string elsewhere = let("zext i32 {} to i64", indices_[below(2)]);
    const std::string before = block_;
    const std::string counter = name();
    const std::string place = name();
    const auto store_at = [this](const std::string& base, std::uint32_t offset) {
      const std::string at = let("getelementptr i8, ptr addrspace(2) %m, i64 {}", let("add i64 {}, {}", base, offset));
      text_ += fmt::format("  store i64 -1, ptr addrspace(2) {}, align 1\n", at);
    };
    text_ += fmt::format("  br label %{}\n", label);
    begin_block(label);
    const bool early = below(3) == 0;
    const std::string latch = early ? label + "go" : label;
    text_ += fmt::format("  {} = phi i32 [ 0, %{} ], [ {}n, %{} ]\n", counter, before, counter, latch);
    text_ += fmt::format("  {} = phi i64 [ {}, %{} ], [ {}n, %{} ]\n", place, start, before, place, latch);
    if (early) {
      store_at(elsewhere, 20'000 + below(400));
      const std::string bit = let("and i32 {}, 1", let("add i32 {}, {}", counter, one_of(flags_)));
      const std::string leave = let("icmp eq i32 {}, 0", bit);
      text_ += fmt::format("  br i1 {}, label %{}end, label %{}go\n", leave, label, label);
      begin_block(latch);
    }
    store_at(place, 0);
    for (std::uint32_t i = below(4); i-- != 0;) store_at(place, 130 + below(140));
    text_ += fmt::format("  {}n = add i64 {}, {}\n", place, place, kSteps.begin()[below(3)]);
    text_ += fmt::format("  {}n = add nuw i32 {}, 1\n", counter, counter);
    const std::string more = let("icmp ult i32 {}n, {}", counter, count);
    text_ += fmt::format("  br i1 {}, label %{}, label %{}end\n", more, label, label);
    begin_block(label + "end");
  }

  /// A loop that goes on while a counter, which moves by as much as an address, is below a limit. Some counters wrap
  /// around: every other address is 2 GiB further then.
  void limited() {
    const std::string label = fmt::format("m{}", next_++);
    const bool is_far = below(8) == 0;
    const bool is_wide = !is_far && below(3) == 0;
    const bool is_signed = !is_wide && below(2) == 0;
    const char* const type = is_wide ? "i64" : "i32";
    const auto widened = [&](const std::string& value) { return is_wide ? let("zext i32 {} to i64", value) : value; };
    const std::string near = let("or i32 {}, 1", let("and i32 {}, {}", one_of(flags_), below(2) == 0 ? 255 : 1023));
    const std::string step = is_far ? let("xor i32 {}, -2147483648", near) : near;
    const std::string low = let("and i32 {}, 65535", one_of(flags_));
    const std::string first = widened(is_far && !is_signed ? let("xor i32 {}, -2147483648", low) : low);
    const std::string room = widened(let("and i32 {}, 4095", one_of(flags_)));
    const std::string end = let("add {} {}, {}", type, first, room);
    const std::string moved = widened(step);
    const std::string start = one_of(indices_);
    const std::string before = block_;
    const std::string counter = name();
    const std::string index = name();
    text_ += fmt::format("  br label %{}\n", label);
    begin_block(label);
    text_ += fmt::format("  {} = phi {} [ {}, %{} ], [ {}n, %{} ]\n", counter, type, first, before, counter, label);
    text_ += fmt::format("  {} = phi i32 [ {}, %{} ], [ {}n, %{} ]\n", index, start, before, index, label);
    store(index);
    if (below(2) == 0) store(one_of(indices_));
    text_ += fmt::format("  {}n = add i32 {}, {}\n", index, index, step);
    text_ += fmt::format("  {}n = add {} {}, {}\n", counter, type, counter, moved);
    const std::string more = let("icmp {}{} {} {}{}, {}", is_signed ? 's' : 'u', below(4) == 0 ? "le" : "lt", type,
                                 counter, below(3) == 0 ? "" : "n", end);
    text_ += fmt::format("  br i1 {}, label %{}, label %{}end\n", more, label, label);
    begin_block(label + "end");
  }

  void body(std::uint32_t depth, std::uint32_t loops) {
    const std::uint32_t statements = 1 + below(3);
    for (std::uint32_t i = 0; i < statements; ++i) {
      const std::uint32_t what = below(10);
      if (what < 3 && depth != 0 && loops < 2)
        loop(depth - 1, loops);
      else if (what < 5 && depth != 0)
        branch(depth - 1, loops);
      else if (what == 5)
        walk();
      else if (what == 6)
        limited();
      else
        store();
    }
  }

  std::mt19937_64 random_;
  std::string text_;
  std::string block_;
  std::vector<std::string> indices_;  ///< what addresses are made of
  std::vector<std::string> flags_;    ///< what else there is
  std::uint32_t next_ = 0;
};

struct Found {
  std::string wrong;  ///< the first; nothing runs after it
  std::uint64_t written = 0;
  MarkCounts counts;
};

/// Lets a memory grow back to what it is, behind the optimizer's back.
std::string grow() {
  return fmt::format(
      "define swiftcc void @anew.grow(ptr swiftself %cell) noinline optnone {{\n"
      "  %header = addrspacecast ptr %cell to ptr addrspace(1)\n"
      "  %bytes = getelementptr i8, ptr addrspace(1) %header, i64 {}\n"
      "  store i64 {}, ptr addrspace(1) %bytes\n  ret void\n}}\n",
      abi::kMemoryBytes, abi::kMemoryAddressSpace + abi::kGuardBytes);
}

/// Marks and runs the functions of some modules.
Found run(std::uint32_t modules, MarkFault fault) {
  Found found;
  wasm::Module module;
  module.memories.resize(1);
  for (std::uint32_t seed = 0; seed < modules; ++seed) {
    Options options;
    options.card_shift = seed % 2 == 0 ? 12 : 9;
    const auto layout = abi::CellLayout::of(module, options.card_shift).value();
    std::string text = grow();
    for (std::uint32_t i = 0; i < kFunctions; ++i) text += Program(seed * 1000 + i).text(i);
    auto context = std::make_unique<::llvm::LLVMContext>();
    ::llvm::SMDiagnostic error;
    auto ir = ::llvm::parseAssemblyString(text, error, *context);
    if (ir == nullptr)
      throw std::runtime_error(fmt::format("{}: {}", error.getMessage().str(), error.getLineContents().str()));
    optimize(*ir);
    const Unit unit = {module, layout, options, {}, {}, *ir};
    for (::llvm::Function& each : *ir)
      if (!each.isDeclaration()) {
        const MarkCounts counts = add_marks(unit, each, fault);
        found.counts.stores += counts.stores;
        found.counts.marks += counts.marks;
      }
    std::string message;
    ::llvm::raw_string_ostream stream(message);
    if (::llvm::verifyModule(*ir, &stream)) throw std::runtime_error(message);
    Jit jit;
    jit.add(std::move(ir), std::move(context));
    FakeCell cell(module, layout, false);
    std::mt19937_64 random(seed);
    for (std::uint32_t i = 0; i < kFunctions; ++i) {
      for (std::uint32_t input = 0; input < 3; ++input) {
        cell.reset();
        const std::uint64_t a = input == 0 ? random() % FakeCell::kLow : random();
        const std::uint64_t b = random();
        jit.entry(i)(cell.cell(), a, b);
        found.written += cell.written_bytes();
        const std::string wrong = cell.check();
        if (wrong.empty()) continue;
        found.wrong = fmt::format("seed {}: run({}, {}): {}", seed * 1000 + i, a, b, wrong);
        return found;
      }
    }
  }
  return found;
}

TEST(MarksOfMadeUpFunctions, CoverAllThatIsWritten) {
  const Found found = run(12, MarkFault::kNone);
  EXPECT_EQ(found.wrong, "");
  EXPECT_GT(found.written, 100'000u);
  EXPECT_GT(found.counts.stores, 2'000u);
  EXPECT_LT(found.counts.marks, found.counts.stores);
}

class PlantedFault : public testing::TestWithParam<std::uint8_t> {};

TEST_P(PlantedFault, IsFound) {
  const auto fault = static_cast<MarkFault>(GetParam());
  // In a process of its own: what is marked wrongly may be marked anywhere.
  const int status = test::run_in_child([fault] { return run(12, fault).wrong.empty() ? 0 : 1; });
  EXPECT_TRUE(status == 1 || status == -1 /* a mark to nowhere */) << status;
}

/// By MarkFault.
constexpr const char* kNames[] = {"none",   "reach", "base",     "constant", "dominance", "proof", "range_end",
                                  "stride", "wrap",  "distance", "limit",    "counter",   "growth"};
static_assert(std::size(kNames) == static_cast<std::size_t>(MarkFault::kEnd));
INSTANTIATE_TEST_SUITE_P(MarksOfMadeUpFunctions, PlantedFault,
                         testing::Range(static_cast<std::uint8_t>(1), static_cast<std::uint8_t>(MarkFault::kEnd)),
                         [](const auto& fault) { return std::string(kNames[fault.param]); });

}  // namespace
}  // namespace anew::codegen::optimizing
