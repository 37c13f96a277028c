// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/handles.hpp"

#include <gtest/gtest.h>

#include "component/abi.hpp"
#include "guest.hpp"

namespace anew::component {
namespace {

constexpr ResourceId kFile = 0;
constexpr ResourceId kSocket = 1;

template <typename T>
void expect_trap(const Result<T>& result, std::string_view words) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTrap);
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
}

TEST(Handles, AreCountedFromOneAndGivenOutAgain) {
  HandleTable table;
  EXPECT_EQ(table.add_own(kFile, 42), 1u);
  EXPECT_EQ(table.add_own(kFile, 43), 2u);
  EXPECT_EQ(table.add_own(kSocket, 44), 3u);
  EXPECT_EQ(table.representation(kFile, 2), 43u);
  EXPECT_EQ(table.drop(kFile, 1).value(), std::optional<std::uint32_t>(42));
  EXPECT_EQ(table.drop(kSocket, 3).value(), std::optional<std::uint32_t>(44));
  EXPECT_EQ(table.add_own(kFile, 45), 3u);  // the one last dropped
  EXPECT_EQ(table.add_own(kFile, 46), 1u);
  EXPECT_EQ(table.add_own(kFile, 47), 4u);
}

TEST(Handles, OfTheHostsAreGoneBehindASnapshot) {
  constexpr std::uint32_t kImplementers[] = {kHost, 0};  // of files and sockets
  HandleTable table;
  ASSERT_TRUE(table.add_own(kFile, 42));
  ASSERT_TRUE(table.add_own(kSocket, 43));
  ASSERT_TRUE(table.add_own(kFile, 44));
  ASSERT_TRUE(table.drop(kFile, 3));
  table.forget_hosts(kImplementers);
  CallScope scope;
  EXPECT_EQ(table.lend(kSocket, 2, scope), 43u);
  expect_trap(table.lend(kFile, 1, scope), "from before the snapshot");
  expect_trap(table.take_own(kFile, 1), "from before the snapshot");
  EXPECT_EQ(table.add_own(kFile, 45), 3u);
  EXPECT_EQ(table.lend(kFile, 3, scope), 45u);
  EXPECT_EQ(table.drop(kFile, 1).value(), std::nullopt) << "nobody is told";
  EXPECT_EQ(table.add_own(kFile, 46), 1u);
  EXPECT_EQ(table.lend(kFile, 1, scope), 46u);
}

TEST(Handles, ThatAreNone) {
  HandleTable table;
  for (const std::uint32_t none : {0U, 1U, 0xFFFFFFFFU})
    expect_trap(table.representation(kFile, none), "none of that number");
  ASSERT_TRUE(table.add_own(kFile, 42));
  for (const std::uint32_t none : {0U, 2U, 0x10000001U, 0xFFFFFFFFU}) {
    CallScope scope;
    expect_trap(table.representation(kFile, none), "none of that number");
    expect_trap(table.take_own(kFile, none), "none of that number");
    expect_trap(table.lend(kFile, none, scope), "none of that number");
    expect_trap(table.drop(kFile, none), "none of that number");
    EXPECT_TRUE(scope.lent.empty());
  }
  EXPECT_EQ(table.take_own(kFile, 1), 42u);
  expect_trap(table.take_own(kFile, 1), "none of that number");
  expect_trap(table.drop(kFile, 1), "none of that number");
}

TEST(Handles, OfAnotherType) {
  HandleTable table;
  CallScope scope;
  ASSERT_TRUE(table.add_own(kFile, 42));
  expect_trap(table.representation(kSocket, 1), "another type");
  expect_trap(table.take_own(kSocket, 1), "another type");
  expect_trap(table.lend(kSocket, 1, scope), "another type");
  expect_trap(table.drop(kSocket, 1), "another type");
  EXPECT_EQ(table.representation(kFile, 1), 42u);
}

TEST(Handles, AreNotToBeHadWhileTheyAreLent) {
  HandleTable table;
  CallScope scope;
  ASSERT_TRUE(table.add_own(kFile, 42));
  EXPECT_EQ(table.lend(kFile, 1, scope), 42u);
  EXPECT_EQ(table.lend(kFile, 1, scope), 42u);
  expect_trap(table.take_own(kFile, 1), "lent");
  expect_trap(table.drop(kFile, 1), "lent");
  EXPECT_TRUE(end_scope(scope));
  EXPECT_TRUE(end_scope(scope));  // nothing left
  EXPECT_EQ(table.take_own(kFile, 1), 42u);
}

