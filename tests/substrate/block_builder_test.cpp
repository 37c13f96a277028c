// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Blocks that runtimes build, and then execute.
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <string>
#include <vector>

#include "host/substrate/hashing.hpp"
#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"
#include "support/wat.hpp"

namespace anew::substrate {
namespace {

/// What is different between chains whose first block is built.
struct Chain {
  const char* name;
  StateVersion state_version;
  InherentData (*heads)(const Hash& parent_root);  ///< inherent data of parachains
  const char* address_prefix;                      ///< of an account's identifier
};
void PrintTo(const Chain& chain, std::ostream* stream) { *stream << chain.name; }

Bytes genesis_header(const Hash& root) {
  return join({Bytes(32), from_hex("00"), to_bytes(root),
               from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"), from_hex("00")});
}

class BlockBuilderTest : public testing::TestWithParam<Chain> {
 protected:
  void SetUp() override {
    state = genesis_of(GetParam().name, GetParam().state_version);
    start.parent_hash = blake2b_256(genesis_header(state.root()));
    start.number = 1;
    start.digest = {babe_pre_digest(kSlot, 0)};
    inherents = inherent_timestamp(kSlot * 6000);
    inherents.merge(GetParam().heads(state.root()));
  }
  [[nodiscard]] BlockBuilder begin() const { return BlockBuilder::begin(executor, state, start).value(); }
  /// A block with its inherents alone.
  [[nodiscard]] static BlockOutcome finish_with(BlockBuilder& builder, const std::vector<Bytes>& extrinsics) {
    for (const Bytes& extrinsic : extrinsics) {
      const auto applied = builder.apply(extrinsic);
      EXPECT_TRUE(applied) << applied.error().to_string();
      EXPECT_TRUE(applied->succeeded) << applied->reason;
    }
    auto built = builder.finish();
    EXPECT_TRUE(built) << built.error().to_string();
    return built.value_or(BlockOutcome{});
  }

  static constexpr std::uint64_t kSlot = 270'000'000;

  const Executor executor{Engine({.cache = false})};
  MemoryState state;
  BlockStart start;
  InherentData inherents;
};

TEST_P(BlockBuilderTest, BuildsWhatTheRuntimeThenExecutes) {
  BlockBuilder builder = begin();
  const auto extrinsics = builder.inherent_extrinsics(inherents);
  ASSERT_TRUE(extrinsics) << extrinsics.error().to_string();
  EXPECT_EQ(extrinsics->size(), 2u) << "the time and the parachains' heads";
  const BlockOutcome built = finish_with(builder, *extrinsics);
  EXPECT_EQ(built.block.header.number, 1u);
  EXPECT_EQ(built.block.extrinsics, *extrinsics);

  const auto executed = executor.execute_block(state, built.block.executable());
  ASSERT_TRUE(executed) << executed.error().to_string();
  EXPECT_EQ(executed->state_root, built.state_root);
  EXPECT_EQ(executed->block.hash, built.block.hash);
  EXPECT_EQ(state.with(built.changes, built.state_version)->root(), built.state_root);
  EXPECT_EQ(builder.finish().error().code, ErrorCode::kArgument) << "it is finished";
  EXPECT_EQ(builder.apply({}).error().code, ErrorCode::kArgument);
}

// docs/embedding.md quotes it.
TEST_P(BlockBuilderTest, AuthorsABlock) {
  const std::vector<Bytes> transactions = {from_hex("ff")};
  const auto author = [&]() -> Result<BlockOutcome> {
    auto builder = BlockBuilder::begin(executor, state, {start.parent_hash, 1, {babe_pre_digest(kSlot, 0)}});
    if (!builder) return std::unexpected(builder.error());
    const auto inherent_extrinsics = builder->inherent_extrinsics(inherents);
    if (!inherent_extrinsics) return std::unexpected(inherent_extrinsics.error());
    for (const Bytes& extrinsic : *inherent_extrinsics)
      if (const auto applied = builder->apply(extrinsic); !applied) return std::unexpected(applied.error());
    for (const Bytes& extrinsic : transactions)
      (void)builder->apply(extrinsic);  // one that traps or is refused leaves no trace
    return builder->finish();
  };
  const auto built = author();
  ASSERT_TRUE(built) << built.error().to_string();
  EXPECT_TRUE(executor.execute_block(state, built->block.executable()));
}

TEST_P(BlockBuilderTest, LeavesOutWhatIsRefusedWithoutATrace) {
  BlockBuilder plain = begin();
  const std::vector<Bytes> extrinsics = plain.inherent_extrinsics(inherents).value();
  const BlockOutcome expected = finish_with(plain, extrinsics);

  BlockBuilder builder = begin();
  EXPECT_EQ(builder.inherent_extrinsics(inherents).value(), extrinsics);
  // System.remark of no bytes, whose signature is none.
  const auto refused = builder.apply(join({from_hex("84"), from_hex(GetParam().address_prefix), Bytes(32, std::byte{9}),
                                           from_hex("01"), Bytes(64), from_hex("00 00 00 00 01 00")}));
  ASSERT_TRUE(refused) << refused.error().to_string();
  EXPECT_FALSE(refused->included);
  EXPECT_FALSE(refused->succeeded);
  EXPECT_EQ(refused->result, from_hex("01 00 04"));
  EXPECT_EQ(refused->reason, "its signature or proof is bad");
  for (const char* garbage : {"", "ff", "84 00 00", "04 ff ff ff"}) {
    const auto applied = builder.apply(from_hex(garbage));
    EXPECT_TRUE(!applied || !applied->included) << garbage;
  }
  const BlockOutcome built = finish_with(builder, extrinsics);
  EXPECT_EQ(built.block.hash, expected.block.hash);
  EXPECT_EQ(built.state_root, expected.state_root);
}

TEST_P(BlockBuilderTest, ForksGoTheirOwnWays) {
  BlockBuilder builder = begin();
  const std::vector<Bytes> extrinsics = builder.inherent_extrinsics(inherents).value();
  auto fork = builder.externalities().fork();
  ASSERT_TRUE(fork) << fork.error().to_string();
  const BlockOutcome built = finish_with(builder, extrinsics);
  for (const Bytes& extrinsic : extrinsics) {
    Bytes argument = {static_cast<std::byte>(extrinsic.size() << 2)};
    if (extrinsic.size() >= 64)
      argument = {static_cast<std::byte>(extrinsic.size() << 2 | 1), static_cast<std::byte>(extrinsic.size() >> 6)};
    const auto applied = executor.call(state, *fork, "BlockBuilder_apply_extrinsic", join({argument, extrinsic}));
    ASSERT_TRUE(applied) << applied.error().to_string();
    EXPECT_EQ(*applied, from_hex("0000"));
  }
  const auto header = executor.call(state, *fork, "BlockBuilder_finalize_block", {});
  ASSERT_TRUE(header) << header.error().to_string();
  EXPECT_EQ(decode_block(join({*header, Bytes(1)}))->hash, built.block.hash);
}

// Before 2021 the relay chain's runtimes asked for new heads of parachains, later for a view of all that they did.
INSTANTIATE_TEST_SUITE_P(
    Chains, BlockBuilderTest,
    testing::Values(
        Chain{"polkadot", StateVersion::kV0,
              [](const Hash&) { return InherentData{{{'n', 'e', 'w', 'h', 'e', 'a', 'd', 's'}, from_hex("00")}}; }, ""},
        Chain{"rococo", StateVersion::kV0,
              [](const Hash& root) {
                return InherentData{
                    {{'p', 'a', 'r', 'a', 'c', 'h', 'n', '0'}, join({from_hex("00 00 00"), genesis_header(root)})}};
              },
              "00"}),
    [](const auto& test) { return test.param.name; });

TEST(BlockBuilder, RefusesAnAbsurdDigest) {
  const MemoryState nothing;
  const Executor executor(Engine({.cache = false}));
  BlockStart start;
  start.digest.assign(1025, from_hex("08"));
  EXPECT_EQ(BlockBuilder::begin(executor, nothing, start).error().code, ErrorCode::kArgument);
  start.digest.clear();
  EXPECT_EQ(BlockBuilder::begin(executor, nothing, start).error().code, ErrorCode::kNotFound);
}

/// What a runtime of the given results makes a builder say. Each is what the entry point returns, in hexadecimal.
MemoryState state_that_answers(const std::string& apply, const std::string& inherents, const std::string& header) {
  const auto data = [](const std::string& hex) {
    std::string text;
    for (std::size_t i = 0; i < hex.size(); i += 2) text += "\\" + hex.substr(i, 2);
    return text;
  };
  const auto result = [](int address, const std::string& hex) {
    return std::to_string(static_cast<std::uint64_t>(hex.size() / 2) << 32 | static_cast<unsigned>(address));
  };
  const Bytes code =
      test::wat(R"((module (import "env" "memory" (memory 1)) (global (export "__heap_base") i32 (i32.const 4096))
    (data (i32.const 0) ")" +
                data(apply) + R"(") (data (i32.const 1000) ")" + data(inherents) + R"(") (data (i32.const 2000) ")" +
                data(header) + R"(")
    (func (export "Core_initialize_block") (param i32 i32) (result i64) (i64.const 0))
    (func (export "BlockBuilder_apply_extrinsic") (param i32 i32) (result i64) (i64.const )" +
                result(0, apply) + R"())
    (func (export "BlockBuilder_inherent_extrinsics") (param i32 i32) (result i64) (i64.const )" +
                result(1000, inherents) + R"())
    (func (export "BlockBuilder_finalize_block") (param i32 i32) (result i64) (i64.const )" +
                result(2000, header) + R"())))");
  StateChanges changes;
  changes.top[from_text(":code")] = std::make_shared<const Bytes>(code);
  return MemoryState().with(changes, StateVersion::kV0).value();
}

TEST(BlockBuilder, SaysWhatTheRuntimeAnswered) {
  const Executor executor(Engine({.cache = false}), {.runtime = {.heap_pages = 16}});
  struct Answer {
    const char* result;
    bool included;
    bool succeeded;
    const char* reason;
  };
  for (const auto& [result, included, succeeded, reason] :
       {Answer{"0000", true, true, ""},
        Answer{"00010305070000", true, false, "its call failed with error 7 of pallet 5"},
        Answer{"000102", true, false, "its call failed with dispatch error 2"},
        Answer{"010003", false, false, "it is outdated: its nonce is too low"},
        Answer{"01000709", false, false, "it is invalid, with the runtime's own number 9"},
        Answer{"01000d", false, false, "it is refused, with number 13"},
        Answer{"010100", false, false, "something that it needs cannot be looked up"},
        Answer{"01010204", false, false, "its validity is unknown, with the runtime's own number 4"}}) {
    const MemoryState state = state_that_answers(result, "00", "00");
    BlockBuilder builder = BlockBuilder::begin(executor, state, {}).value();
    const auto outcome = builder.apply({});
    ASSERT_TRUE(outcome) << result << " " << outcome.error().to_string();
    EXPECT_EQ(outcome->included, included) << result;
    EXPECT_EQ(outcome->succeeded, succeeded) << result;
    EXPECT_EQ(outcome->reason, reason) << result;
  }
  for (const char* result : {"", "02", "00", "01", "0102", "010200", "0100", "010007", "0001"}) {
    const MemoryState state = state_that_answers(result, "0404", std::string(2 * 98, '0'));
    BlockBuilder builder = BlockBuilder::begin(executor, state, {}).value();
    EXPECT_EQ(builder.apply({}).error().code, ErrorCode::kMalformed) << result;
    EXPECT_EQ(builder.inherent_extrinsics({}).error().code, ErrorCode::kMalformed);
    EXPECT_EQ(builder.externalities().rollback_transaction().error().code, ErrorCode::kArgument) << "none is open";
    // A header of nothing: its root is another than the state's.
    EXPECT_EQ(builder.finish().error().code, ErrorCode::kHost);
  }
  const MemoryState longer = state_that_answers("0000", "00", std::string(2 * 99, '0'));
  EXPECT_EQ(BlockBuilder::begin(executor, longer, {})->finish().error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace anew::substrate
