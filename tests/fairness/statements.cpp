// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fairness/statements.hpp"

#include <bit>

#include "fairness/host.hpp"

namespace anew::fairness {
namespace {

using enum ValueType;

/// Locals: what the function is given, and what it works with.
enum Local : std::uint32_t { kAddress, kNumber, kWide, kDigest, kBase, kCount, kPlace, kEnd };

constexpr std::uint64_t kPrime = 0x9E37'79B9'7F4A'7C15;
constexpr std::uint64_t kPageBytes = 65'536;

/// An operator with a byte code of its group and a distance in it.
Op op_at(Op first, std::uint32_t distance) { return static_cast<Op>(static_cast<std::uint32_t>(first) + distance); }

}  // namespace

std::uint64_t State::smallest_memory() const {
  std::uint64_t smallest = bytes_of(0);
  for (std::uint32_t i = 1; i < memories.size(); ++i) smallest = std::min(smallest, bytes_of(i));
  return smallest;
}

// --- values and places ----------------------------------------------------------------------------------------------

void Statements::mix() {
  code_.get(kDigest).i64(kPrime).op(Op::kI64Mul).op(Op::kI64Xor).i64(11).op(Op::kI64Rotl).set(kDigest);
}

void Statements::constant_address(std::uint32_t memory, std::uint64_t value) {
  code_.constant(state_.memories[memory].type.is_64 ? kI64 : kI32, value);
}

void Statements::address(std::uint32_t memory, std::uint32_t bytes, std::uint32_t alignment) {
  const std::uint64_t size = state_.bytes_of(memory);
  const auto align = static_cast<std::uint32_t>(~(alignment - 1));
  const std::uint32_t way = safe_ ? 50 : random_.below(100);
  if (way >= 45 && way < 75) {
    const std::uint64_t at = std::min(near_an_edge(random_, size), size - bytes);
    return constant_address(memory, at & (safe_ || random_.percent(95) ? ~std::uint64_t{alignment - 1} : ~0ull));
  }
  if (way < 45) {
    const std::uint64_t mask = std::bit_floor(size) - 1;
    code_.get(random_.percent(70) ? kAddress : kBase).i32(static_cast<std::uint32_t>(mask)).op(Op::kI32And);
  } else {
    code_.get(way < 97 ? kBase : kAddress);
  }
  if (alignment != 1 && random_.percent(97)) code_.i32(align).op(Op::kI32And);
  if (state_.memories[memory].type.is_64) code_.op(Op::kI64ExtendI32U);
}

std::uint64_t Statements::offset() {
  if (safe_) return 0;
  const std::uint32_t way = random_.below(100);
  if (way < 60) return 0;
  if (way < 85) return random_.below(260);
  if (way < 98) return random_.below(5000);
  return random_.percent(50) ? 0x7FFF'FF00u : random_.below(kPageBytes);
}

void Statements::memory_argument(Op op, std::uint32_t memory, std::uint64_t offset, std::uint32_t align_log2) {
  code_.op(op).unsigned_leb(align_log2 | (memory != 0 ? 0x40 : 0));
  if (memory != 0) code_.unsigned_leb(memory);
  code_.unsigned_leb(offset);
}

void Statements::length(bool is_64, std::uint64_t value) { code_.constant(is_64 ? kI64 : kI32, value); }

void Statements::push(ValueType type) {
  switch (type) {
    case kI32: code_.get(kNumber).i32(static_cast<std::uint32_t>(random_.bits())).op(Op::kI32Xor); return;
    case kI64: code_.get(kWide).i64(random_.bits()).op(Op::kI64Xor); return;
    case kF32: return push(kI32), void(code_.op(Op::kF32ReinterpretI32));
    case kF64: return push(kI64), void(code_.op(Op::kF64ReinterpretI64));
    case kV128: return push(kI64), void(code_.op(Op::kI64x2Splat));
    case kFuncRef:
      if (random_.percent(75))
        code_.op(Op::kRefFunc, random_.pick(state_.referable));
      else
        code_.op(Op::kRefNull).type(type);
      return;
    case kExternRef:
      if (!safe_ && random_.percent(75)) return push(kI64), void(code_.call(kHostObject));
      break;
    default: break;
  }
  // An exception, or nothing: one that some global holds.
  for (std::uint32_t i = 0; i < state_.globals.size(); ++i)
    if (state_.globals[i].type == type && random_.percent(70)) return void(code_.op(Op::kGlobalGet, i));
  code_.op(Op::kRefNull).type(type);
}

void Statements::index_constant(std::uint32_t table, std::uint64_t value) {
  code_.constant(state_.tables[table].is_64 ? kI64 : kI32, value);
}

void Statements::index(std::uint32_t table, std::uint64_t limit) {
  if (safe_ || random_.percent(50)) return index_constant(table, random_.below(limit));
  code_.get(kNumber).i32(static_cast<std::uint32_t>(limit)).op(Op::kI32RemU);
  if (state_.tables[table].is_64) code_.op(Op::kI64ExtendI32U);
}

// --- statements -----------------------------------------------------------------------------------------------------

void Statements::store() {
  const std::uint32_t memory = some_memory();
  const std::uint32_t way = random_.below(9);
  constexpr std::array<std::uint32_t, 9> kBytes = {4, 8, 4, 8, 1, 2, 1, 2, 4};
  constexpr std::array kTypes = {kI32, kI64, kF32, kF64, kI32, kI32, kI64, kI64, kI64};
  address(memory, kBytes[way]);
  if (random_.percent(15))
    code_.constant(kTypes[way], random_.bits() | 1);
  else
    push(kTypes[way]);
  memory_argument(op_at(Op::kI32Store, way), memory, offset());
}

// As compilers write structs: stores off one base, in any order, some of them on a condition.
void Statements::members() {
  const std::uint32_t memory = some_memory();
  const bool is_64 = state_.memories[memory].type.is_64;
  const std::uint32_t mask = static_cast<std::uint32_t>(std::bit_floor(state_.bytes_of(memory)) - 1);
  const bool constant = random_.percent(state_.stores ? 50 : 20);
  // Before an edge of cards of all sizes, which is amid them; or anywhere.
  const std::uint64_t at = random_.percent(50)
                               ? 4096 * (1 + random_.below(mask / 4096)) - 250
                               : std::min(near_an_edge(random_, mask + std::uint64_t{1}), mask - std::uint64_t{400});
  code_.get(kAddress).i32(mask).op(Op::kI32And).set(kBase);
  for (std::uint32_t i = 2 + random_.below(5); i-- != 0;) {
    const bool conditional = random_.percent(state_.stores ? 50 : 25);
    if (conditional) code_.get(kNumber).i32(1u << random_.below(5)).op(Op::kI32And).open(Op::kIf);
    if (constant) {
      constant_address(memory, at);
    } else {
      code_.get(kBase);
      if (is_64) code_.op(Op::kI64ExtendI32U);
    }
    const std::uint32_t to = random_.percent(constant ? 70 : 40) ? 230 + random_.below(40) : random_.below(300);
    if (random_.percent(25)) {
      push(kV128);
      memory_argument(Op::kV128Store, memory, to);
    } else {
      push(kI64);
      memory_argument(Op::kI64Store, memory, to);
    }
    if (conditional) code_.end();
  }
}

void Statements::vector_store() {
  const std::uint32_t memory = some_memory();
  address(memory, 16);
  push(kV128);
  const std::uint32_t way = random_.below(5);
  if (way == 4) return memory_argument(Op::kV128Store, memory, offset());
  memory_argument(op_at(Op::kV128Store8Lane, way), memory, offset());
  code_.byte(static_cast<std::uint8_t>(random_.below(16u >> way)));
}

void Statements::atomic() {
  const std::uint32_t memory = some_memory();
  // Within an operation's group: i32, i64, i32 of 8 and of 16 bits, i64 of 8, 16 and 32 bits.
  const std::uint32_t way = random_.below(7);
  constexpr std::array<std::uint32_t, 7> kLog2 = {2, 3, 0, 1, 0, 1, 2};
  const bool wide = way == 1 || way >= 4;
  const ValueType type = wide ? kI64 : kI32;
  const std::uint32_t bytes = 1u << kLog2[way];
  const std::uint64_t at = safe_ ? 0 : bytes * random_.below(300);
  address(memory, bytes, bytes);
  if (random_.percent(25)) {
    push(type);
    return memory_argument(op_at(Op::kI32AtomicStore, way), memory, at, kLog2[way]);
  }
  const std::uint32_t group = random_.below(7);
  if (group == 6) code_.constant(type, 0);  // what is expected: most of a memory is zero
  push(type);
  memory_argument(op_at(Op::kI32AtomicRmwAdd, 7 * group + way), memory, at, kLog2[way]);
  if (!wide) code_.op(Op::kI64ExtendI32U);
  mix();
}

void Statements::bulk() {
  const std::uint32_t memory = some_memory();
  const bool is_64 = state_.memories[memory].type.is_64;
  constexpr std::array<std::uint32_t, 9> kLengths = {1, 3, 7, 100, 257, 513, 700, 4097, 9000};
  std::uint32_t count = kLengths[random_.below(kLengths.size())];
  switch (safe_ ? random_.below(2) : random_.below(3)) {
    case 0:
      address(memory, count);
      push(kI32);
      code_.i32(1).op(Op::kI32Or);
      length(is_64, count);
      code_.op(Op::kMemoryFill).unsigned_leb(memory);
      return;
    case 1: {
      const std::uint32_t from = some_memory();
      address(memory, count);
      address(from, count);
      length(is_64 && state_.memories[from].type.is_64, count);
      code_.op(Op::kMemoryCopy).unsigned_leb(memory).unsigned_leb(from);
      return;
    }
    default: {
      if (state_.data.empty()) return;
      const std::uint32_t segment = random_.below(state_.data.size());
      if (!state_.data[segment].passive && random_.percent(95)) return;  // empty by now
      const std::uint32_t from = random_.below(state_.data[segment].size);
      count = 1 + random_.below(state_.data[segment].size - from);
      address(memory, count);
      code_.i32(from).i32(count).op(Op::kMemoryInit).unsigned_leb(segment).unsigned_leb(memory);
    }
  }
}

void Statements::grow_memory() {
  const std::uint32_t memory = some_memory();
  const bool is_64 = state_.memories[memory].type.is_64;
  constexpr std::array<std::uint32_t, 8> kPages = {0, 1, 1, 1, 1, 2, 3, 70'000};
  length(is_64, kPages[random_.below(kPages.size())]);
  code_.op(Op::kMemoryGrow).unsigned_leb(memory);
  if (!is_64) code_.op(Op::kI64ExtendI32U);
  mix();
  // Where the end is now.
  for (std::uint32_t i = random_.below(3); i-- != 0;) {
    code_.op(Op::kMemorySize).unsigned_leb(memory);
    length(is_64, kPageBytes);
    code_.op(is_64 ? Op::kI64Mul : Op::kI32Mul);
    length(is_64, 8 + random_.below(random_.percent(50) ? 20 : kPageBytes - 8));
    code_.op(is_64 ? Op::kI64Sub : Op::kI32Sub);
    push(kI64);
    memory_argument(Op::kI64Store, memory, 0);
  }
}

void Statements::set_global() {
  const std::uint32_t global = random_.below(state_.globals.size());
  if (!state_.globals[global].is_mutable) return;
  push(state_.globals[global].type);
  code_.op(Op::kGlobalSet, global);
}

void Statements::change_table() {
  const std::uint32_t table = random_.below(state_.tables.size());
  const TableType& type = state_.tables[table];
  const std::uint64_t size = type.limits.minimum;
  switch (random_.below(safe_ ? 3 : 5)) {
    case 0:
      index(table, safe_ || random_.percent(93) ? size : size + 3);
      push(type.element);
      code_.op(Op::kTableSet, table);
      return;
    case 1:
      push(type.element);
      index_constant(table, random_.below(size > 100 ? 300 : 4));
      code_.op(Op::kTableGrow, table);
      if (!type.is_64) code_.op(Op::kI64ExtendI32U);
      mix();
      return;
    case 2:
      index_constant(table, 0);
      push(type.element);
      index_constant(table, random_.below(size + 1));
      code_.op(Op::kTableFill, table);
      return;
    case 3: {
      const std::uint32_t from = random_.below(state_.tables.size());
      if (state_.tables[from].element != type.element) return;
      const std::uint32_t count = random_.below(std::min(size, state_.tables[from].limits.minimum) + 1);
      index(table, size - count + 1);
      index(from, state_.tables[from].limits.minimum - count + 1);
      length(type.is_64 && state_.tables[from].is_64, count);
      code_.op(Op::kTableCopy).unsigned_leb(table).unsigned_leb(from);
      return;
    }
    default: {
      if (type.element != kFuncRef) return;
      const std::uint32_t segment = random_.below(state_.elements.size());
      if (!state_.elements[segment].passive && random_.percent(95)) return;
      const std::uint32_t count = random_.below(std::min<std::uint64_t>(state_.elements[segment].size, size) + 1);
      index(table, size - count + 1);
      code_.i32(0).i32(count).op(Op::kTableInit).unsigned_leb(segment).unsigned_leb(table);
    }
  }
}

void Statements::drop() {
  if (!state_.data.empty() && random_.percent(60))
    code_.op(Op::kDataDrop, random_.below(state_.data.size()));
  else
    code_.op(Op::kElemDrop, random_.below(state_.elements.size()));
}

void Statements::call() {
  const auto arguments = [this] {
    code_.get(kAddress).i32(1 + random_.below(5000)).op(Op::kI32Add);
    code_.get(kNumber).i32(1).op(Op::kI32ShrU).i32(31).op(Op::kI32And);
    push(kI64);
  };
  switch (random_.below(4)) {
    case 0:
    case 1:
      if (!state_.callable.empty()) {
        arguments();
        code_.call(random_.pick(state_.callable));
        return mix();
      }
      break;
    case 2: {
      const std::uint32_t table = random_.below(state_.tables.size());
      if (state_.tables[table].element != kFuncRef) break;
      // Null, or of the other type: a trap; so only for some arguments.
      code_.get(kNumber).i32(7).op(Op::kI32And).i32(random_.below(8)).op(Op::kI32Eq).open(Op::kIf);
      const bool plain = random_.percent(50);
      if (!plain) arguments();
      index(table, state_.tables[table].limits.minimum);
      code_.op(Op::kCallIndirect).unsigned_leb(plain ? state_.plain_type : state_.action_type).unsigned_leb(table);
      mix();
      code_.end();
      return;
    }
    default: break;
  }
  code_.call(random_.pick(state_.plain));
  mix();
}

void Statements::call_host() {
  switch (random_.below(6)) {
    case 0:
      push(kI64);
      code_.call(kHostKeep);
      return mix();
    case 1:
    case 2:
      if (safe_) break;
      code_.get(kAddress).i32(0xFFFF).op(Op::kI32And);
      push(kI32);
      code_.call(kHostWrite).op(Op::kDrop);
      return;
    case 3: code_.i32(random_.below(3)).call(kHostGrow); return mix();
    case 4:
      if (safe_) break;
      code_.get(kNumber).i32(31).op(Op::kI32And).call(kHostFail).op(Op::kDrop);
      return;
    default: break;
  }
  code_.call(kHostNext);
  mix();
}

void Statements::exception() {
  // global = block (result exnref) { try_table (catch_all_ref 0) { throw } null }
  const std::uint32_t tag = random_.below(state_.tags.size());
  std::uint32_t holder = ~0u;
  for (std::uint32_t i = 0; i < state_.globals.size(); ++i)
    if (state_.globals[i].type == kExnRef && state_.globals[i].is_mutable) holder = i;
  code_.open(Op::kBlock, kExnRef);
  code_.op(Op::kTryTable).byte(0x40);
  if (random_.percent(5))
    code_.unsigned_leb(0);  // catches nothing
  else
    code_.unsigned_leb(1).byte(3).unsigned_leb(0);
  if (random_.percent(50)) store();
  for (const ValueType each : state_.tags[tag]) push(each);
  code_.op(Op::kThrow, tag).end();
  code_.op(Op::kRefNull).type(kExnRef).end();
  if (holder != ~0u)
    code_.op(Op::kGlobalSet, holder);
  else
    code_.op(Op::kDrop);
}

void Statements::loop() {
  const std::uint32_t memory = some_memory();
  const std::uint32_t mask = static_cast<std::uint32_t>(std::bit_floor(state_.bytes_of(memory)) - 1) & ~7u;
  constexpr std::array<std::uint32_t, 6> kStrides = {8, 256, 520, 1032, 4096, 4104};
  code_.get(kNumber).i32(31).op(Op::kI32And).i32(1).op(Op::kI32Add).set(kCount).open(Op::kLoop);
  code_.get(kBase).i32(kStrides[random_.below(kStrides.size())]).op(Op::kI32Add).tee(kBase);
  code_.i32(mask).op(Op::kI32And);
  if (state_.memories[memory].type.is_64) code_.op(Op::kI64ExtendI32U);
  push(kI64);
  memory_argument(Op::kI64Store, memory, 0);
  code_.get(kCount).i32(1).op(Op::kI32Sub).tee(kCount).op(Op::kBrIf, 0).end();
}

// As compilers write arrays of structs: what is stored in each step lies at addresses in arithmetic progression.
void Statements::walk() {
  const std::uint32_t memory = some_memory();
  const bool is_64 = state_.memories[memory].type.is_64;
  const std::uint32_t mask = static_cast<std::uint32_t>(std::bit_floor(state_.bytes_of(memory)) - 1) / 2;
  constexpr std::array<std::uint32_t, 10> kStrides = {8, 8, 16, 24, 256, 512, 512, 520, 2048, 4096};
  const std::uint32_t stride = kStrides[random_.below(kStrides.size())];
  const bool known = random_.percent(70);  // else it is one of the parameters
  // A few steps are no loop any more when they are optimized.
  const std::uint32_t most = !known ? 16 : stride <= 520 ? 32 : 4;
  const auto store_at = [&](Local base, std::uint64_t at) {
    code_.get(base);
    if (base == kAddress) code_.i32(mask).op(Op::kI32And);
    if (is_64) code_.op(Op::kI64ExtendI32U);
    push(kI64);
    memory_argument(Op::kI64Store, memory, at);
  };
  code_.get(kAddress).i32(mask).op(Op::kI32And).set(kBase);
  if (random_.percent(50))
    code_.i32(1 + random_.below(most));
  else
    code_.get(kNumber).i32(most - 1).op(Op::kI32And).i32(1).op(Op::kI32Add);
  code_.set(kCount).open(Op::kBlock).open(Op::kLoop);
  if (random_.percent(40)) store_at(kAddress, random_.below(300));
  if (random_.percent(30)) code_.get(kNumber).get(kCount).op(Op::kI32ShrU).i32(1).op(Op::kI32And).op(Op::kBrIf, 1);
  store_at(kBase, random_.below(20));
  for (std::uint32_t i = random_.below(3); i-- != 0;) store_at(kBase, 230 + random_.below(60));
  code_.get(kBase);
  if (known)
    code_.i32(stride);
  else
    code_.get(kNumber).i32(1023).op(Op::kI32And);
  code_.op(Op::kI32Add).set(kBase);
  code_.get(kCount).i32(1).op(Op::kI32Sub).tee(kCount).op(Op::kBrIf, 0).end().end();
}

// As compilers write what goes up to a limit: addresses move by as much as the counter that is compared with it, and
// how often that is done is not known before, for all that is known the counter might wrap around. Some go down until
// it does.
void Statements::limited() {
  const std::uint32_t memory = some_memory();
  const std::uint32_t mask = static_cast<std::uint32_t>(std::bit_floor(state_.bytes_of(memory)) - 1) / 2;
  constexpr std::array<std::uint32_t, 6> kSteps = {8, 24, 256, 512, 520, 2048};
  const bool falls = random_.percent(25);
  const bool known = !falls && random_.percent(50);  // else the step is one of the parameters
  const std::uint32_t step = kSteps[random_.below(kSteps.size())];
  const auto move = [&](Local local) {
    code_.get(local);
    if (known)
      code_.i32(step);
    else if (falls)
      code_.get(kNumber).i32(0xFFFF'FC00).op(Op::kI32Or).i32(0xFFFF'FFF8).op(Op::kI32And);
    else
      code_.get(kNumber).i32(8).op(Op::kI32Or).i32(1023).op(Op::kI32And);
    code_.op(Op::kI32Add).set(local);
  };
  const auto some_way = [&] { code_.get(kNumber).i32(10).op(Op::kI32ShrU).i32(4095).op(Op::kI32And); };
  const auto first = [&] {
    if (falls) return some_way(), void(code_.i32(0x8000'0000).op(Op::kI32Or));
    code_.get(kNumber);
    if (safe_) code_.i32(0xFFFF).op(Op::kI32And);
  };
  code_.get(kAddress).i32(mask).op(Op::kI32And).i32(falls ? 8192 : 0).op(Op::kI32Add).set(kBase);
  first();
  code_.set(kCount).open(Op::kLoop).get(kBase);
  if (state_.memories[memory].type.is_64) code_.op(Op::kI64ExtendI32U);
  push(kI64);
  memory_argument(Op::kI64Store, memory, random_.below(300));
  move(kBase);
  move(kCount);
  code_.get(kCount);
  if (falls) {
    code_.i32(4096);
  } else {
    first(), some_way();
    code_.op(Op::kI32Add);
  }
  code_.op(falls || random_.percent(50) ? Op::kI32LtS : Op::kI32LtU).op(Op::kBrIf, 0).end();
}

void Statements::condition(std::uint32_t depth) {
  code_.get(kNumber).i32(1u << random_.below(5)).op(Op::kI32And).open(Op::kIf);
  statement(depth - 1);
  if (random_.percent(50)) {
    code_.op(Op::kElse);
    statement(depth - 1);
  }
  code_.end();
}

void Statements::trap() {
  code_.get(kNumber).i32(63).op(Op::kI32And).i32(random_.below(64)).op(Op::kI32Eq).open(Op::kIf);
  switch (random_.below(4)) {
    case 0: code_.op(Op::kUnreachable); break;
    case 1: code_.get(kNumber).i32(0).op(Op::kI32DivU).op(Op::kDrop); break;
    case 2:
      // Far behind the memory's end; its card is marked all the same.
      length(state_.memories[0].type.is_64, 0xF000'0000u + random_.below(0x1000'0000));
      push(kI64);
      memory_argument(Op::kI64Store, 0, 0);
      break;
    default: code_.op(Op::kRefNull).type(kExnRef).op(Op::kThrowRef); break;
  }
  code_.end();
}

void Statements::statement(std::uint32_t depth) {
  if (state_.stores && random_.percent(80)) {
    const std::uint32_t kind = random_.below(6);
    if (kind < 2) return members();
    if (kind < 4) return walk();
    if (kind == 4) return limited();
    return depth != 0 ? condition(depth) : loop();
  }
  const std::uint32_t way = random_.below(100);
  if (way < 18) return store();
  if (way < 28) return members();
  if (way < 34) return vector_store();
  if (way < 40) return atomic();
  if (way < 50) return bulk();
  if (way < 54) return grow_memory();
  if (way < 63) return set_global();
  if (way < 72) return change_table();
  if (way < 75) return drop();
  if (way < 77) return loop();
  if (way < 79) return walk();
  if (way < 81) return limited();
  if (safe_) return store();
  if (way < 86) return call();
  if (way < 90) return call_host();
  if (way < 93) return exception();
  if (way < 96) return trap();
  if (depth != 0) return condition(depth);
  store();
}

// --- functions ------------------------------------------------------------------------------------------------------

void Statements::action(std::uint32_t statements) {
  code_.op(Op::kGlobalGet, state_.budget).i32(1).op(Op::kI32Sub).op(Op::kGlobalSet, state_.budget);
  code_.op(Op::kGlobalGet, state_.budget).i32(0).op(Op::kI32LtS).open(Op::kIf).i64(0).op(Op::kReturn).end();
  code_.get(kAddress).i32(0xFFFF).op(Op::kI32And).set(kBase);
  for (std::uint32_t i = 0; i < statements; ++i) statement(2);
  code_.get(kDigest);
}

void Statements::recursion(std::uint32_t self) {
  code_.get(kAddress).i32(0xFFF8).op(Op::kI32And).set(kBase);
  code_.get(kBase);
  if (state_.memories[0].type.is_64) code_.op(Op::kI64ExtendI32U);
  push(kI64);
  memory_argument(Op::kI64Store, 0, 0);
  code_.get(kNumber).op(Op::kI32Eqz).open(Op::kIf).get(kWide).op(Op::kReturn).end();
  code_.get(kAddress).i32(520).op(Op::kI32Add).get(kNumber).i32(1).op(Op::kI32Sub).get(kWide).call(self);
  code_.i64(1).op(Op::kI64Add);
}

void Statements::endless() {
  code_.open(Op::kLoop);
  safe_ = true;
  for (std::uint32_t i = 1 + random_.below(3); i-- != 0;) statement(0);
  if (random_.percent(30)) code_.call(kHostNext).op(Op::kDrop);
  loop();
  code_.op(Op::kBr, 0).end().op(Op::kUnreachable);
}

void Statements::safe(std::uint32_t statements, bool with_host) {
  safe_ = true;
  for (std::uint32_t i = 0; i < statements; ++i) statement(0);
  if (with_host) call_host();
}

void Statements::plain() {
  for (std::uint32_t i = 0; i < state_.globals.size() && random_.percent(60); ++i)
    if (state_.globals[i].type == kI64) return void(code_.op(Op::kGlobalGet, i));
  code_.i64(random_.bits());
}

// --- probes ---------------------------------------------------------------------------------------------------------

void Statements::hash_memory(std::uint32_t memory, bool only_last) {
  const bool is_64 = state_.memories[memory].type.is_64;
  code_.op(Op::kMemorySize).unsigned_leb(memory);
  if (!is_64) code_.op(Op::kI64ExtendI32U);
  code_.i64(16).op(Op::kI64Shl).tee(kEnd);
  mix();
  if (only_last) {  // the last four pages
    code_.get(kEnd).i64(4 * kPageBytes).op(Op::kI64Sub).i64(0).get(kEnd).i64(4 * kPageBytes).op(Op::kI64GtU);
    code_.op(Op::kSelect).set(kPlace);
  } else {
    code_.i64(0).set(kPlace);
  }
  code_.open(Op::kBlock).open(Op::kLoop).get(kPlace).get(kEnd).op(Op::kI64GeU).op(Op::kBrIf, 1);
  code_.get(kPlace);
  if (!is_64) code_.op(Op::kI32WrapI64);
  memory_argument(Op::kI64Load, memory, 0);
  mix();
  code_.get(kPlace).i64(8).op(Op::kI64Add).set(kPlace).op(Op::kBr, 0).end().end();
}

void Statements::hash_table(std::uint32_t table) {
  const bool is_64 = state_.tables[table].is_64;
  code_.op(Op::kTableSize, table);
  if (!is_64) code_.op(Op::kI64ExtendI32U);
  code_.tee(kEnd);
  mix();
  code_.i64(0).set(kPlace);
  code_.open(Op::kBlock).open(Op::kLoop).get(kPlace).get(kEnd).op(Op::kI64GeU).op(Op::kBrIf, 1);
  code_.get(kPlace);
  if (!is_64) code_.op(Op::kI32WrapI64);
  code_.op(Op::kTableGet, table).op(Op::kRefIsNull).op(Op::kI64ExtendI32U);
  mix();
  code_.get(kPlace).i64(1).op(Op::kI64Add).set(kPlace).op(Op::kBr, 0).end().end();
}

void Statements::probe() {
  for (std::uint32_t i = 0; i < state_.memories.size(); ++i) hash_memory(i, false);
  for (std::uint32_t i = 0; i < state_.tables.size(); ++i) hash_table(i);
  for (std::uint32_t i = 0; i < state_.globals.size(); ++i) {
    code_.op(Op::kGlobalGet, i);
    switch (state_.globals[i].type) {
      case kI64: break;
      case kI32: code_.op(Op::kI64ExtendI32U); break;
      case kF32: code_.op(Op::kI32ReinterpretF32).op(Op::kI64ExtendI32U); break;
      case kF64: code_.op(Op::kI64ReinterpretF64); break;
      case kV128:
        code_.op(Op::kI64x2ExtractLane).byte(0);
        mix();
        code_.op(Op::kGlobalGet, i).op(Op::kI64x2ExtractLane).byte(1);
        break;
      default: code_.op(Op::kRefIsNull).op(Op::kI64ExtendI32U); break;
    }
    mix();
  }
  code_.get(kDigest);
}

void Statements::probe_memory_growth(std::uint32_t memory) {
  const bool is_64 = state_.memories[memory].type.is_64;
  code_.get(kAddress);
  if (is_64) code_.op(Op::kI64ExtendI32U);
  code_.op(Op::kMemoryGrow).unsigned_leb(memory);
  if (!is_64) code_.op(Op::kI64ExtendI32U);
  mix();
  hash_memory(memory, true);
  code_.get(kDigest);
}

void Statements::probe_table_growth(std::uint32_t table) {
  const bool is_64 = state_.tables[table].is_64;
  code_.op(Op::kRefNull).type(state_.tables[table].element).get(kAddress);
  if (is_64) code_.op(Op::kI64ExtendI32U);
  code_.op(Op::kTableGrow, table);
  if (!is_64) code_.op(Op::kI64ExtendI32U);
  mix();
  hash_table(table);
  code_.get(kDigest);
}

void Statements::probe_element(std::uint32_t table) {
  if (state_.tables[table].element != kFuncRef) return void(code_.i64(0));
  code_.get(kAddress);
  if (state_.tables[table].is_64) code_.op(Op::kI64ExtendI32U);
  code_.op(Op::kCallIndirect).unsigned_leb(state_.plain_type).unsigned_leb(table);
}

void Statements::probe_segment() {
  // One block a segment, chosen by the parameter.
  for (std::uint32_t i = 0; i < state_.data.size(); ++i) {
    code_.get(kAddress).i32(i).op(Op::kI32Eq).open(Op::kIf);
    constant_address(0, 0);
    code_.i32(0).i32(1).op(Op::kMemoryInit).unsigned_leb(i).unsigned_leb(0).end();
  }
  for (std::uint32_t i = 0; i < state_.elements.size(); ++i) {
    std::uint32_t table = 0;
    while (table < state_.tables.size() && state_.tables[table].element != kFuncRef) ++table;
    if (table == state_.tables.size()) break;
    code_.get(kAddress).i32(static_cast<std::uint32_t>(state_.data.size()) + i).op(Op::kI32Eq).open(Op::kIf);
    index_constant(table, 0);
    code_.i32(0).i32(1).op(Op::kTableInit).unsigned_leb(i).unsigned_leb(table).end();
  }
  constant_address(0, 0);
  memory_argument(Op::kI64Load, 0, 0);
}

void Statements::probe_function() {
  // Through the first table of functions: what a funcref is of no type that could be called.
  std::uint32_t table = 0;
  while (table < state_.tables.size() && state_.tables[table].element != kFuncRef) ++table;
  std::uint32_t number = 0;
  for (std::uint32_t i = 0; i < state_.globals.size() && table < state_.tables.size(); ++i) {
    if (state_.globals[i].type != kFuncRef) continue;
    code_.get(kAddress).i32(number++).op(Op::kI32Eq).open(Op::kIf);
    index_constant(table, 0);
    code_.op(Op::kGlobalGet, i).op(Op::kTableSet, table);
    index_constant(table, 0);
    code_.op(Op::kCallIndirect).unsigned_leb(state_.plain_type).unsigned_leb(table);
    mix();
    code_.end();
  }
  code_.get(kDigest);
}

void Statements::probe_host() {
  code_.call(kHostNext);
  mix();
  code_.i64(0).call(kHostKeep);
  mix();
  code_.get(kDigest);
}

}  // namespace anew::fairness
