// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a call does depends on no call before it: each entry point of real runtimes, after itself and after each other
// one in the same instance, does what it does in a fresh one. Those that trap take part.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/substrate/hashing.hpp"
#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"
#include "wasm/decoder.hpp"

namespace anew::substrate {
namespace {

struct Chain {
  std::string file;
  std::string spec_name;
  /// The entry points that refuse what they are called with here: all others succeed.
  std::set<std::string> refusing;
  /// What TaggedTransactionQueue_validate_transaction takes before the extrinsic: its source, from version 2 on.
  std::string transaction_source = "02";
};

void PrintTo(const Chain& chain, std::ostream* stream) { *stream << chain.file; }

struct Call {
  std::string method;
  Bytes arguments;
};

using Values = std::map<Bytes, std::optional<Bytes>>;

Values values_of(const TrieChanges& changes) {
  Values values;
  for (const auto& [key, value] : changes) values[key] = value ? std::optional(*value) : std::nullopt;
  return values;
}

constexpr KeyTypeId kBabe = {'b', 'a', 'b', 'e'};

/// All that is seen of a call from outside its instance.
struct Outcome {
  std::string error;  ///< with its backtrace; empty if the call succeeded
  ErrorCode code{};
  TrapKind trap{};
  Bytes result;
  Values top;
  std::map<Bytes, Values> children;
  Values offchain_index;
  std::vector<Bytes> submitted;
  std::vector<Bytes> keys;
  bool operator==(const Outcome&) const = default;
};

std::string differences(const Outcome& expected, const Outcome& outcome) {
  std::string text;
  const auto compare = [&](const char* what, const auto& member) {
    if (expected.*member != outcome.*member) text += fmt::format(" {}", what);
  };
  compare("error", &Outcome::error);
  compare("code", &Outcome::code);
  compare("trap", &Outcome::trap);
  compare("result", &Outcome::result);
  compare("top", &Outcome::top);
  compare("children", &Outcome::children);
  compare("offchain_index", &Outcome::offchain_index);
  compare("submitted", &Outcome::submitted);
  compare("keys", &Outcome::keys);
  return fmt::format("{}; in a fresh instance: \"{}\"; as new: \"{}\"", text, expected.error, outcome.error);
}

/// Each ordered pair of 0 to n - 1, with those of equals, is once in what this returns: one after the other. It is the
/// de Bruijn sequence of order 2, as Fredricksen, Kessler and Maiorana make it of Lyndon words, and its first again.
std::vector<std::size_t> all_pairs(std::size_t n) {
  std::vector<std::size_t> sequence;
  for (std::size_t a = 0; a < n; ++a) {
    sequence.push_back(a);
    for (std::size_t b = a + 1; b < n; ++b) sequence.insert(sequence.end(), {a, b});
  }
  sequence.push_back(0);
  return sequence;
}

class FairRuntimes : public testing::TestWithParam<Chain> {
 protected:
  void SetUp() override {
    spec = read_spec(GetParam().file);
    ASSERT_FALSE(spec.top.empty());
    state = genesis_of(GetParam().file);
    find_calls();
    ASSERT_GE(calls.size(), 18u);
  }

  /// With one instance at most.
  Runtime make_runtime(std::uint64_t audit_every) const {
    auto runtime = Runtime::create(
        Engine({.cache = false}), spec.code(),
        {.heap_pages = spec.heap_pages.value_or(kDefaultHeapPages), .capacity = 1, .audit_every = audit_every});
    EXPECT_TRUE(runtime) << runtime.error().to_string();
    return std::move(runtime.value());
  }

  void find_calls();

  /// Calls on the state of genesis, with services as new.
  Outcome observe(const Runtime& runtime, const Call& call, bool fresh) const {
    Keystore keystore;
    Offchain offchain({.is_validator = true,
                       .now = [] { return std::uint64_t{1'600'000'000'000}; },
                       .random = [] { return Hash{std::byte{7}}; },
                       .network_state = NetworkState{}});
    Externalities externalities(state, {&keystore, &offchain});
    Outcome outcome;
    const auto method = runtime.method(call.method);
    EXPECT_TRUE(method) << method.error().to_string();
    const auto called = fresh ? runtime.call_fresh(*method, call.arguments, outcome.result, &externalities)
                              : runtime.call(*method, call.arguments, outcome.result, &externalities);
    if (!called) {
      outcome.error = called.error().to_string();
      outcome.code = called.error().code;
      outcome.trap = called.error().trap;
    }
    const StateChanges changes = externalities.changes();
    outcome.top = values_of(changes.top);
    for (const auto& [key, child] : changes.children) outcome.children[key] = values_of(child);
    outcome.offchain_index = externalities.offchain_index();
    outcome.submitted = offchain.submitted();
    outcome.keys = keystore.public_keys(KeyScheme::kSr25519, kBabe);
    return outcome;
  }

  /// Of each call, in an instance of its own.
  std::vector<Outcome> observe_fresh(const Runtime& runtime) const {
    std::vector<Outcome> outcomes;
    for (const Call& call : calls) outcomes.push_back(observe(runtime, call, true));
    return outcomes;
  }

