// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every vector operator without immediate, on many vectors of corner values and random ones, with its operands in every
// place that the quick tier knows: constants, locals in registers and in memory, registers, homes; and with other
// values alive in the registers that the operator would like to have.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <optional>
#include <string>
#include <vector>

#include "run.hpp"
#include "support/module_builder.hpp"
#include "support/vector_reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

using wasm::Signature;

constexpr ValueType kV128 = ValueType::kV128;

// The memory: values that are alive, what becomes of them, then a record for each application of the operator.
constexpr std::uint32_t kLive = 0, kLiveOut = 1024, kRecords = 2048, kRecordBytes = 64, kResult = 48;
constexpr std::uint32_t kMaximumLive = 16;
constexpr std::uint32_t kMaximumRecords = 4096;

enum class Place : std::uint8_t { kRegister, kLocal, kStoredLocal /* behind a call, in memory only */, kHome };

/// How a function applies the operator.
struct Shape {
  std::string name;
  std::vector<Place> places;          ///< of the operands
  std::vector<std::uint32_t> fields;  ///< of the record, that the operands come from
  std::uint32_t live = 0;             ///< values of either class alive in registers meanwhile
  enum class Use : std::uint8_t { kStore, kBranch, kNegate } use = Use::kStore;  ///< of the result
};

Op load_of(ValueType type) {
  static constexpr Op kLoads[] = {Op::kI32Load, Op::kI64Load, Op::kF32Load, Op::kF64Load, Op::kV128Load};
  return kLoads[static_cast<std::size_t>(kI32) - static_cast<std::size_t>(type)];
}
Op store_of(ValueType type) {
  static constexpr Op kStores[] = {Op::kI32Store, Op::kI64Store, Op::kF32Store, Op::kF64Store, Op::kV128Store};
  return kStores[static_cast<std::size_t>(kI32) - static_cast<std::size_t>(type)];
}

