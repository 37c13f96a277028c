// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Real blocks, executed by the runtimes of their chains: they recompute the state root, so that a block is accepted
// only if every bit of the new state is as on the chain.
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <string>
#include <thread>
#include <vector>

#include "host/substrate/scale.hpp"
#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"

namespace anew::substrate {
namespace {

/// What is different in the blocks of the two chains.
struct BlockCase {
  const char* chain;
  const char* other;
  const char* root_1;
  const char* extrinsics_root_1;
  std::size_t slot_offset;  ///< in the data of the BABE pre-runtime digest
  /// Where the block has a VRF proof, 64 bytes: runtimes leave it, as the seal, to the node's consensus. 0: it has
  /// none.
  std::size_t vrf_proof;
};
void PrintTo(const BlockCase& block, std::ostream* stream) { *stream << block.chain; }

class BlockTest : public testing::TestWithParam<BlockCase> {
 protected:
  void SetUp() override {
    encoded = read_block_1(GetParam().chain);
    state = genesis_of(GetParam().chain);
  }
  [[nodiscard]] Result<BlockOutcome> execute(const Bytes& block) const { return executor.execute_block(state, block); }
  [[nodiscard]] PoolStatistics statistics() const { return executor.runtime(state)->pool().statistics(); }

  const Executor executor{Engine({.cache = false}), {.runtime = {.audit_every = 1}}};
  Bytes encoded;
  MemoryState state;
};

TEST_P(BlockTest, IsAccepted) {
  const auto outcome = execute(encoded);
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->block.header.number, 1u);
  EXPECT_EQ(to_bytes(outcome->state_root), from_hex(GetParam().root_1));
  EXPECT_EQ(outcome->block.extrinsics.size(), 2u);
  EXPECT_TRUE(outcome->changes.children.empty());
  EXPECT_TRUE(outcome->offchain_index.empty());

  const auto next = state.with(outcome->changes, outcome->state_version);
  ASSERT_TRUE(next) << next.error().to_string();
  EXPECT_EQ(next->root(), outcome->state_root);
  const auto again = executor.execute_block(*next, encoded);
  ASSERT_FALSE(again) << "the block does not fit on itself";
}

TEST_P(BlockTest, HasTheSameOutcomeEachTime) {
  const auto first = execute(encoded);
  ASSERT_TRUE(first) << first.error().to_string();
  const auto values = [](const BlockOutcome& outcome) {
    std::map<Bytes, Bytes> map;
    for (const auto& [key, value] : outcome.changes.top) map[key] = value != nullptr ? *value : from_text("(removed)");
    return map;
  };
  for (int i = 0; i < 10; ++i) {
    const auto outcome = execute(encoded);
    ASSERT_TRUE(outcome) << outcome.error().to_string();
    EXPECT_EQ(values(*outcome), values(*first));
  }
  EXPECT_EQ(statistics().audited, 11u);
  EXPECT_EQ(statistics().audit_failures, 0u);
}

TEST_P(BlockTest, IsRefusedWithAnyByteChanged) {
  const Executor rarely_audited(Engine({.cache = false}), {.runtime = {.audit_every = 100}});
  const std::size_t proof = GetParam().vrf_proof;
  std::size_t by_runtime = 0;
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    for (const std::byte change : {std::byte{0x01}, std::byte{0x80}}) {
      SCOPED_TRACE(i);
      Bytes changed = encoded;
      changed[i] ^= change;
      const auto outcome = rarely_audited.execute_block(state, changed);
      if (outcome && proof != 0 && i >= proof && i < proof + 64) {
        ++accepted;
        continue;
      }
      ASSERT_FALSE(outcome);
      if (outcome.error().code == ErrorCode::kMalformed) continue;  // a length, most often
      ++by_runtime;
      ASSERT_EQ(outcome.error().code, ErrorCode::kTrap) << outcome.error().to_string();
      EXPECT_NE(outcome.error().message.find("the runtime said: "), std::string::npos) << outcome.error().to_string();
    }
  }
  EXPECT_GT(by_runtime, encoded.size());
  EXPECT_EQ(accepted > 0, proof != 0) << "is the proof where it is said to be?";
  const auto outcome = rarely_audited.execute_block(state, encoded);
  EXPECT_TRUE(outcome) << "the next one is as new";
  const PoolStatistics statistics = rarely_audited.runtime(state)->pool().statistics();
  EXPECT_GT(statistics.audited, 5u);
  EXPECT_EQ(statistics.audit_failures, 0u);
}

TEST_P(BlockTest, IsRefusedIfItIsCutShortOrGoesOn) {
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    const auto outcome = execute(Bytes(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(size)));
    ASSERT_FALSE(outcome) << size;
    EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed) << size;
  }
  const auto longer = execute(join({encoded, Bytes(1)}));
  ASSERT_FALSE(longer);
  EXPECT_NE(longer.error().message.find("goes on behind the block"), std::string::npos) << longer.error().to_string();
}

TEST_P(BlockTest, OfAnotherChainIsRefused) {
  const auto outcome = execute(read_block_1(GetParam().other));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kTrap);
  EXPECT_NE(outcome.error().message.find("the runtime said: "), std::string::npos) << outcome.error().to_string();
}

TEST_P(BlockTest, IsRefusedOnAStateThatDiffersInOneValue) {
  StateChanges changes;
  changes.top[from_text("one more key")] = std::make_shared<const Bytes>();
  const auto outcome = executor.execute_block(state.with(changes, StateVersion::kV0).value(), encoded);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("Storage root must match"), std::string::npos) << outcome.error().to_string();
}

