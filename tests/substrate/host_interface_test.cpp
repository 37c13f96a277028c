// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What all host functions have in common: addresses that are wrong, calls that have no state.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

class HostInterface : public HostTest {
 protected:
  /// Arguments that every function takes: 1 is a state version and a kind of storage, 0 a None and an empty list.
  static std::vector<Argument> arguments_of(const HostFunction& function) {
    std::vector<Argument> arguments;
    for (const std::string& word : function.parameter_words()) {
      if (word == "u32") {
        arguments.emplace_back(1u);
      } else if (word.starts_with('p')) {
        arguments.emplace_back(Bytes(std::stoul(word.substr(1))));
      } else {
        arguments.emplace_back(kNone);
      }
    }
    return arguments;
  }

  std::string trap_with(const HostFunction& function, std::size_t parameter, const Argument& wrong,
                        Externalities* externalities) const {
    std::vector<Argument> arguments = arguments_of(function);
    arguments[parameter] = wrong;
    return guest.trap({{function.name.substr(4), arguments}}, externalities);
  }
};

const MemoryState kState = state_of({{from_text("k"), from_text("v")}});

TEST_F(HostInterface, WhatLiesOutsideTheMemoryTrapsAndLeavesTheNextCallAsNew) {
  constexpr std::uint32_t kEnd = HostGuest::kMemoryBytes;
  const Answers expected = guest.run({{"allocator_malloc_version_1", {1u}}});
  Keystore keystore;
  Offchain offchain;
  Externalities externalities(kState, {.keystore = &keystore, .offchain = &offchain});
  std::size_t checked = 0;
  for (const HostFunction& function : kHostFunctions) {
    const std::vector<std::string> words = function.parameter_words();
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::vector<Argument> wrong;
      if (words[i] == "span" || words[i] == "buffer") {
        wrong = {Argument::span_at(kEnd, 1),
                 Argument::span_at(kEnd - 1, 2),
                 Argument::span_at(0, kEnd + 1),
                 Argument::span_at(0, UINT32_MAX),
                 Argument::span_at(kEnd + 1, 0),
                 Argument::span_at(UINT32_MAX, 0),
                 Argument::span_at(UINT32_MAX, 1),
                 Argument::span_at(0xFFFF'FFF0, 0x20),
                 Argument::span_at(UINT32_MAX, UINT32_MAX)};
      } else if (words[i].starts_with('p')) {
        const auto size = static_cast<std::uint32_t>(std::stoul(words[i].substr(1)));
        wrong = {Argument::raw(kEnd - size + 1), Argument::raw(kEnd), Argument::raw(UINT32_MAX),
                 Argument::raw(0u - size)};
      }
      for (const Argument& one : wrong) {
        const std::string message = trap_with(function, i, one, &externalities);
        EXPECT_TRUE(has(message, std::string(function.name) + ": ")) << "parameter " << i;
        EXPECT_TRUE(has(message, "are not inside the memory of")) << function.name << ", parameter " << i;
        ++checked;
      }
      if (!wrong.empty()) {
        EXPECT_EQ(guest.run({{"allocator_malloc_version_1", {1u}}}), expected);
      }
    }
  }
  EXPECT_GT(checked, 500u);
  EXPECT_TRUE(externalities.changes().empty());
}

TEST_F(HostInterface, TheLastBytesOfTheMemoryAndNothingBehindThemAreInside) {
  constexpr std::uint32_t kEnd = HostGuest::kMemoryBytes;
  Externalities externalities(kState);
  EXPECT_EQ(guest.ask({"storage_exists_version_1", {Argument::span_at(kEnd - 1, 1)}}, &externalities), u32(0));
  EXPECT_EQ(guest.ask({"storage_exists_version_1", {Argument::span_at(kEnd, 0)}}, &externalities), u32(0));
  EXPECT_EQ(guest.ask({"hashing_twox_64_version_1", {Argument::span_at(kEnd, 0)}}), from_hex("99e9d85137db46ef"));
  EXPECT_EQ(guest.ask({"crypto_ed25519_verify_version_1", {Bytes(64, std::byte{1}), "", Argument::raw(kEnd - 32)}}),
            u32(0));
  EXPECT_EQ(guest.run({{"storage_read_version_1", {"k", Argument::span_at(kEnd - 1, 1), 0u}}}, &externalities),
            (Answers{some(u32(1)), from_text("v")}))
      << "the last byte is written";
  EXPECT_EQ(guest.run({{"storage_read_version_1", {"k", Argument::span_at(kEnd, 0), 0u}}}, &externalities),
            (Answers{some(u32(1)), Bytes{}}));
}