  ChainSpec spec;
  MemoryState state;
  std::vector<Call> calls;  ///< of all entry points
};

/// Arguments of the entry points that take simple ones. To all others go none, which those that take some refuse.
std::map<std::string, Bytes> simple_arguments(const MemoryState& genesis, std::string_view transaction_source) {
  const Bytes zeros(32);
  const Hash genesis_root = genesis.root();
  const Bytes root(genesis_root.begin(), genesis_root.end());
  const Bytes no_extrinsics = from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314");
  const Hash genesis_hash = blake2b_256(join({zeros, from_hex("00"), root, no_extrinsics, from_hex("00")}));
  // Of block 1, without a digest.
  const Bytes header =
      join({Bytes(genesis_hash.begin(), genesis_hash.end()), from_hex("04"), root, no_extrinsics, from_hex("00")});
  const Bytes block = join({header, from_hex("00")});
  const Bytes remark = from_hex("10 04 00 01 00");  // System.remark of no bytes, without a signature
  const Bytes remark_and_length = join({remark, from_hex("05000000")});
  // The time, the relay chain's heads of parachains (none), a parachain's view of its relay chain (empty).
  const Bytes inherents = join({from_hex("0c"), from_text("timstap0"), from_hex("20 0060b1f373010000"),
                                from_text("newheads"), from_hex("04 00"), from_text("sysi1337"),
                                from_hex("b0 00 01000000"), zeros, from_hex("00005000 00 00 00")});
  const Bytes parachain = from_hex("64000000");
  const Bytes first_key = join({Bytes(8), zeros});  // at set or slot 0
  return {
      {"Core_execute_block", block},
      {"Core_initialize_block", header},
      {"BlockBuilder_apply_extrinsic", remark},
      {"BlockBuilder_inherent_extrinsics", inherents},
      {"BlockBuilder_check_inherents", join({block, inherents})},
      {"TaggedTransactionQueue_validate_transaction", join({from_hex(transaction_source), remark, zeros})},
      {"OffchainWorkerApi_offchain_worker", header},
      {"SessionKeys_generate_session_keys", join({from_hex("01 1c"), from_text("//Alice")})},
      {"SessionKeys_decode_session_keys", join({from_hex("b104"), Bytes(300)})},
      {"AccountNonceApi_account_nonce", zeros},
      {"TransactionPaymentApi_query_info", remark_and_length},
      {"TransactionPaymentApi_query_fee_details", remark_and_length},
      {"GrandpaApi_generate_key_ownership_proof", first_key},
      {"BabeApi_generate_key_ownership_proof", first_key},
      {"CollectCollationInfo_collect_collation_info", header},
      {"MmrApi_generate_proof", Bytes(8)},
      {"ParachainHost_parachain_code", parachain},
      {"ParachainHost_parachain_status", parachain},
      {"ParachainHost_ingress", join({parachain, from_hex("00")})},
      {"ParachainHost_local_validation_data", parachain},
      {"ParachainHost_get_heads", from_hex("00")},
      {"ParachainHost_persisted_validation_data", join({parachain, from_hex("00")})},
      {"ParachainHost_check_validation_outputs", join({parachain, Bytes(12)})},
      {"ParachainHost_validation_code", join({parachain, from_hex("00")})},
      {"ParachainHost_candidate_pending_availability", parachain},
      {"ParachainHost_session_info", Bytes(4)},
      {"ParachainHost_dmq_contents", parachain},
      {"ParachainHost_inbound_hrmp_channels_contents", parachain},
      {"ParachainHost_validation_code_by_hash", zeros},
  };
}

void FairRuntimes::find_calls() {
  const auto arguments = simple_arguments(state, GetParam().transaction_source);
  const auto binary = decompress_code(spec.code());
  ASSERT_TRUE(binary) << binary.error().to_string();
  const auto module = wasm::decode_module(*binary);
  ASSERT_TRUE(module) << module.error().to_string();
  const FunctionType entry_point{{ValueType::kI32, ValueType::kI32}, {ValueType::kI64}};
  for (const wasm::Export& exported : module->exports) {
    if (exported.kind != ExternalKind::kFunction || module->function_type(exported.index) != entry_point) continue;
    const std::string name(exported.name);
    const auto found = arguments.find(name);
    calls.push_back({name, found != arguments.end() ? found->second : Bytes{}});
  }
}

TEST_P(FairRuntimes, AnswerInFreshInstancesAsGenesisSays) {
  const Runtime runtime = make_runtime(0);
  const auto outcomes = observe_fresh(runtime);
  std::map<std::string, Outcome> by_method;
  std::set<std::string> refusing;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    by_method[calls[i].method] = outcomes[i];
    if (!outcomes[i].error.empty()) refusing.insert(calls[i].method);
  }
  EXPECT_EQ(refusing, GetParam().refusing);

