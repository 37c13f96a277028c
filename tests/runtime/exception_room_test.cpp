// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions that somebody holds stay, wherever they are held; those that nobody holds any more make room within the
// call.
#include <array>
#include <memory>
#include <random>

#include "group.hpp"

namespace anew::test {
namespace {

using wasm::Op;

constexpr std::uint8_t kI32Byte = 0x7F;
constexpr std::uint8_t kExnRefByte = 0x69;
constexpr std::uint8_t kVoid = 0x40;
constexpr std::uint8_t kCatch = 0;
constexpr std::uint8_t kCatchAllRef = 3;
constexpr std::uint32_t kSlots = 16;  ///< of the table of exnrefs
constexpr std::uint32_t kMany = 10;   ///< more than there are registers for parameters and results

Value i32(std::uint32_t value) { return Value::i32(value); }

Code body(const Code& code, std::initializer_list<std::uint8_t> locals = {}) {
  Code all;
  all.unsigned_leb(locals.size());
  for (const std::uint8_t type : locals) all.byte(1).byte(type);
  all.append(code).byte(0x0B);
  return Code().unsigned_leb(all.size()).append(all);
}

/// The exception that `thrown` throws, as an operand.
Code caught(const Code& thrown) {
  return Code()
      .byte(0x02)
      .byte(kExnRefByte)
      .byte(0x1F)
      .byte(kVoid)
      .byte(1)
      .byte(kCatchAllRef)
      .byte(0)
      .append(thrown)
      .end()
      .byte(0x00)
      .end();
}

enum Type : std::uint8_t { kLeaf, kNode, kMake, kWalk, kNumber, kOpened, kReferences, kValue, kSame, kPlaces, kPut };
enum Function : std::uint32_t {
  kHostChurn,
  kMakeIn,
  kWalkTo,
  kChurn,
  kClear,
  kChain,
  kValueOf,
  kHandOn,
  kPlacesOf,
  kOuter,
  kPutIn,
  kFunctions
};

void types(Code& out) {
  const auto type = [&out](std::initializer_list<std::uint8_t> parameters,
                           std::initializer_list<std::uint8_t> results) {
    out.byte(0x60).unsigned_leb(parameters.size());
    for (const std::uint8_t each : parameters) out.byte(each);
    out.unsigned_leb(results.size());
    for (const std::uint8_t each : results) out.byte(each);
  };
  out.byte(11);
  type({kI32Byte}, {});                      // kLeaf, a tag's
  type({kI32Byte, kExnRefByte}, {});         // kNode, a tag's
  type({kI32Byte, kI32Byte, kI32Byte}, {});  // kMake
  type({kI32Byte, kI32Byte}, {kI32Byte});    // kWalk
  type({kI32Byte}, {});                      // kNumber
  type({}, {kI32Byte, kExnRefByte});         // kOpened
  constexpr std::uint8_t e = kExnRefByte;
  type({e, e, e, e, e, e, e, e, e, e}, {e, e, e, e, e, e, e, e, e, e});  // kReferences
  type({e}, {kI32Byte});                                                 // kValue
  type({e}, {e});                                                        // kSame
  type({kI32Byte}, {kI32Byte});                                          // kPlaces
  type({kI32Byte, kI32Byte}, {});                                        // kPut
}

/// Imports host.churn (i32); tags 0 (i32) and 1 (i32 exnref); a table "table" and a global "global" of exnrefs; exports
///   make (to id from)       table[to] = an exception of that number that holds table[from]
///   walk (at depth) -> id   of the exception so many steps from table[at], or -1 if there is none
///   churn (n)               throws so many, catches them by reference and drops them
///   clear (at), chain (n)   table[at] = null; makes 0 from 0, so often
///   value (exnref) -> i32   the number of one of tag 0; churns before
///   places (id) -> i32      holds ten exceptions in all the places of frames while others churn
///   outer (id) -> i32       holds two while the host churns
///   put (at id)             table[at] = an exception of tag 0
Module holder() {
  constexpr std::uint32_t kSome = 9'000;  // thrice that is enough for a collection
  Code table_type = Code().byte(kExnRefByte).byte(0).unsigned_leb(kSlots);
  Code section_types;
  types(section_types);
  const Code make = Code().append(caught(Code().get(1).get(2).op(Op::kTableGet, 0).op(Op::kThrow, 1)));
  Code make_in = Code().append(make).set(3).get(0).get(3).op(Op::kTableSet, 0);
  Code walk;
  walk.get(0).op(Op::kTableGet, 0).set(2).byte(0x03).byte(kVoid);
  walk.get(2).op(Op::kRefIsNull).byte(0x04).byte(kVoid).i32(~0u).byte(0x0F).end();
  walk.byte(0x02).byte(kOpened).byte(0x1F).byte(kVoid).byte(1).byte(kCatch).byte(1).byte(0);
  walk.get(2).op(Op::kThrowRef).end().byte(0x00).end().set(2).set(3);
  walk.get(1).op(Op::kI32Eqz).byte(0x04).byte(kVoid).get(3).byte(0x0F).end();
  walk.get(1).i32(1).op(Op::kI32Sub).set(1).byte(0x0C).byte(0).end().byte(0x00);
  const auto times = [](const Code& what) {
    return Code()
        .byte(0x03)
        .byte(kVoid)
        .append(what)
        .get(0)
        .i32(1)
        .op(Op::kI32Sub)
        .byte(0x22)
        .byte(0)
        .byte(0x0D)
        .byte(0)
        .end();
  };
  const Code leaf = caught(Code().get(0).op(Op::kThrow, 0));
  const Code churn = times(Code().append(leaf).op(Op::kDrop));
  const Code clear = Code().get(0).op(Op::kRefNull).byte(kExnRefByte).op(Op::kTableSet, 0);
  const Code chain = times(Code().i32(0).get(0).i32(0).call(kMakeIn));
  Code value = Code().i32(kSome).call(kChurn);
  value.byte(0x02).byte(kI32Byte).byte(0x1F).byte(kVoid).byte(1).byte(kCatch).byte(0).byte(0);
  value.get(0).op(Op::kThrowRef).end().byte(0x00).end();
  Code hand_on = Code().i32(3 * kSome).call(kChurn);
  for (std::uint32_t i = 0; i < kMany; ++i) hand_on.get(i);
  // One in a local and a null, a constant, below the ten.
  Code places = Code().append(leaf).set(1).op(Op::kRefNull).byte(kExnRefByte);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    if (i == 4) places.get(1);  // a reference to the local, which changes before the call
    if (i != 4) places.append(caught(Code().get(0).i32(i).op(Op::kI32Add).op(Op::kThrow, 0)));
  }
  places.append(caught(Code().get(0).i32(100).op(Op::kI32Add).op(Op::kThrow, 0))).set(1);
  places.call(kHandOn).i32(3 * kSome).call(kChurn).call(kHandOn);
  places.i32(0).set(2);
  for (std::uint32_t i = 0; i < kMany; ++i) places.call(kValueOf).get(2).i32(31).op(Op::kI32Mul).op(Op::kI32Add).set(2);
  places.op(Op::kRefIsNull).get(2).op(Op::kI32Add).get(1).call(kValueOf).op(Op::kI32Add);
  Code outer = Code().append(leaf).set(1).append(caught(Code().get(0).i32(1).op(Op::kI32Add).op(Op::kThrow, 0)));
  outer.i32(3 * kSome).call(kHostChurn).call(kValueOf).get(1).call(kValueOf).op(Op::kI32Add);
  const Code put = Code().get(0).append(caught(Code().get(1).op(Op::kThrow, 0))).op(Op::kTableSet, 0);
  Code exports;
  exports.byte(kFunctions - 1 + 2);
  constexpr std::array kNames = {"make",  "walk",    "churn",  "clear", "chain",
                                 "value", "hand_on", "places", "outer", "put"};
  for (std::uint32_t i = 0; i < kNames.size(); ++i) exports.name(kNames[i]).byte(0).unsigned_leb(i + 1);
  exports.name("table").byte(1).byte(0).name("global").byte(3).byte(0);
  return raw_module({{1, section_types},
                     {2, Code().byte(1).name("host").name("churn").byte(0).byte(kNumber)},
                     {3, Code()
                             .byte(kFunctions - 1)
                             .byte(kMake)
                             .byte(kWalk)
                             .byte(kNumber)
                             .byte(kNumber)
                             .byte(kNumber)
                             .byte(kValue)
                             .byte(kReferences)
                             .byte(kPlaces)
                             .byte(kPlaces)
                             .byte(kPut)},
                     {4, Code().byte(1).append(table_type)},
                     {13, Code().byte(2).byte(0).byte(kLeaf).byte(0).byte(kNode)},
                     {6, Code().byte(1).byte(kExnRefByte).byte(1).op(Op::kRefNull).byte(kExnRefByte).byte(0x0B)},
                     {7, exports},
                     {10, Code()
                              .byte(kFunctions - 1)
                              .append(body(make_in, {kExnRefByte}))
                              .append(body(walk, {kExnRefByte, kI32Byte}))
                              .append(body(churn))
                              .append(body(clear))
                              .append(body(chain))
                              .append(body(value))
                              .append(body(hand_on))
                              .append(body(places, {kExnRefByte, kI32Byte}))
                              .append(body(outer, {kExnRefByte}))
                              .append(body(put))}});
}

class HeldExceptions : public testing::Test {
 protected:
  HeldExceptions() : main(group.add("main", holder(), linker())) {}
  Linker linker() {
    Linker result;
    result.define("host", "churn", [this](std::uint32_t count) -> Result<void> {
      auto done = try_call(main, "churn", {i32(count)});
      if (!done) return std::unexpected(std::move(done.error()));
      return {};
    });
    return result;
  }
  void reset() {
    const auto done = group.store.reset();
    ASSERT_TRUE(done.has_value()) << done.error().to_string();
  }
  Group group;
  Instance main;
};

TEST_F(HeldExceptions, StayWhereverAFrameHoldsThem) {
  ASSERT_TRUE(group.store.freeze().has_value());
  for (std::uint32_t id = 1; id < 4; ++id) {
    std::uint32_t sum = 0;
    for (std::uint32_t i = kMany; i-- > 0;) sum = sum * 31 + id + (i == 4 ? 0 : i);
    EXPECT_EQ(call(main, "places", {i32(id)}), i32(sum + 1 + id + 100));
    EXPECT_EQ(call(main, "outer", {i32(id)}), i32(id + id + 1)) << "the host calls the store again meanwhile";
    reset();
  }
}

TEST_F(HeldExceptions, StayInFramesAndGlobalsOfAnInstanceWithoutTags) {
  constexpr std::uint8_t e = kExnRefByte;
  // run (n, number): of table[0] and [1], one goes to the global, the other is an operand; both leave the table;
  // churns; the sum of all three numbers.
  const Code run = Code()
                       .i32(0)
                       .op(Op::kTableGet, 0)
                       .op(Op::kGlobalSet, 0)
                       .i32(1)
                       .op(Op::kTableGet, 0)
                       .i32(0)
                       .op(Op::kRefNull)
                       .byte(e)
                       .op(Op::kTableSet, 0)
                       .i32(1)
                       .op(Op::kRefNull)
                       .byte(e)
                       .op(Op::kTableSet, 0)
                       .get(0)
                       .call(0)
                       .call(1)
                       .op(Op::kGlobalGet, 0)
                       .call(1)
                       .op(Op::kI32Add)
                       .get(1)
                       .op(Op::kI32Add);
  const Instance user =
      group.add("user", raw_module({{1, Code()
                                            .byte(3)
                                            .byte(0x60)
                                            .byte(1)
                                            .byte(kI32Byte)
                                            .byte(0)
                                            .byte(0x60)
                                            .byte(1)
                                            .byte(e)
                                            .byte(1)
                                            .byte(kI32Byte)
                                            .byte(0x60)
                                            .byte(2)
                                            .byte(kI32Byte)
                                            .byte(kI32Byte)
                                            .byte(1)
                                            .byte(kI32Byte)},
                                    {2, Code()
                                            .byte(3)
                                            .name("main")
                                            .name("churn")
                                            .byte(0)
                                            .byte(0)
                                            .name("main")
                                            .name("value")
                                            .byte(0)
                                            .byte(1)
                                            .name("main")
                                            .name("table")
                                            .byte(1)
                                            .byte(e)
                                            .byte(0)
                                            .unsigned_leb(kSlots)},
                                    {3, Code().byte(1).byte(2)},
                                    {6, Code().byte(1).byte(e).byte(1).op(Op::kRefNull).byte(e).byte(0x0B)},
                                    {7, Code().byte(1).name("run").byte(0).byte(2)},
                                    {10, Code().byte(1).append(body(run))}}));
  for (std::uint32_t i = 0; i < 2; ++i) {
    call(main, "put", {i32(0), i32(300 + i)});
    call(main, "put", {i32(1), i32(50)});
    EXPECT_EQ(call(user, "run", {i32(60'000), i32(6)}), i32(356 + i));
  }
}

/// A list of exceptions, as the guest has them.
struct Node {
  std::uint32_t id;
  std::shared_ptr<Node> child;
  ~Node() {  // not recursively
    while (child && child.use_count() == 1) child = std::move(child->child);
  }
};

TEST_F(HeldExceptions, AreThoseThatCanBeReached) {
  ASSERT_TRUE(group.store.freeze().has_value());
  std::mt19937 random(7);
  const auto below = [&random](std::uint32_t count) { return static_cast<std::uint32_t>(random() % count); };
  std::array<std::shared_ptr<Node>, kSlots> slots;
  for (std::uint32_t id = 0; id < 1'500; ++id) {
    const std::uint32_t to = below(kSlots);
    const std::uint32_t from = below(kSlots);
    if (below(8) == 0) {
      call(main, "clear", {i32(to)});
      slots[to].reset();
    } else {
      call(main, "make", {i32(to), i32(id), i32(from)});
      slots[to] = std::make_shared<Node>(id, slots[from]);
    }
    if (below(30) == 0) call(main, "churn", {i32(1 + below(40'000))});
    const std::uint32_t at = below(kSlots);
    const std::uint32_t depth = below(6);
    const Node* node = slots[at].get();
    for (std::uint32_t i = 0; node != nullptr && i < depth; ++i) node = node->child.get();
    ASSERT_EQ(call(main, "walk", {i32(at), i32(depth)}), i32(node == nullptr ? ~0u : node->id)) << "step " << id;
  }
  reset();
}

TEST_F(HeldExceptions, AreAsManyInEachCallAndTrapPastThat) {
  ASSERT_TRUE(group.store.freeze().has_value());
  // Each takes 48 bytes; 48 MiB may be held.
  const auto fill = [this] {
    call(main, "chain", {i32(1'000'000)});
    EXPECT_EQ(call(main, "walk", {i32(0), i32(1'000)}), i32(1'001));
  };
  fill();
  call(main, "clear", {i32(0)});
  fill();
  const Error error = call_error(main, "chain", {i32(500'000)});
  EXPECT_EQ(error.trap, TrapKind::kExceptionsExhausted);
  EXPECT_EQ(error.message, "too many exceptions held by reference");
  reset();
  fill();
  reset();
}

TEST_F(HeldExceptions, ThatNobodyHoldsAreNoneHoweverManyThereWere) { call(main, "churn", {i32(2'000'000)}); }

}  // namespace
}  // namespace anew::test