class VectorModule {
 public:
  VectorModule(Op op, bool canonical_nan)
      : op_(op), canonical_nan_(canonical_nan), signature_(wasm::signature_of(op)), records_(sample_operands(op)) {
    add_shapes();
    builder_.memory((kRecords + kMaximumRecords * kRecordBytes) / 65'536 + 1);
    nothing_ = builder_.function({}, {}, {});
    for (const Shape& shape : shapes_) add_function(shape);
    add_constants();
    const auto module = engine().compile(builder_.finish(), {.canonical_nan = canonical_nan});
    if (!module) {
      ADD_FAILURE() << module.error().to_string();
      return;
    }
    pool_ = Pool::create(*module, Linker(), {.audit_every = 1}).value();
    lease_.emplace(pool_->acquire().value());
  }

  void check() {
    if (!pool_) return;
    for (const Shape& shape : shapes_) {
      check(shape);
      if (testing::Test::HasFailure()) return;
    }
    check_constants();
  }

 private:
  // --- Shapes ---

  void add_shapes() {
    const std::uint32_t count = signature_.operands;
    std::vector<std::uint32_t> own(count);
    for (std::uint32_t i = 0; i < count; ++i) own[i] = i;
    static constexpr const char* kNames[] = {"register", "local", "stored local", "home"};
    auto all = [&](Place place) { return std::vector<Place>(count, place); };
    for (const Place place : {Place::kRegister, Place::kLocal, Place::kStoredLocal, Place::kHome})
      shapes_.push_back({fmt::format("each a {}", kNames[static_cast<std::size_t>(place)]), all(place), own});
    for (std::uint32_t set = 1; set + 1 < 1u << count; ++set) {  // some registers, some locals
      std::vector<Place> places;
      for (std::uint32_t i = 0; i < count; ++i)
        places.push_back((set >> i & 1) != 0 ? Place::kRegister : Place::kLocal);
      shapes_.push_back({fmt::format("registers {:b}", set), places, own});
      if (places.back() != Place::kLocal) continue;
      std::ranges::replace(places, Place::kRegister, Place::kHome);  // the call comes before the locals are read
      shapes_.push_back({fmt::format("homes {:b}", set), places, own});
    }
    for (std::uint32_t i = 1; i < count; ++i) {
      if (signature_.operand(i) != signature_.operand(0)) continue;
      std::vector<std::uint32_t> fields = own;
      fields[i] = 0;
      shapes_.push_back({fmt::format("one local as operands 0 and {}", i), all(Place::kLocal), fields});
      if (i == 1) continue;
      std::vector<std::uint32_t> others = own;
      others[i] = i - 1;
      shapes_.push_back({fmt::format("one local as operands {} and {}", i - 1, i), all(Place::kLocal), others});
    }
    if (count == 3) shapes_.push_back({"one local thrice", all(Place::kLocal), {0, 0, 0}});
    for (const std::uint32_t live : {1u, 5u, 9u, 10u, 11u, 12u, 13u, 14u, 15u, 16u}) {
      shapes_.push_back({fmt::format("registers, {} alive", live), all(Place::kRegister), own, live});
      shapes_.push_back({fmt::format("locals, {} alive", live), all(Place::kLocal), own, live});
    }
    if (signature_.result == kI32) {
      shapes_.push_back({"branch", all(Place::kRegister), own, 0, Shape::Use::kBranch});
      shapes_.push_back({"negated", all(Place::kLocal), own, 0, Shape::Use::kNegate});
    }
  }

  static constexpr std::uint32_t kAt = 0, kEnd = 1, kFirstOperand = 2, kResultLocal = 5;

  /// With an address below it on the stack. An i32 is stored as an i64, so that its register's upper half shows.
  void store_result(Code& code) const {
    if (signature_.result == kI32)
      code.op(Op::kI64ExtendI32U).access(Op::kI64Store, kResult);
    else
      code.access(store_of(signature_.result), kResult);
  }

  void add_function(const Shape& shape) {
    const std::uint32_t count = signature_.operands;
    const auto any = [&](Place place) { return std::ranges::find(shape.places, place) != shape.places.end(); };
    Code code;
    code.open(Op::kLoop);
    for (std::uint32_t i = 0; i < count; ++i)
      code.get(kAt).access(load_of(signature_.operand(i)), 16 * i).set(kFirstOperand + i);
    if (any(Place::kStoredLocal)) code.call(nothing_);
    for (std::uint32_t i = 0; i < shape.live; ++i)
      code.i32(kLive).access(Op::kV128Load, 16 * i).i32(kLive).access(Op::kI64Load, 16 * i);
    code.get(kAt);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t field = shape.fields[i];
      if (shape.places[i] == Place::kLocal || shape.places[i] == Place::kStoredLocal) {
        code.get(kFirstOperand + field);
      } else {
        code.get(kAt).access(load_of(signature_.operand(i)), 16 * field);
        const bool last_home =
            std::find(shape.places.begin() + i + 1, shape.places.end(), Place::kHome) == shape.places.end();
        if (shape.places[i] == Place::kHome && last_home) code.call(nothing_);
      }
    }
    code.op(op_);
    if (shape.use == Shape::Use::kNegate) code.op(Op::kI32Eqz);
    if (shape.use == Shape::Use::kBranch) code.open(Op::kIf, kI32).i32(0x1234).op(Op::kElse).i32(0x5678).end();
    store_result(code);
    for (std::uint32_t i = shape.live; i-- > 0;) {
      code.set(kResultLocal + 1).set(kResultLocal);
      code.i32(kLiveOut).get(kResultLocal).access(Op::kV128Store, 32 * i);
      code.i32(kLiveOut).get(kResultLocal + 1).access(Op::kI64Store, 32 * i + 16);
    }
    // Were a local changed, the record would be.
    for (std::uint32_t i = 0; i < count; ++i)
      code.get(kAt).get(kFirstOperand + i).access(store_of(signature_.operand(i)), 16 * i);
    code.get(kAt).i32(kRecordBytes).op(Op::kI32Add).tee(kAt).get(kEnd).op(Op::kI32LtU).op(Op::kBrIf, 0).end();
    std::vector<ValueType> locals = {kV128, kV128, kV128, kV128, kI64};
    for (std::uint32_t i = 0; i < count; ++i) locals[i] = signature_.operand(i);
    builder_.function({{kI32, kI32}, {}}, locals, code, shape.name);
  }