  const auto version = decode_version(by_method["Core_version"].result);
  ASSERT_TRUE(version) << version.error().to_string();
  EXPECT_EQ(version->spec_name, GetParam().spec_name);
  const Bytes& metadata = by_method["Metadata_metadata"].result;
  ASSERT_GT(metadata.size(), 50'000u);
  EXPECT_EQ(Bytes(metadata.begin() + 4, metadata.begin() + 8), from_text("meta")) << "behind its length";
  EXPECT_EQ(by_method["AccountNonceApi_account_nonce"].result, Bytes(4)) << "nonce 0";
  const Bytes& info = by_method["TransactionPaymentApi_query_info"].result;
  ASSERT_GE(info.size(), 21u) << "weight, class, fee";
  EXPECT_GE(by_method["Core_initialize_block"].top.size(), 5u) << "storage changed";
  EXPECT_GE(by_method["SessionKeys_generate_session_keys"].result.size(), 33u);

  if (by_method.contains("GrandpaApi_grandpa_authorities")) {
    const auto& stored = spec.top.at(from_text(":grandpa_authorities"));
    EXPECT_EQ(by_method["GrandpaApi_grandpa_authorities"].result, Bytes(stored.begin() + 1, stored.end()))
        << "behind a version";
    const Bytes& configuration = by_method["BabeApi_configuration"].result;
    ASSERT_GT(configuration.size(), 200u) << "authorities";
    EXPECT_EQ(Bytes(configuration.begin(), configuration.begin() + 8), from_hex("7017000000000000")) << "6 seconds";
    EXPECT_EQ(by_method["SessionKeys_generate_session_keys"].keys.size(), 1u) << "BABE's";
    EXPECT_NE(Bytes(info.begin(), info.begin() + 4), Bytes(4)) << "a remark has a weight here";
  } else {
    EXPECT_GT(by_method["AuraApi_authorities"].result.size(), 32u);
  }
}

TEST_P(FairRuntimes, EachEntryPointTwiceInARowDoesTheSame) {
  const Runtime runtime = make_runtime(1);
  const auto expected = observe_fresh(runtime);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    for (int time = 0; time < 2; ++time) {
      const Outcome outcome = observe(runtime, calls[i], false);
      ASSERT_TRUE(outcome == expected[i]) << calls[i].method << ":" << differences(expected[i], outcome);
    }
  }
  const PoolStatistics statistics = runtime.pool().statistics();
  EXPECT_EQ(statistics.instances, 1u);
  EXPECT_GE(statistics.audited, 2 * calls.size());
  EXPECT_EQ(statistics.audit_failures, 0u) << runtime.pool().audit_report();
}

TEST_P(FairRuntimes, EachEntryPointAfterEachOtherDoesTheSame) {
  // An audit takes a hundred times as long as a call: each entry point's restores are audited in the test above, those
  // of some pairs here.
  const Runtime runtime = make_runtime(17);
  const auto expected = observe_fresh(runtime);
  std::string before = "nothing";
  for (const std::size_t i : all_pairs(calls.size())) {
    const Outcome outcome = observe(runtime, calls[i], false);
    ASSERT_TRUE(outcome == expected[i]) << calls[i].method << " after " << before << ":"
                                        << differences(expected[i], outcome);
    before = calls[i].method;
  }
  const PoolStatistics statistics = runtime.pool().statistics();
  EXPECT_EQ(statistics.instances, 1u);
  EXPECT_GE(statistics.audited, calls.size() * calls.size() / 17);
  EXPECT_EQ(statistics.audit_failures, 0u) << runtime.pool().audit_report();
}

TEST(AllPairs, HoldsEachPairOnce) {
  const auto sequence = all_pairs(7);
  std::set<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 1; i < sequence.size(); ++i) EXPECT_TRUE(pairs.insert({sequence[i - 1], sequence[i]}).second);
  EXPECT_EQ(pairs.size(), 49u);
}

// `hash_test`, a leftover of these builds, is of an entry point's type, but returns no place in its memory.
INSTANTIATE_TEST_SUITE_P(
    Genesis, FairRuntimes,
    testing::Values(Chain{"polkadot",
                          "polkadot",
                          {"hash_test", "Core_execute_block", "BlockBuilder_finalize_block",
                           "GrandpaApi_submit_report_equivocation_extrinsic"}},
                    Chain{"kusama", "kusama", {"hash_test", "Core_execute_block", "BlockBuilder_finalize_block"}, ""},
                    Chain{"westend", "westend", {"hash_test", "Core_execute_block", "BlockBuilder_finalize_block"}},
                    Chain{"rococo",
                          "rococo",
                          {"Core_execute_block", "BlockBuilder_finalize_block",
                           "GrandpaApi_submit_report_equivocation_unsigned_extrinsic",
                           "BabeApi_submit_report_equivocation_unsigned_extrinsic", "MmrApi_verify_proof",
                           "MmrApi_verify_proof_stateless"}},
                    Chain{"rococo-asset-hub",
                          "statemine",
                          {"Core_execute_block", "BlockBuilder_finalize_block", "validate_block"}}),
    [](const auto& chain) {
      std::string name = chain.param.file;
      std::ranges::replace(name, '-', '_');
      return name;
    });

}  // namespace
}  // namespace anew::substrate
