// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Substrate: a block, executed by its chain's runtime on the state of its parent, from two threads at once; the state
// behind it; a call on that state; and what the runtime says of a block that does not fit.
//   blocks polkadot.json polkadot-block-1.hex
#include <anew/anew.hpp>
#include <anew/substrate.hpp>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace {

namespace substrate = anew::substrate;

std::string read_text(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// "0x" and hexadecimal digits.
substrate::Bytes from_hex(const std::string& text) {
  substrate::Bytes bytes;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string to_hex(const substrate::Hash& hash) {
  std::string text = "0x";
  for (const std::byte byte : hash)
    for (const int digit : {std::to_integer<int>(byte >> 4), std::to_integer<int>(byte & std::byte{15})})
      text += "0123456789abcdef"[digit];
  return text;
}

anew::Result<void> run(const char* spec_path, const char* block_path) {
  const auto spec = substrate::parse_chain_spec(read_text(spec_path));
  if (!spec) return std::unexpected(spec.error());
  // A node has its state in a database, and implements substrate::StateBackend over it. This one is in memory.
  const auto genesis = substrate::MemoryState::from_chain_spec(*spec, substrate::StateVersion::kV0);
  if (!genesis) return std::unexpected(genesis.error());
  std::printf("%s, genesis state %s\n", spec->name.c_str(), to_hex(genesis->root()).c_str());

  // The runtime lies in the state. The executor compiles it once, and keeps warm instances of it for all threads.
  const substrate::Executor executor{anew::Engine()};
  const substrate::Bytes block = from_hex(read_text(block_path));
  std::array<anew::Result<substrate::BlockOutcome>, 2> outcomes;
  {
    std::array<std::jthread, 2> threads;
    for (std::size_t i = 0; i < threads.size(); ++i)
      threads[i] = std::jthread([&, i] { outcomes[i] = executor.execute_block(*genesis, block); });
  }
  for (const auto& outcome : outcomes) {
    if (!outcome) return std::unexpected(outcome.error());
    std::printf("block %u: %zu extrinsics, %zu changes, state %s\n", outcome->block.header.number,
                outcome->block.extrinsics.size(), outcome->changes.top.size(), to_hex(outcome->state_root).c_str());
  }

  // The state behind the block shares with genesis all that did not change. If the block had changed ":code", the new
  // runtime would execute on it, and the old one still on genesis.
  const auto next = genesis->with(outcomes[0]->changes, outcomes[0]->state_version);
  if (!next) return std::unexpected(next.error());
  const auto nonce = executor.call(*next, "AccountNonceApi_account_nonce", substrate::Bytes(32));
  if (!nonce) return std::unexpected(nonce.error());
  std::printf("a nonce: %zu bytes\n", nonce->result.size());

  // The block does not fit on the state that it led to: the error ends with the runtime's own words.
  const auto refused = executor.execute_block(*next, block);
  if (refused) return anew::fail(anew::ErrorCode::kHost, "the block was accepted twice");
  std::printf("again: %s\n", refused.error().message.c_str());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: blocks SPEC BLOCK\n");
    return 64;
  }
  const auto done = run(argv[1], argv[2]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().to_string().c_str());
  return done ? 0 : 1;
}
