// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runtimes found by the states that hold them. What blocks do is in blocks_test.cpp.
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "host/substrate/code_blob.hpp"
#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"
#include "substrate/guest.hpp"

namespace anew::substrate {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Engine engine() { return Engine({.cache = false}); }

StorageValue value_of(Bytes bytes) { return std::make_shared<const Bytes>(std::move(bytes)); }

MemoryState with(const MemoryState& state, std::string_view key, StorageValue value) {
  StateChanges changes;
  changes.top[from_text(key)] = std::move(value);
  auto next = state.with(changes, StateVersion::kV0);
  EXPECT_TRUE(next) << next.error().to_string();
  return std::move(next.value());
}

MemoryState state_of(const Bytes& code) { return with(MemoryState(), ":code", value_of(code)); }

/// What "answer" says, as a byte; "upgrade" makes its arguments the new ":code"; "fail" does so too, and then traps;
/// "forever" never returns.
Bytes code_of(std::uint8_t answer) {
  // Writes ":code" at address 16, and stores the arguments under it.
  const Bytes store_code = join(
      {from_hex("41 10 42 ba c6 bd a3 d6 0c 37 03 00 42 90 80 80 80 d0 00"), packed_arguments(), from_hex("10 00")});
  return Guest{.imports = {{"ext_storage_set_version_1", GuestType::kStore}},
               .entries = {{"answer", join({from_hex("41 10 41"),
                                            {std::byte{answer}},  // less than 64: one byte of LEB128
                                            from_hex("3a 00 00 41 10 41 01"),
                                            pack()})},
                           {"upgrade", join({store_code, from_hex("42 00")})},
                           {"fail", join({store_code, from_hex("00")})},
                           {"forever", from_hex("03 40 0c 00 0b 42 00")}}}
      .binary();
}

Bytes result_of(const Executor& executor, const StateBackend& state, std::string_view method,
                const Bytes& arguments = {}) {
  const auto outcome = executor.call(state, method, arguments);
  EXPECT_TRUE(outcome) << outcome.error().to_string();
  return outcome ? outcome->result : Bytes{};
}

Bytes answer_of(const Executor& executor, const StateBackend& state) { return result_of(executor, state, "answer"); }

Error error_of(const Executor& executor, const StateBackend& state, std::string_view method = "answer") {
  const auto outcome = executor.call(state, method, {});
  EXPECT_FALSE(outcome);
  return outcome ? Error{} : outcome.error();
}

void expect_error(const Error& error, ErrorCode code, std::string_view part) {
  EXPECT_EQ(error.code, code) << error.to_string();
  EXPECT_NE(error.message.find(part), std::string::npos) << error.to_string();
}

std::uint64_t memory_of(const Executor& executor, const StateBackend& state) {
  const auto runtime = executor.runtime(state);
  EXPECT_TRUE(runtime) << runtime.error().to_string();
  auto lease = runtime->pool().acquire();
  EXPECT_TRUE(lease) << lease.error().to_string();
  return lease->memory().size();
}

std::string spec_name(const Bytes& encoded) {
  const auto version = decode_version(encoded);
  EXPECT_TRUE(version) << version.error().to_string();
  return version ? version->spec_name : "";
}

TEST(Executor, ARuntimeThatReplacesItselfCountsFromTheNextStateOn) {
  const Executor executor(engine(), {.runtime = {.audit_every = 1}});
  const MemoryState before = state_of(code_of(1));
  const auto upgrade = executor.call(before, "upgrade", code_of(2));
  ASSERT_TRUE(upgrade) << upgrade.error().to_string();
  ASSERT_EQ(upgrade->changes.top.size(), 1u);
  EXPECT_EQ(*upgrade->changes.top.at(from_text(":code")), code_of(2));

  const auto after = before.with(upgrade->changes, StateVersion::kV0);
  ASSERT_TRUE(after) << after.error().to_string();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(answer_of(executor, before), from_hex("01")) << "the old state holds the old one";
    EXPECT_EQ(answer_of(executor, *after), from_hex("02"));
  }
  EXPECT_EQ(executor.statistics().compilations, 2u);
  EXPECT_EQ(executor.statistics().pools, 2u);