/// A block with another header and other extrinsics.
Bytes encode(const Header& header, const std::vector<Bytes>& extrinsics) {
  return Block{.header = header, .extrinsics = extrinsics}.executable();
}

TEST_P(BlockTest, HasItsSealSetAside) {
  Block block = decode_block(encoded).value();
  EXPECT_FALSE(block.sealed);
  DigestItem seal;
  seal.encoded = join({from_hex("05"), from_text("BABE"), from_hex("0101"), Bytes(64, std::byte{7})});
  block.header.digest.push_back(seal);
  const auto outcome = execute(encode(block.header, block.extrinsics));
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_TRUE(outcome->block.sealed);
  EXPECT_EQ(outcome->block.header.digest.back().engine, (std::array<std::uint8_t, 4>{'B', 'A', 'B', 'E'}));
  EXPECT_EQ(to_bytes(outcome->block.header.digest.back().data), Bytes(64, std::byte{7}));
  EXPECT_NE(outcome->block.hash, decode_block(encoded)->hash);
  EXPECT_EQ(outcome->block.executable(), encoded);

  block.header.digest.push_back(seal);
  const auto twice = execute(encode(block.header, block.extrinsics));
  ASSERT_FALSE(twice) << "one is the node's, the other the runtime's to refuse";
  EXPECT_NE(twice.error().message.find("Number of digest items must match"), std::string::npos);
}

TEST_P(BlockTest, WithAnAbsurdDigestIsMalformed) {
  Block block = decode_block(encoded).value();
  DigestItem item;
  item.encoded = from_hex("08");
  block.header.digest.assign(1024, item);
  EXPECT_TRUE(decode_block(encode(block.header, {})));
  block.header.digest.push_back(item);
  const auto refused = decode_block(encode(block.header, {}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kMalformed);
}

/// Adds to a little-endian number.
void add(Bytes& bytes, std::size_t offset, unsigned amount) {
  for (; amount != 0; ++offset) {
    amount += std::to_integer<unsigned>(bytes[offset]);
    bytes[offset] = static_cast<std::byte>(amount);  // the low byte
    amount >>= 8;
  }
}

// A node that authors shares one set of externalities among several calls, then executes what it built.
TEST_P(BlockTest, IsFollowedByOneThatTheRuntimeBuilds) {
  const auto first = execute(encoded);
  ASSERT_TRUE(first) << first.error().to_string();
  const MemoryState parent = state.with(first->changes, first->state_version).value();

  // Block 1 a slot later, 6 seconds.
  Block block = first->block;
  block.header.parent_hash = block.hash;
  block.header.number = 2;
  block.header.digest.resize(1);
  add(block.header.digest[0].encoded,
      1 + 4 + (block.header.digest[0].data.size() < 64 ? 1 : 2) + GetParam().slot_offset, 1);
  add(block.extrinsics[0], 4, 6000);

  Externalities externalities(parent);
  const auto call = [&](std::string_view method, const Bytes& arguments) {
    auto result = executor.call(parent, externalities, method, arguments);
    EXPECT_TRUE(result) << method << ": " << result.error().to_string();
    return result.value_or(Bytes{});
  };
  Bytes header = encode(block.header, {});
  header.pop_back();  // the number of extrinsics
  EXPECT_EQ(call("Core_initialize_block", header), Bytes{});
  for (const Bytes& extrinsic : block.extrinsics) {
    Bytes argument;
    append_bytes(argument, extrinsic);
    EXPECT_EQ(call("BlockBuilder_apply_extrinsic", argument), from_hex("0000")) << "Ok(Ok(()))";
  }
  const Bytes finalized = call("BlockBuilder_finalize_block", {});
  const auto built = decode_block(join({finalized, Bytes(1)}));
  ASSERT_TRUE(built) << built.error().to_string();
  EXPECT_EQ(built->header.number, 2u);
  EXPECT_EQ(to_bytes(built->header.parent_hash), to_bytes(block.header.parent_hash));
  EXPECT_EQ(externalities.root(StateVersion::kV0).value(), built->header.state_root);

  const auto second = executor.execute_block(parent, encode(built->header, block.extrinsics));
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ(second->state_root, built->header.state_root);
  EXPECT_EQ(parent.with(externalities.changes(), StateVersion::kV0)->root(), second->state_root);
  EXPECT_FALSE(execute(encode(built->header, block.extrinsics))) << "not on genesis";
  EXPECT_EQ(statistics().audit_failures, 0u);
}

TEST(Blocks, AreExecutedOnManyThreadsAtOnce) {
  const Executor executor(Engine({.cache = false}), {.runtime = {.capacity = 2}});
  const MemoryState genesis = genesis_of("kusama");
  const Bytes block = read_block_1("kusama");
  std::vector<std::string> failures(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& failure : failures) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10 && failure.empty(); ++i) {
          const auto outcome = executor.execute_block(genesis, block);
          if (!outcome) failure = outcome.error().to_string();
        }
      });
    }
  }
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

INSTANTIATE_TEST_SUITE_P(
    Chains, BlockTest,
    testing::Values(BlockCase{"polkadot", "kusama", "c56fcd6e7a757926ace3e1ecff9b4010fc78b90d459202a339266a7f6360002f",
                              "9a87f6af64ef97aff2d31bebfdd59f8fe2ef6019278b634b2515a38f1c4c2420", 5, 150},
                    BlockCase{"kusama", "polkadot", "fabb0c6e92d29e8bb2167f3c6fb0ddeb956a4278a3cf853661af74a076fc9cb7",
                              "a35fb7f7616f5c979d48222b3d2fa7cb2331ef73954726714d91ca945cc34fd8", 5, 0}),
    [](const auto& test) { return test.param.chain; });

}  // namespace
}  // namespace anew::substrate
