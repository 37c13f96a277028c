// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate: runtimes of Polkadot and its kin. Its subcommands lie in substrate_version.cpp, substrate_call.cpp,
// substrate_block.cpp and substrate_build_block.cpp.
#include "cli/substrate_chain.hpp"

namespace anew::cli {

void add_substrate(CLI::App& app, Run& run) {
  CLI::App* substrate =
      add_subcommand(app, "substrate", "Runs runtimes of Substrate chains: Polkadot, Kusama and others");
  substrate->require_subcommand(1);
  add_substrate_version(*substrate, run);
  add_substrate_call(*substrate, run);
  add_substrate_execute_block(*substrate, run);
  add_substrate_build_block(*substrate, run);
}

}  // namespace anew::cli