TEST_F(HostInterface, WithoutAStateWhatNeedsOneTraps) {
  // These need none: what they answer hangs on their arguments alone.
  const auto needs_none = [](std::string_view name) {
    return name.starts_with("ext_allocator_") || name.starts_with("ext_hashing_") || name.starts_with("ext_trie_") ||
           name.starts_with("ext_misc_") || name.starts_with("ext_wasm_tracing_") ||
           name.starts_with("ext_storage_proof_size_") || name.starts_with("ext_crypto_secp256k1_") ||
           (name.contains("_verify_") && !name.contains("batch_verify"));
  };
  std::size_t trapped = 0;
  for (const HostFunction& function : kHostFunctions) {
    const Step step(function.name.substr(4), arguments_of(function));
    if (!needs_none(function.name)) {
      EXPECT_EQ(guest.trap({step}).find(fmt::format("{}: this call has no state", function.name)) != std::string::npos,
                true)
          << function.name;
      ++trapped;
    } else if (function.name != "ext_allocator_free_version_1") {  // 1 is no block's address
      EXPECT_TRUE(guest.call({step})) << function.name;
    }
  }
  EXPECT_GT(trapped, 50u);
}

TEST_F(HostInterface, MalformedLimitsTrap) {
  Externalities externalities(kState);
  for (const HostFunction& function : kHostFunctions) {
    const bool has_cursor =
        function.name.ends_with("clear_prefix_version_3") || function.name.ends_with("storage_kill_version_4");
    const bool has_limit = has_cursor || function.name.ends_with("clear_prefix_version_2") ||
                           function.name.ends_with("storage_kill_version_2") ||
                           function.name.ends_with("storage_kill_version_3");
    if (!has_limit) continue;
    std::vector<Argument> arguments = arguments_of(function);
    Argument& limit_argument = arguments[arguments.size() - (has_cursor ? 2 : 1)];
    for (const Bytes& limit :
         {Bytes{}, from_hex("02"), from_hex("01"), from_hex("01 000000"), from_hex("ff 00000000")}) {
      limit_argument = limit;
      EXPECT_TRUE(has(guest.trap({{function.name.substr(4), arguments}}, &externalities),
                      fmt::format("{}: SCALE data", function.name)));
    }
    limit_argument = from_hex("01 05000000 ff");  // as in Substrate, what follows is not looked at
    EXPECT_TRUE(guest.call({{function.name.substr(4), arguments}}, &externalities)) << function.name;
  }
}

TEST_F(HostInterface, AResultThatDoesNotFitTheHeapTraps) {
  const MemoryState large = state_of({{from_text("large"), Bytes(2u << 20)}});
  Externalities externalities(large);
  EXPECT_TRUE(has(guest.trap({{"storage_get_version_1", {"large"}}}, &externalities),
                  "ext_storage_get_version_1: heap allocator: out of space"));
  EXPECT_EQ(guest.run({{"storage_read_version_1", {"large", "..", 0u}}}, &externalities),
            (Answers{some(u32(2u << 20)), Bytes(2)}))
      << "but it can be read piece by piece";
}

TEST_F(HostInterface, AProfileCountsCalls) {
  Externalities externalities(kState);
  HostProfile profile;
  externalities.set_profile(&profile);
  (void)guest.run(
      {{"storage_get_version_1", {"k"}}, {"storage_get_version_1", {"k"}}, {"hashing_twox_64_version_1", {""}}},
      &externalities);
  (void)guest.trap({{"storage_commit_transaction_version_1"}}, &externalities);
  EXPECT_EQ(profile.size(), 3u);
  EXPECT_EQ(profile.at("ext_storage_get_version_1").calls, 2u);
  EXPECT_EQ(profile.at("ext_hashing_twox_64_version_1").calls, 1u);
  EXPECT_EQ(profile.at("ext_storage_commit_transaction_version_1").calls, 1u) << "also one that traps";
  externalities.set_profile(nullptr);
  (void)guest.run({{"storage_get_version_1", {"k"}}}, &externalities);
  EXPECT_EQ(profile.at("ext_storage_get_version_1").calls, 2u);
}

}  // namespace
}  // namespace anew::substrate
