// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chain specifications that scripts/fetch-chain-specs downloads, and blocks that lie in tests/data.
#pragma once

#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "substrate/bytes.hpp"

namespace anew::substrate {

inline std::filesystem::path spec_path(const std::string& chain) {
  const char* folder = std::getenv("ANEW_CHAIN_SPECS");
  return std::filesystem::path(folder != nullptr ? folder : ANEW_SOURCE_DIR "/build/chain-specs") / (chain + ".json");
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path << " is missing. Run scripts/fetch-chain-specs in " << ANEW_SOURCE_DIR
                      << ", or set ANEW_CHAIN_SPECS to the folder that holds it.";
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline ChainSpec read_spec(const std::string& chain) {
  auto spec = parse_chain_spec(read_text(spec_path(chain)));
  EXPECT_TRUE(spec) << spec.error().to_string();
  return spec.value_or(ChainSpec{});
}

/// @param version  of the state, as the runtime has it.
inline MemoryState genesis_of(const std::string& chain, StateVersion version = StateVersion::kV0) {
  auto state = MemoryState::from_chain_spec(read_spec(chain), version);
  EXPECT_TRUE(state) << state.error().to_string();
  return state.value_or(MemoryState());
}

/// A chain's block 1, SCALE-encoded, without a seal.
inline Bytes read_block_1(const std::string& chain) {
  return from_hex(read_text(ANEW_SOURCE_DIR "/tests/data/substrate/" + chain + "-block-1.hex").substr(2));
}

}  // namespace anew::substrate