  const auto back = with(*after, ":code", value_of(code_of(1)));
  EXPECT_EQ(answer_of(executor, back), from_hex("01"));
  EXPECT_EQ(executor.statistics().compilations, 2u) << "the old one was kept";
}

TEST(Executor, WithinABlockTheRuntimeIsThatOfItsParent) {
  const Executor executor(engine());
  const MemoryState state = state_of(code_of(1));
  Externalities externalities(state);
  ASSERT_TRUE(executor.call(state, externalities, "upgrade", code_of(2)));
  EXPECT_EQ(**externalities.get(from_text(":code")), code_of(2));
  EXPECT_EQ(executor.call(state, externalities, "answer", {}), from_hex("01"));
}

TEST(Executor, ACallThatTrapsChangesNothing) {
  const Executor executor(engine());
  const MemoryState state = state_of(code_of(1));
  Externalities externalities(state);
  (void)externalities.set(from_text("key"), value_of(from_text("value")));
  const auto failed = executor.call(state, externalities, "fail", code_of(2));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().trap, TrapKind::kUnreachable) << failed.error().to_string();
  const StateChanges changes = externalities.changes();
  ASSERT_EQ(changes.top.size(), 1u);
  EXPECT_EQ(*changes.top.at(from_text("key")), from_text("value"));
}

TEST(Executor, ARealChainIsUpgradedToAnothersRuntimeAndBack) {
  const Executor executor(engine(), {.runtime = {.audit_every = 1}});
  const MemoryState westend = genesis_of("westend");
  const MemoryState upgraded = with(westend, ":code", value_of(read_spec("rococo").code()));  // compressed
  const Bytes version = result_of(executor, westend, "Core_version");
  EXPECT_EQ(spec_name(version), "westend");
  EXPECT_EQ(spec_name(result_of(executor, upgraded, "Core_version")), "rococo");
  const Bytes account(32);
  EXPECT_EQ(result_of(executor, upgraded, "AccountNonceApi_account_nonce", account), Bytes(4));
  EXPECT_EQ(result_of(executor, westend, "AccountNonceApi_account_nonce", account), Bytes(4));
  EXPECT_EQ(result_of(executor, westend, "Core_version"), version);
  EXPECT_EQ(result_of(executor, with(upgraded, ":code", value_of(read_spec("westend").code())), "Core_version"),
            version);
  EXPECT_EQ(executor.statistics().compilations, 2u);
}

TEST(Executor, KeepsManyChainsRuntimesAtOnce) {
  const Executor executor(engine());
  const std::vector<std::string> chains = {"polkadot", "kusama", "westend", "rococo", "rococo-asset-hub"};
  std::map<std::string, MemoryState> states;
  for (const std::string& chain : chains) states.emplace(chain, genesis_of(chain));
  for (int round = 0; round < 2; ++round) {
    for (const auto& [chain, state] : states) {
      const auto runtime = executor.runtime(state);
      ASSERT_TRUE(runtime) << runtime.error().to_string();
      const auto version = runtime->version();
      ASSERT_TRUE(version) << version.error().to_string();
      EXPECT_EQ(version->spec_name, chain == "rococo-asset-hub" ? "statemine" : chain);
      EXPECT_EQ(decode_version(result_of(executor, state, "Core_version")), *version)
          << "what the asset hub's custom sections say, too";
    }
  }
  const PoolCacheStatistics statistics = executor.statistics();
  EXPECT_EQ(statistics.compilations, chains.size());
  EXPECT_EQ(statistics.misses, chains.size());
  EXPECT_EQ(statistics.pools, chains.size());
  EXPECT_EQ(statistics.hits, 3 * chains.size());
}

