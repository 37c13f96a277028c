// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runtimes of Substrate chains (Polkadot, Kusama and their kin), each call in an instance as new.
//
//   namespace substrate = anew::substrate;
//   auto spec = substrate::parse_chain_spec(json).value();
//   auto state = substrate::MemoryState::from_chain_spec(spec, substrate::StateVersion::kV0).value();
//   substrate::Executor executor(engine);
//   auto block = executor.execute_block(state, encoded_block).value();        // the runtime checked its state root
//   auto metadata = executor.call(state, "Metadata_metadata", {}).value();    // SCALE-encoded
#pragma once

#include <anew/substrate/block.hpp>
#include <anew/substrate/block_builder.hpp>
#include <anew/substrate/chain_spec.hpp>
#include <anew/substrate/executor.hpp>
#include <anew/substrate/externalities.hpp>
#include <anew/substrate/keystore.hpp>
#include <anew/substrate/offchain.hpp>
#include <anew/substrate/runtime.hpp>
#include <anew/substrate/runtime_caller.hpp>
#include <anew/substrate/state.hpp>
#include <anew/substrate/types.hpp>
#include <anew/substrate/version.hpp>