  // --- Constants ---

  static constexpr std::uint32_t kConstantRecords = 24;

  static void push_constant(Code& code, ValueType type, const Vector& bits) {
    type == kV128 ? code.v128(bits[0], bits[1]) : code.constant(type, bits[0]);
  }

  /// All operands constants, and each alone with the others in locals, in straight lines of code.
  void add_constants() {
    const std::uint32_t count = signature_.operands;
    for (std::uint32_t which = 0; which <= count; ++which) {
      Code code;
      for (std::uint32_t record = 0; record < kConstantRecords; ++record) {
        const std::uint32_t at = kRecords + kRecordBytes * record;
        for (std::uint32_t i = 0; i < count; ++i)
          code.i32(at).access(load_of(signature_.operand(i)), 16 * i).set(kFirstOperand + i);
        code.i32(at);
        for (std::uint32_t i = 0; i < count; ++i)
          if (which == count || which == i)
            push_constant(code, signature_.operand(i), records_[record][i]);
          else
            code.get(kFirstOperand + i);
        code.op(op_);
        store_result(code);
      }
      std::vector<ValueType> locals = {kV128, kV128, kV128};
      for (std::uint32_t i = 0; i < count; ++i) locals[i] = signature_.operand(i);
      builder_.function({{kI32, kI32}, {}}, locals, code, fmt::format("constants {}", which));
    }
    // Every count of a shift.
    if (count != 2 || signature_.operand(0) != kV128 || signature_.operand(1) != kI32) return;
    Code code;
    for (std::uint32_t shift = 0; shift < kShifts; ++shift) {
      const std::uint32_t at = kRecords + kRecordBytes * shift;
      code.i32(at).i32(at).access(Op::kV128Load, 0).i32(shift < 130 ? shift : ~shift).op(op_);
      store_result(code);
    }
    builder_.function({{kI32, kI32}, {}}, {}, code, "constant counts");
    has_counts_ = true;
  }
  static constexpr std::uint32_t kShifts = 260;

  // --- Calls ---

  void fill() {
    const std::span<std::byte> memory = *lease_->memory().write(0, lease_->memory().size());
    std::ranges::fill(memory, std::byte{0xA5});
    auto put = [&](std::size_t at, const Vector& vector) { std::memcpy(&memory[at], vector.data(), sizeof(vector)); };
    for (std::uint32_t i = 0; i < kMaximumLive; ++i) put(kLive + 16 * i, live(i));
    for (std::size_t record = 0; record < records_.size(); ++record)
      for (std::size_t i = 0; i < 3; ++i) put(kRecords + kRecordBytes * record + 16 * i, records_[record][i]);
  }
  [[nodiscard]] static Vector live(std::uint32_t i) {
    return {0x0101'0101'0101'0101u * (i + 1), 0x1011'1213'1415'1617u * (i + 1)};
  }
  [[nodiscard]] Vector at(std::uint64_t address) const { return lease_->memory().load<Vector>(address).value(); }

  bool run(const std::string& name, std::size_t records) {
    fill();
    const auto end = static_cast<std::uint32_t>(kRecords + kRecordBytes * records);
    const auto result = lease_->call(name, std::uint32_t{kRecords}, end);
    EXPECT_TRUE(result) << wasm::to_string(op_) << ", " << name << ": " << result.error().to_string();
    return result.has_value();
  }