TEST(Executor, StatesWithTheSameCodeShareItsRuntime) {
  const Executor executor(engine());
  const MemoryState state = state_of(code_of(1));
  const MemoryState other = with(state, "key", value_of(from_text("value")));
  const MemoryState again = state_of(code_of(1));  // equal, but another value
  for (const MemoryState* each : {&state, &other, &again}) EXPECT_EQ(answer_of(executor, *each), from_hex("01"));
  EXPECT_EQ(executor.statistics().pools, 1u);

  const MemoryState larger = with(state, ":heappages", value_of(from_hex("4000000000000000")));
  EXPECT_EQ(answer_of(executor, larger), from_hex("01"));
  EXPECT_EQ(executor.statistics().pools, 2u) << "of other heap pages, so with other instances";
  EXPECT_EQ(executor.statistics().compilations, 1u);
}

TEST(Executor, RuntimesThatDoNotFitAreDroppedAndMadeAgain) {
  const Executor executor(engine(), {.maximum_bytes = 1});
  const MemoryState one = state_of(code_of(1));
  const MemoryState two = state_of(code_of(2));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(answer_of(executor, one), from_hex("01"));
    EXPECT_EQ(answer_of(executor, two), from_hex("02"));
  }
  EXPECT_EQ(executor.statistics().compilations, 6u);
  EXPECT_EQ(executor.statistics().evictions, 5u);
  EXPECT_EQ(executor.statistics().pools, 1u);

  const auto held = executor.runtime(one);
  ASSERT_TRUE(held) << held.error().to_string();
  EXPECT_EQ(answer_of(executor, two), from_hex("02"));
  EXPECT_EQ(held->call("answer", {}), from_hex("01"));
  EXPECT_EQ(answer_of(executor, one), from_hex("01"));
  EXPECT_EQ(executor.statistics().compilations, 8u) << "what somebody holds is not dropped";
}

