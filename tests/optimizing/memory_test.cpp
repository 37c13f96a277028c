// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads, stores and atomic operators of the optimizing tier in every kind of memory, at addresses that the optimizer
// knows and that it does not; and that a load stays where it is even if nobody looks at what it loads.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "probe.hpp"
#include "support/print.hpp"
#include "support/reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing::test {
namespace {

using codegen::test::Outcome;

constexpr std::uint64_t kSize = abi::kWasmPageBytes;

const std::vector<Op>& loads_and_stores() {
  static const std::vector<Op> all = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_LOAD_OPERATORS(ANEW_X) ANEW_STORE_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  return all;
}
const std::vector<Op>& atomic_operators() {
  static const std::vector<Op> all = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_ATOMIC_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  return all;
}

bool has(Op op, std::string_view part) { return wasm::to_string(op).find(part) != std::string_view::npos; }

std::uint64_t cut(std::uint64_t bits, std::uint32_t bytes) {
  return bytes == 8 ? bits : bits & ((std::uint64_t{1} << 8 * bytes) - 1);
}

/// Where the memory that is accessed lies, and how it is checked.
struct Kind {
  const char* name;
  bool is_64, explicit_bounds, foreign;
  std::uint32_t memory;  ///< index: 1 is reached through its MemoryReference
};
constexpr Kind kKinds[] = {{"own", false, false, false, 0},
                           {"own, explicit bounds", false, true, false, 0},
                           {"own, 64 bits", true, false, false, 0},
                           {"second, explicit bounds", false, true, false, 1},
                           {"second, 64 bits", true, false, false, 1},
                           {"foreign", false, false, true, 0}};

struct Access {
  std::uint64_t address, offset;
};

/// All operators in one kind of memory.
class Memories {
 public:
  Memories(const Kind& kind, const std::vector<Op>& operators)
      : kind_(kind),
        operators_(operators),
        unit_(module(kind), {.foreign_memory = kind.foreign, .explicit_bounds = kind.explicit_bounds}),
        cell_(unit_.layout().header_bytes() + kSize),
        other_(sizeof(abi::HotHeader) + kSize) {
    std::byte* const cell = this->cell();
    abi::hot_header(cell).memory_bytes = kSize;
    std::byte* const other = other_.data() + sizeof(abi::HotHeader);
    abi::hot_header(other).memory_bytes = kSize;
    memory_ = kind.foreign || kind.memory != 0 ? other : cell;
    if (memory_ == other) {
      const abi::MemoryReference reference = {other, nullptr, 0};
      std::memcpy(cell + unit_.layout().memory_reference(kind.memory), &reference, sizeof reference);
    }
    constexpr std::uint64_t kGuard = abi::kGuardBytes;
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{8}, kSize - 8, kGuard - 17,
                                       kGuard - 16, std::uint64_t{0xFFFF'FFFF}, ~std::uint64_t{0}, ~std::uint64_t{7}}) {
      if (offset <= 0xFFFF'FFFF || kind.is_64) offsets_.push_back(offset);
    }
    for (const std::uint64_t address :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{16}, std::uint64_t{1003}, kSize - 8, kSize - 5, kSize - 1,
          kSize, std::uint64_t{0x8000'0000}, std::uint64_t{0xFFFF'FFF8}, std::uint64_t{0xFFFF'FFFF},
          std::uint64_t{0x1'0000'0000}, ~std::uint64_t{7}, ~std::uint64_t{0}}) {
      if (address <= 0xFFFF'FFFF || kind.is_64) addresses_.push_back(address);
    }
  }

  void check() {
    for (const Op op : operators_) {
      for (const std::uint64_t offset : offsets_) {
        add(op, {0, offset}, false);
        for (const std::uint64_t address : addresses_)
          if (is_known_too({address, offset})) add(op, {address, offset}, true);
      }
    }
    unit_.optimize();
    if (testing::Test::HasFatalFailure()) return;
    unit_.make_code();
    for (const Op op : operators_) {
      for (const std::uint64_t offset : offsets_) {
        for (const std::uint64_t address : addresses_) {
          call(op, {address, offset}, false);
          if (is_known_too({address, offset})) call(op, {address, offset}, true);
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }

 private:
  /// Functions with a known address take their time to compile: a few for each offset and each address.
  [[nodiscard]] static bool is_known_too(const Access& at) { return (at.address / 4 + at.offset) % 4 == 1; }
  [[nodiscard]] std::byte* cell() { return cell_.data() + unit_.layout().header_bytes(); }

  static ModuleBuilder module(const Kind& kind) {
    ModuleBuilder builder;
    for (std::uint32_t i = 0; i <= kind.memory; ++i) builder.memory({.limits = {0, std::nullopt}, .is_64 = kind.is_64});
    return builder;
  }
  [[nodiscard]] std::string name(Op op, const Access& at, bool known) const {
    return known ? fmt::format("{} {} {}", wasm::to_string(op), at.offset, at.address)
                 : fmt::format("{} {}", wasm::to_string(op), at.offset);
  }

  void add(Op op, const Access& at, bool known) {
    Probe& probe = unit_.probe();
    const wasm::Signature& signature = wasm::signature_of(op);
    const ValueType type = kind_.is_64 ? kI64 : kI32;
    probe.begin(name(op, at, known));
    known ? probe.constant(type, at.address) : probe.parameter(type, 0);
    for (std::uint32_t i = 1; i < signature.operands; ++i) probe.parameter(signature.operand(i), i);
    const wasm::MemoryArgument argument = {kind_.memory, 0, at.offset};
    if (has(op, "atomic"))
      probe.atomic(op, argument);
    else
      signature.results == 0 ? probe.store(op, argument) : probe.load(op, argument);
    if (signature.results != 0) probe.result(0);
    probe.end();
  }

  /// What comes of the operator, and of memory.
  [[nodiscard]] Outcome expected(Op op, const Access& at, std::array<std::uint64_t, 3> in,
                                 std::vector<std::byte>& memory) const {
    const std::uint32_t bytes = wasm::access_bytes(op);
    if (has(op, "atomic") && ((at.address + at.offset) & (bytes - 1)) != 0) return {TrapKind::kUnalignedAtomic, 0};
    const std::uint64_t first = at.address + at.offset;
    if (first < at.address || first > kSize - bytes) return {TrapKind::kMemoryOutOfBounds, 0};
    if (has(op, "wait")) return {TrapKind::kExpectedSharedMemory, 0};
    if (has(op, "notify")) return {TrapKind::kNone, 0};
    std::uint64_t old = 0;
    std::memcpy(&old, &memory[first], bytes);
    const bool atomic = has(op, "atomic");
    const std::uint64_t next = atomic                                ? codegen::test::updated(op, old, in[1], in[2])
                               : wasm::signature_of(op).results == 0 ? in[1]
                                                                     : old;
    std::memcpy(&memory[first], &next, bytes);
    if (wasm::signature_of(op).results == 0) return {};
    if (!has(op, "_s")) return {TrapKind::kNone, old};
    const std::uint32_t unused = 64 - 8 * bytes;
    const auto extended = static_cast<std::uint64_t>(static_cast<std::int64_t>(old << unused) >> unused);
    return {TrapKind::kNone, cut(extended, wasm::signature_of(op).result == kI32 ? 4 : 8)};
  }

  void call(Op op, const Access& at, bool known) {
    std::vector<std::byte> before(kSize);
    for (std::size_t i = 0; i < kSize; ++i) before[i] = static_cast<std::byte>(i * 37 + (i >> 8));  // any bytes
    std::vector<std::byte> after = before;
    std::array<std::uint64_t, 3> in = {at.address, 0x8182'8384'F5F6'F7F8, 0x0102'0304'0506'0708};
    const std::uint64_t first = at.address + at.offset;
    // A compare-exchange finds what it expects at every other place.
    if (has(op, "cmpxchg") && first < kSize - 8 && first % 16 == 0) std::memcpy(&in[1], &before[first], 8);
    const Outcome wanted = expected(op, at, in, after);
    // What inaccessible pages would stop elsewhere, would stop the test.
    const bool is_far = known ? first + wasm::access_bytes(op) > abi::kMemoryAddressSpace
                              : at.offset >= abi::kGuardBytes - wasm::kMaximumAccessBytes;
    const bool compared = kind_.is_64 || kind_.explicit_bounds || is_far;
    if (wanted.trap == TrapKind::kMemoryOutOfBounds && !compared) return;

    std::memcpy(memory_, before.data(), kSize);
    std::uint64_t found = 0;
    const TrapKind trap = Unit::run(unit_.function(name(op, at, known)), &found, in.data(), cell());
    const bool same_memory = std::memcmp(memory_, after.data(), kSize) == 0;
    if (trap == wanted.trap && found == wanted.bits && same_memory) return;
    ADD_FAILURE() << fmt::format("{} in memory {}, {} address {:#x} + {:#x}: expected {:#x} {}, found {:#x} {}{}",
                                 wasm::to_string(op), kind_.name, known ? "known" : "unknown", at.address, at.offset,
                                 wanted.bits, to_string(wanted.trap), found, to_string(trap),
                                 same_memory ? "" : "; memory differs");
  }

  const Kind& kind_;
  const std::vector<Op>& operators_;
  Unit unit_;
  std::vector<std::byte> cell_, other_;
  std::byte* memory_ = nullptr;
  std::vector<std::uint64_t> offsets_, addresses_;
};

class OptimizedMemories : public testing::TestWithParam<std::size_t> {};

TEST_P(OptimizedMemories, AreReadAndWrittenWhereTheyAre) { Memories(kKinds[GetParam()], loads_and_stores()).check(); }

TEST_P(OptimizedMemories, AreReadAndWrittenByAtomicOperatorsAtAlignedPlaces) {
  Memories(kKinds[GetParam()], atomic_operators()).check();
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizedMemories, testing::Range(std::size_t{0}, std::size(kKinds)),
                         [](const auto& kind) {
                           std::string name = kKinds[kind.param].name;
                           std::erase(name, ',');
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST(OptimizedLoads, StayIfNobodyLooksAtTheValue) {
  ModuleBuilder builder;
  builder.memory(1);
  for (const Op op : loads_and_stores()) {
    if (wasm::signature_of(op).results == 0) continue;
    Unit unit(builder);
    unit.probe().begin("f");
    unit.probe().parameter(kI32, 0);
    unit.probe().load(op, {});
    unit.probe().drop();
    unit.probe().end();
    unit.optimize();
    std::uint32_t bits = 0;
    for (const ::llvm::Instruction& each : unit.ir().getFunction("f")->getEntryBlock()) {
      if (const auto* const load = ::llvm::dyn_cast<::llvm::LoadInst>(&each);
          load != nullptr && load->getPointerAddressSpace() == kMemorySpace)
        bits += static_cast<std::uint32_t>(load->getType()->getPrimitiveSizeInBits());  // at most 64
    }
    EXPECT_EQ(bits, 8 * wasm::access_bytes(op)) << wasm::to_string(op);
  }
}

}  // namespace
}  // namespace anew::codegen::optimizing::test