  void expect(const VectorOperands& operands, std::size_t record, std::string_view shape,
              Shape::Use use = Shape::Use::kStore) const {
    Vector expected = evaluate_vector(op_, operands);
    if (use == Shape::Use::kBranch) expected = {expected[0] != 0 ? 0x1234u : 0x5678u, 0};
    if (use == Shape::Use::kNegate) expected = {expected[0] == 0 ? 1u : 0u, 0};
    Vector found = at(kRecords + kRecordBytes * record + kResult);
    if (signature_.result != kV128) found[1] = 0;
    if (canonical_nan_ ? canonical(op_, expected) == found : is_allowed(op_, operands, expected, found)) return;
    ADD_FAILURE() << fmt::format(
        "{} ({}) of {:016x}'{:016x}, {:016x}'{:016x}, {:016x}'{:016x}: expected {:016x}'{:016x}, found "
        "{:016x}'{:016x}",
        wasm::to_string(op_), shape, operands[0][1], operands[0][0], operands[1][1], operands[1][0], operands[2][1],
        operands[2][0], expected[1], expected[0], found[1], found[0]);
  }

  void check(const Shape& shape) {
    if (!run(shape.name, records_.size())) return;
    for (std::size_t record = 0; record < records_.size(); ++record) {
      VectorOperands operands{};
      for (std::size_t i = 0; i < signature_.operands; ++i) {
        operands[i] = cut(signature_.operand(i), records_[record][shape.fields[i]]);
        ASSERT_EQ(at(kRecords + kRecordBytes * record + 16 * i), records_[record][i])
            << wasm::to_string(op_) << ", " << shape.name << ": a local changed";
      }
      expect(operands, record, shape.name, shape.use);
      if (testing::Test::HasFailure()) return;
    }
    for (std::uint32_t i = 0; i < shape.live; ++i) {
      const char* const what = "values that were alive changed: ";
      ASSERT_EQ(at(kLiveOut + 32 * i), live(i)) << what << wasm::to_string(op_) << ", " << shape.name;
      ASSERT_EQ(at(kLiveOut + 32 * i + 16)[0], live(i)[0]) << what << wasm::to_string(op_) << ", " << shape.name;
    }
  }

  void check_constants() {
    for (std::uint32_t which = 0; which <= signature_.operands; ++which) {
      const std::string name = fmt::format("constants {}", which);
      if (!run(name, 0)) return;
      for (std::size_t record = 0; record < kConstantRecords; ++record) expect(records_[record], record, name);
      if (testing::Test::HasFailure()) return;
    }
    if (!has_counts_ || !run("constant counts", 0)) return;
    for (std::uint32_t shift = 0; shift < kShifts; ++shift)
      expect({records_[shift][0], {shift < 130 ? shift : ~shift, 0}, {}}, shift, "constant count");
  }

  Op op_;
  bool canonical_nan_;
  const Signature& signature_;
  std::vector<VectorOperands> records_;
  std::vector<Shape> shapes_;
  bool has_counts_ = false;
  ModuleBuilder builder_;
  std::uint32_t nothing_ = 0;
  std::optional<Pool> pool_;
  std::optional<Lease> lease_;  // behind the pool, so that it goes first
};

/// Operators in groups by the word before the dot.
class VectorOperators : public testing::TestWithParam<const char*> {};

TEST_P(VectorOperators, ComputeWhatTheSpecificationSaysWhereverTheirOperandsAre) {
  for (const Op op : vector_operators()) {
    if (!wasm::to_string(op).starts_with(GetParam())) continue;
    VectorModule(op, false).check();
    if (HasFailure()) return;
  }
}

TEST_P(VectorOperators, GiveTheCanonicalNanWhereThatIsAskedFor) {
  for (const Op op : vector_operators()) {
    const bool has_floats = wasm::to_string(op).find("f32x4") != std::string_view::npos ||
                            wasm::to_string(op).find("f64x2") != std::string_view::npos;
    if (!has_floats || !wasm::to_string(op).starts_with(GetParam())) continue;
    VectorModule(op, true).check();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(LaneShapes, VectorOperators,
                         testing::Values("v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace anew::codegen::test
