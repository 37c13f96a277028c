// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate: runtimes of Polkadot and its kin. Its subcommands lie in substrate_version.cpp, substrate_call.cpp,
// substrate_block.cpp and substrate_build_block.cpp.
#include "cli/substrate_chain.hpp"

namespace anew::cli {

void add_substrate(const Command& anew) {
  const Command chains = anew.subcommand("substrate", "Runs runtimes of Substrate chains: Polkadot, Kusama and others");
  chains.require_subcommand();
  add_substrate_version(chains);
  add_substrate_call(chains);
  add_substrate_execute_block(chains);
  add_substrate_build_block(chains);
}

}  // namespace anew::cli