TEST(Handles, ThatAreBorrowedAreToBeDropped) {
  HandleTable table;
  CallScope scope;
  EXPECT_EQ(table.add_borrow(kFile, 42, scope), 1u);
  EXPECT_EQ(table.add_borrow(kFile, 43, scope), 2u);
  expect_trap(table.take_own(kFile, 1), "borrows");
  CallScope inner;  // what is borrowed can be lent further
  EXPECT_EQ(table.lend(kFile, 1, inner), 42u);
  expect_trap(table.drop(kFile, 1), "lent");
  EXPECT_TRUE(end_scope(inner));
  EXPECT_EQ(table.drop(kFile, 1).value(), std::optional<std::uint32_t>());
  expect_trap(end_scope(scope), "1 of the handles");
  EXPECT_EQ(table.drop(kFile, 2).value(), std::optional<std::uint32_t>());
  EXPECT_TRUE(end_scope(scope));
}

TEST(Handles, AreBounded) {
  HandleTable table;
  for (std::uint32_t k = 0; k < HandleTable::kMost; ++k) ASSERT_TRUE(table.add_own(kFile, k));
  expect_trap(table.add_own(kFile, 0), "1048576 handles");
  CallScope scope;
  expect_trap(table.add_borrow(kFile, 0, scope), "1048576 handles");
  EXPECT_EQ(scope.borrowed, 0u);
  ASSERT_TRUE(table.drop(kFile, 77));
  EXPECT_EQ(table.add_own(kFile, 0), 77u);
}

/// As the reference's test_handles: what a call takes and gives back.
TEST(Handles, PassThroughCalls) {
  TypeMaker make;
  Guest guest(make.types);
  const std::vector<std::uint32_t> implementers = {kHost, guest.side.instance};
  guest.side.implementers = implementers;
  const Type own = {Kind::kOwn, 0};
  const Type borrow = {Kind::kBorrow, 0};
  const Type borrow_own_one = {Kind::kBorrow, 1};  // of a resource that the guest defines
  const FunctionType type = {.parameters = TypeMaker::unnamed({own, own, borrow, borrow_own_one}), .result = own};
  const Values arguments = {Resource{42, true}, Resource{43, true}, Resource{44, false}, Resource{13, false}};
  std::vector<std::uint64_t> slots(4);
  ASSERT_TRUE(lower_parameters(guest.side, type, arguments, slots));
  EXPECT_EQ(slots, (std::vector<std::uint64_t>{1, 2, 3, 13}));
  EXPECT_EQ(guest.scope.borrowed, 1u);

  // The guest calls out with what it has.
  CallScope call;
  guest.side.scope = &call;
  const FunctionType out = {.parameters = TypeMaker::unnamed({borrow, borrow}), .result = own};
  EXPECT_EQ(lift_parameters(guest.side, out, std::vector<std::uint64_t>{1, 3}).value(),
            (Values{Resource{42, false, 0}, Resource{44, false, 0}}));
  expect_trap(guest.handles.drop(0, 1), "lent");
  std::vector<std::uint64_t> result(2);
  ASSERT_TRUE(lower_result(guest.side, out, Resource{45, true}, result));
  EXPECT_EQ(result[0], 4u);
  ASSERT_TRUE(end_scope(call));
  EXPECT_EQ(guest.handles.drop(0, 1).value(), std::optional<std::uint32_t>(42));

  guest.side.scope = &guest.scope;
  EXPECT_EQ(guest.handles.drop(0, 3).value(), std::optional<std::uint32_t>());
  EXPECT_TRUE(end_scope(guest.scope));
  EXPECT_EQ(lift_result(guest.side, type, std::vector<std::uint64_t>{4}).value(), Value(Resource{45, true, 0}));
  expect_trap(lift_result(guest.side, type, std::vector<std::uint64_t>{4}), "none of that number");
}

TEST(Handles, AreGivenAwayByTheirOwnersOnly) {
  Types types;
  Guest guest(types);
  const auto refused = [&](Type type, const Resource& resource) {
    const auto lowered = guest.lower(type, resource);
    return lowered ? std::string("nothing") : lowered.error().message;
  };
  EXPECT_EQ(refused({Kind::kOwn, 0}, {7, false}),
            "argument \"it\": the resource is not owned, and so cannot be given away");
  EXPECT_EQ(refused({Kind::kBorrow, 0}, {7, true}), "nothing");
  EXPECT_EQ(refused({Kind::kOwn, 0}, {7, true, 0}), "nothing");
  EXPECT_EQ(refused({Kind::kOwn, 0}, {7, true, 1}),
            "argument \"it\": expected own<resource-0>, and the resource is of another type");
}

}  // namespace
}  // namespace anew::component
