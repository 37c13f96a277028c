// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The genesis runtimes of real chains, from the npm packages that scripts/fetch-chain-specs downloads.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"

namespace anew::substrate {
namespace {

struct Chain {
  std::string file;
  std::string name;
  std::string spec_name;
  std::string impl_name;
  std::uint32_t authoring_version;
  std::uint32_t spec_version;
  std::uint32_t impl_version;
  std::uint32_t transaction_version;
  std::size_t apis;
  std::uint32_t core_api;
};

void PrintTo(const Chain& chain, std::ostream* stream) { *stream << chain.file; }

// Kusama's memory is exported, all others' imported; Kusama's and Westend's versions have the oldest layout; Kusama's
// spec has the older form; Rococo's and the asset hub's code is compressed; the asset hub's says its version in custom
// sections.
const Chain kPolkadot{"polkadot", "Polkadot", "polkadot", "parity-polkadot", 0, 0, 0, 0, 12, 3};
const Chain kKusama{"kusama", "Kusama", "kusama", "parity-kusama", 2, 1020, 0, 1, 12, 2};
const Chain kWestend{"westend", "Westend", "westend", "parity-westend", 2, 1, 1, 1, 12, 2};
const Chain kRococo{"rococo", "Rococo", "rococo", "parity-rococo-v1.8", 0, 9103, 0, 0, 14, 3};
const Chain kAssetHub{"rococo-asset-hub", "Rococo Asset Hub", "statemine", "statemine", 1, 900, 0, 6, 10, 4};

/// As a test's name may be.
std::string name_of(const Chain& chain) {
  std::string name = chain.file;
  std::ranges::replace(name, '-', '_');
  return name;
}

class ChainTest : public testing::TestWithParam<Chain> {
 protected:
  void SetUp() override {
    const std::filesystem::path path = spec_path(GetParam().file);
    ASSERT_TRUE(std::filesystem::exists(path))
        << path << " is missing. Run scripts/fetch-chain-specs in " << ANEW_SOURCE_DIR
        << ", or set ANEW_CHAIN_SPECS to the folder that holds it.";
    auto loaded = load_runtime(path);
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    source = std::move(*loaded);
  }

  Runtime runtime(RuntimeOptions options) const {
    auto created = Runtime::create(Engine({.cache = false}), source.code, std::move(options));
    EXPECT_TRUE(created) << created.error().to_string();
    return std::move(created.value());
  }