TEST(Executor, HeapPagesAreTheStatesOrThoseOfItsOptions) {
  const Executor executor(engine(), {.runtime = {.heap_pages = 7}});
  const MemoryState state = state_of(code_of(1));
  EXPECT_EQ(memory_of(executor, state), (2u + 7) * 65'536) << "the guest has 2 pages of its own";
  EXPECT_EQ(memory_of(executor, with(state, ":heappages", value_of(from_hex("2c01000000000000")))),
            (2u + 300) * 65'536);
  EXPECT_EQ(memory_of(executor, with(state, ":heappages", value_of(Bytes(8)))), 2u * 65'536);
  EXPECT_EQ(memory_of(Executor(engine()), state), (2u + kDefaultHeapPages) * 65'536);
}

// As in Substrate, for what a state says is consensus.
TEST(Executor, HeapPagesThatDoNotDecodeCountAsNone) {
  const Executor executor(engine(), {.runtime = {.heap_pages = 7}});
  const MemoryState state = state_of(code_of(1));
  for (const std::size_t size : {0u, 4u, 7u}) {
    EXPECT_EQ(memory_of(executor, with(state, ":heappages", value_of(Bytes(size)))), (2u + 7) * 65'536) << size;
  }
  for (const char* pages : {"2c01000000000000 00", "2c01000000000000 ffff", "2c01000001000000"}) {
    EXPECT_EQ(memory_of(executor, with(state, ":heappages", value_of(from_hex(pages)))), (2u + 300) * 65'536) << pages;
  }
}

TEST(Executor, HeapPagesThatDoNotFitAreRefused) {
  const Executor executor(engine());
  const MemoryState state = state_of(code_of(1));
  for (const char* pages : {"ffff000000000000", "ffffffffffffffff"}) {
    const Error error = error_of(executor, with(state, ":heappages", value_of(from_hex(pages))));
    EXPECT_EQ(error.code, ErrorCode::kArgument) << pages << ": " << error.to_string();
  }
  EXPECT_EQ(answer_of(executor, state), from_hex("01"));
}

TEST(Executor, AStateWithoutCodeIsRefused) {
  const Executor executor(engine());
  const MemoryState westend = genesis_of("westend");
  for (const MemoryState& state : {MemoryState(), with(westend, ":code", nullptr)}) {
    expect_error(error_of(executor, state, "Core_version"), ErrorCode::kNotFound, "no key 0x3a636f6465 (\":code\")");
    EXPECT_FALSE(executor.runtime(state));
    const auto block = executor.execute_block(state, Bytes(99));
    ASSERT_FALSE(block);
    EXPECT_EQ(block.error().code, ErrorCode::kNotFound) << block.error().to_string();
  }
}

/// Bytes, compressed as runtime code is.
Bytes compressed(const Bytes& bytes) {
  Bytes frame(ZSTD_compressBound(bytes.size()));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), 1));
  return join({from_hex("52bc537646db8e05"), frame});
}

TEST(Executor, CodeThatIsNoneIsRefused) {
  const Executor executor(engine());
  Bytes cut = compressed(code_of(1));
  EXPECT_EQ(answer_of(executor, state_of(cut)), from_hex("01")) << "whole";
  cut.pop_back();
  Bytes altered = compressed(code_of(1));
  altered[10] ^= std::byte{0xFF};
  for (int again = 0; again < 2; ++again) {
    expect_error(error_of(executor, state_of({})), ErrorCode::kMalformed, "");
    expect_error(error_of(executor, state_of(from_text("garbage"))), ErrorCode::kMalformed, "");
    expect_error(error_of(executor, state_of(cut)), ErrorCode::kMalformed, "compressed runtime code: the data ends");
    expect_error(error_of(executor, state_of(altered)), ErrorCode::kMalformed, "compressed runtime code: ");
    expect_error(error_of(executor, state_of(compressed(from_text("garbage")))), ErrorCode::kMalformed, "");
    expect_error(error_of(executor, state_of(from_hex("0061736d 01000000"))), ErrorCode::kLink, "memory");
  }
  EXPECT_EQ(answer_of(executor, state_of(code_of(1))), from_hex("01"));
}

TEST(Executor, ADecompressionBombIsRefused) {
  const Executor executor(engine());
  const MemoryState state = state_of(compressed(Bytes(kMaximumCodeBytes + 1)));
  ASSERT_LT((*state.get({}, from_text(":code")))->size(), 10'000u);
  expect_error(error_of(executor, state), ErrorCode::kMalformed, "would decompress to more than 52428800 bytes");
}

TEST(Executor, ACallThatTakesTooLongIsInterrupted) {
  const Executor executor(engine(), {.runtime = {.capacity = 1, .audit_every = 1}, .call_timeout = milliseconds(50)});
  const MemoryState state = state_of(code_of(1));
  for (int i = 0; i < 2; ++i) {
    const auto begin = Clock::now();
    const Error error = error_of(executor, state, "forever");
    EXPECT_EQ(error.code, ErrorCode::kTrap);
    EXPECT_EQ(error.trap, TrapKind::kInterrupted) << error.to_string();
    EXPECT_GE(Clock::now() - begin, milliseconds(50));
    EXPECT_EQ(answer_of(executor, state), from_hex("01")) << "the next call is as new, and has a deadline of its own";
  }
  EXPECT_EQ(executor.runtime(state)->pool().statistics().audit_failures, 0u);
}

TEST(Executor, ACallWaitsForAnInstanceButNotForever) {
  const Executor executor(engine(), {.runtime = {.capacity = 1}, .acquire_timeout = milliseconds(20)});
  const MemoryState state = state_of(code_of(1));
  const auto runtime = executor.runtime(state);
  ASSERT_TRUE(runtime);
  auto lease = runtime->pool().acquire();
  ASSERT_TRUE(lease);
  const auto begin = Clock::now();
  const Error error = error_of(executor, state);
  EXPECT_EQ(error.code, ErrorCode::kResource) << error.to_string();
  EXPECT_GE(Clock::now() - begin, milliseconds(20));
  lease->release();
  EXPECT_EQ(answer_of(executor, state), from_hex("01"));
}

TEST(Executor, TimesMayBeAsLongAsThereAre) {
  const Executor executor(engine(), {.runtime = {.capacity = 1},
                                     .acquire_timeout = std::chrono::nanoseconds::max(),
                                     .call_timeout = std::chrono::nanoseconds::max()});
  EXPECT_EQ(answer_of(executor, state_of(code_of(1))), from_hex("01"));
}

TEST(Executor, AMethodThatIsMissingIsNamed) {
  expect_error(error_of(Executor(engine()), state_of(code_of(1)), "anwser"), ErrorCode::kNotFound, "anwser");
}

/// A back end that fails at one of its functions.
class BrokenState final : public StateBackend {
 public:
  enum class Part : std::uint8_t { kHash, kHeapPages, kCode, kCodeMissing };
  explicit BrokenState(Part part) : part_(part) {}

  [[nodiscard]] Result<StorageValue> get(TrieId, BytesView key) const override {
    if (std::ranges::equal(key, from_text(":heappages"))) return value_or_failure(Part::kHeapPages, nullptr);
    if (part_ == Part::kCodeMissing) return nullptr;
    return value_or_failure(Part::kCode, value_of(code_of(1)));
  }
  [[nodiscard]] Result<std::optional<Hash>> value_hash(BytesView) const override {
    if (part_ == Part::kHash) return fail(ErrorCode::kIo, "the disk is gone");
    return Hash{std::byte{1}};
  }
  [[nodiscard]] Result<std::optional<Bytes>> next_key(TrieId, BytesView) const override { return std::nullopt; }
  [[nodiscard]] Result<Hash> root(TrieId, std::span<const TrieChange>, StateVersion) const override { return Hash{}; }

 private:
  [[nodiscard]] Result<StorageValue> value_or_failure(Part part, StorageValue value) const {
    if (part_ == part) return fail(ErrorCode::kIo, "the disk is gone");
    return value;
  }
  Part part_;
};

TEST(Executor, ErrorsOfTheBackEndArePassedOnAndNotRemembered) {
  const Executor executor(engine());
  using Part = BrokenState::Part;
  for (const Part part : {Part::kHash, Part::kHeapPages, Part::kCode}) {
    expect_error(error_of(executor, BrokenState(part)), ErrorCode::kIo, "the disk is gone");
  }
  expect_error(error_of(executor, BrokenState(Part::kCodeMissing)), ErrorCode::kNotFound, "but no value");
  EXPECT_EQ(answer_of(executor, with(MemoryState(), ":code", value_of(code_of(1)))), from_hex("01"));
}

TEST(Executor, ServesManyThreadsWithManyStates) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 100;
  constexpr std::uint8_t kStates = 5;
  // Without room for them all, runtimes come and go under the calls.
  for (const std::uint64_t maximum_bytes : {std::uint64_t{1} << 30, std::uint64_t{1}}) {
    const Executor executor(
        engine(), {.runtime = {.heap_pages = 1, .capacity = 2, .audit_every = 10}, .maximum_bytes = maximum_bytes});
    std::vector<MemoryState> states;
    for (std::uint8_t i = 0; i < kStates; ++i) states.push_back(state_of(code_of(i)));
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
          for (int call = 0; call < kCalls; ++call) {
            const auto i = static_cast<std::size_t>(thread + call) % kStates;
            const auto answer = executor.call(states[i], "answer", {});
            if (!answer || answer->result != Bytes{static_cast<std::byte>(i)}) ++wrong;
            const auto upgrade = executor.call(states[i], "upgrade", from_text("new"));
            if (!upgrade || *upgrade->changes.top.at(from_text(":code")) != from_text("new")) ++wrong;
          }
        });
      }
    }
    EXPECT_EQ(wrong, 0);
    const PoolCacheStatistics statistics = executor.statistics();
    EXPECT_EQ(statistics.hits + statistics.joined + statistics.misses, 2u * kThreads * kCalls);
    EXPECT_EQ(statistics.remembered_failures, 0u);
    EXPECT_EQ(statistics.failures, 0u);
    if (maximum_bytes > 1) {
      EXPECT_EQ(statistics.compilations, kStates) << "each once, however many ask at once";
    } else {
      EXPECT_GT(statistics.evictions, 0u);
    }
  }
}