  RuntimeSource source;
};

TEST_P(ChainTest, AnswersItsVersion) {
  const Chain& chain = GetParam();
  EXPECT_EQ(source.chain, chain.name);
  const auto version = runtime({.heap_pages = source.heap_pages, .audit_every = 1}).version();
  ASSERT_TRUE(version) << version.error().to_string();
  EXPECT_EQ(version->spec_name, chain.spec_name);
  EXPECT_EQ(version->impl_name, chain.impl_name);
  EXPECT_EQ(version->authoring_version, chain.authoring_version);
  EXPECT_EQ(version->spec_version, chain.spec_version);
  EXPECT_EQ(version->impl_version, chain.impl_version);
  EXPECT_EQ(version->transaction_version, chain.transaction_version);
  EXPECT_EQ(version->state_version, 0u);
  ASSERT_EQ(version->apis.size(), chain.apis);
  const auto core = std::ranges::find(version->apis, "Core", [](const RuntimeApi& api) { return api_name(api.id); });
  ASSERT_NE(core, version->apis.end());
  EXPECT_EQ(core->version, chain.core_api);
  std::set<std::string_view> names;
  for (const RuntimeApi& api : version->apis) names.insert(api_name(api.id));
  EXPECT_EQ(names.size(), chain.apis) << "all have names, and each another one";
  EXPECT_FALSE(names.contains(""));
}

TEST_P(ChainTest, ThousandsOfCallsAsNewAnswerTheSameOnAllThreads) {
  const Runtime shared = runtime({.heap_pages = source.heap_pages, .capacity = 2, .audit_every = 100});
  const auto method = shared.method("Core_version");
  ASSERT_TRUE(method) << method.error().to_string();
  Bytes expected;
  const auto fresh = shared.call_fresh(*method, {}, expected);
  ASSERT_TRUE(fresh) << fresh.error().to_string();
  ASSERT_FALSE(expected.empty());

  constexpr int kCalls = 2000;
  std::vector<std::string> failures(2);
  {
    std::vector<std::jthread> threads;
    for (std::string& failure : failures) {
      threads.emplace_back([&] {
        Bytes result;
        for (int i = 0; i < kCalls && failure.empty(); ++i) {
          const auto called = shared.call(*method, {}, result);
          if (!called) failure = called.error().to_string();
          if (called && result != expected) failure = "another result than in a fresh instance";
        }
      });
    }
  }
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
  const PoolStatistics statistics = shared.pool().statistics();
  EXPECT_EQ(statistics.restored, 2u * kCalls);
  EXPECT_EQ(statistics.audited, 2u * kCalls / 100);
  EXPECT_EQ(statistics.audit_failures, 0u) << shared.pool().audit_report();
}

TEST_P(ChainTest, WhatNeedsTheStateSaysSo) {
  const Runtime called = runtime({.heap_pages = source.heap_pages, .audit_every = 1});
  const auto nonce = called.call("AccountNonceApi_account_nonce", Bytes(32));
  ASSERT_FALSE(nonce);
  EXPECT_EQ(nonce.error().code, ErrorCode::kTrap);
  EXPECT_NE(nonce.error().message.find("ext_storage_get_version_1: this call has no state"), std::string::npos)
      << nonce.error().to_string();
  EXPECT_FALSE(nonce.error().backtrace.empty());
  EXPECT_TRUE(called.call("Core_version", {})) << "the next call is as new";
  EXPECT_EQ(called.pool().statistics().audit_failures, 0u) << called.pool().audit_report();
}

INSTANTIATE_TEST_SUITE_P(Genesis, ChainTest, testing::Values(kPolkadot, kKusama, kWestend, kRococo, kAssetHub),
                         [](const auto& chain) { return name_of(chain.param); });

struct Metadata {
  Chain chain;
  std::size_t bytes;
  const char* blake2b_256;
};

void PrintTo(const Metadata& metadata, std::ostream* stream) { *stream << metadata.chain.file; }

class MetadataTest : public testing::TestWithParam<Metadata> {};

// A hundred thousand bytes that the runtime builds on its heap with many allocations. Rococo's asks the host for
// hashes.
TEST_P(MetadataTest, IsWhatAnotherEngineComputes) {
  const auto source = load_runtime(spec_path(GetParam().chain.file));
  ASSERT_TRUE(source) << source.error().to_string() << "; run scripts/fetch-chain-specs";
  const auto runtime =
      Runtime::create(Engine({.cache = false}), source->code, {.heap_pages = source->heap_pages, .audit_every = 1});
  ASSERT_TRUE(runtime) << runtime.error().to_string();
  for (int i = 0; i < 3; ++i) {
    const auto metadata = runtime->call("Metadata_metadata", {});
    ASSERT_TRUE(metadata) << metadata.error().to_string();
    EXPECT_EQ(metadata->size(), GetParam().bytes);
    Bytes digest(32);
    crypto_generichash_blake2b(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                               reinterpret_cast<const unsigned char*>(metadata->data()), metadata->size(), nullptr, 0);
    EXPECT_EQ(digest, from_hex(GetParam().blake2b_256)) << "call " << i;
  }
  EXPECT_EQ(runtime->pool().statistics().audit_failures, 0u) << runtime->pool().audit_report();
}

// As computed by V8 (Node.js 20) with the same modules.
INSTANTIATE_TEST_SUITE_P(
    Genesis, MetadataTest,
    testing::Values(Metadata{kPolkadot, 148'737, "a133731ce83072a35e7223d261c4cef94caaa12451881d68fb42eb5c12f71a5d"},
                    Metadata{kKusama, 61'382, "5ed089c0ca466270f4cf9a2649fc4ba3a2d44ed053700bc6427ada4a86b8ef91"},
                    Metadata{kWestend, 80'256, "c00bbebd454b1bd5e9c084c7dcbc21717149da3e821971a929c54d9828020e3b"},
                    Metadata{kAssetHub, 147'382, "8c29b02df1004f8de0b2da25b3ba9e835add57f5280180038b20a8c5dae3df15"}),
    [](const auto& test) { return name_of(test.param.chain); });

}  // namespace
}  // namespace anew::substrate