TEST(Executor, ServesManyThreadsWithRealChains) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 25;
  const Executor executor(engine(), {.runtime = {.capacity = 2, .audit_every = 20}});
  struct Work {
    MemoryState state;
    std::string_view method;
    Bytes arguments;
    Result<CallOutcome> expected;
  };
  std::vector<Work> works;
  const Bytes header = join({Bytes(32), from_hex("04"), Bytes(64), from_hex("00")});
  for (const char* chain : {"kusama", "rococo-asset-hub"}) {
    const MemoryState state = genesis_of(chain);
    works.push_back({state, "Core_version", {}, CallOutcome{}});
    works.push_back({state, "AccountNonceApi_account_nonce", Bytes(32), CallOutcome{}});
    works.push_back({state, "Core_initialize_block", header, CallOutcome{}});
  }
  for (Work& work : works) {
    // By an executor of its own, so the threads find nothing made.
    work.expected = Executor(engine()).call(work.state, work.method, work.arguments);
    ASSERT_TRUE(work.expected) << work.expected.error().to_string();
  }
  const auto same_changes = [](const TrieChanges& a, const TrieChanges& b) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
      return x.first == y.first && (x.second == nullptr) == (y.second == nullptr) &&
             (x.second == nullptr || *x.second == *y.second);
    });
  };
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int call = 0; call < kCalls; ++call) {
          const Work& work = works[static_cast<std::size_t>(thread + call) % works.size()];
          const auto outcome = executor.call(work.state, work.method, work.arguments);
          if (!outcome || outcome->result != work.expected->result ||
              !same_changes(outcome->changes.top, work.expected->changes.top)) {
            ++wrong;
          }
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(executor.statistics().compilations, 2u);
  for (const Work& work : works) {
    const auto runtime = executor.runtime(work.state);
    ASSERT_TRUE(runtime);
    EXPECT_EQ(runtime->pool().statistics().audit_failures, 0u) << runtime->pool().audit_report();
  }
}

TEST(Executor, ReadsAVersionFromTheCustomSectionsAsTheRuntimeSaysIt) {
  const Executor executor(Engine({.cache = false}));
  const MemoryState state = genesis_of("rococo-asset-hub");
  const auto embedded = executor.runtime(state)->version();
  ASSERT_TRUE(embedded) << embedded.error().to_string();
  const auto answered = decode_version(result_of(executor, state, "Core_version"));
  ASSERT_TRUE(answered) << answered.error().to_string();
  EXPECT_EQ(embedded->spec_name, "statemine");
  EXPECT_EQ(embedded->spec_name, answered->spec_name);
  EXPECT_EQ(embedded->spec_version, answered->spec_version);
  EXPECT_EQ(embedded->state_version, answered->state_version);
  ASSERT_EQ(embedded->apis.size(), answered->apis.size());
  for (std::size_t i = 0; i < embedded->apis.size(); ++i) {
    EXPECT_EQ(embedded->apis[i].id, answered->apis[i].id);
    EXPECT_EQ(embedded->apis[i].version, answered->apis[i].version);
  }
}

}  // namespace
}  // namespace anew::substrate
