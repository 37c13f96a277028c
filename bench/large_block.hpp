// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A block that changes some 19,000 keys, as blocks of busy chains do when they change eras or migrate their state.
#pragma once

#include <anew/substrate.hpp>

namespace anew::bench {

struct LargeBlock {
  substrate::MemoryState state;  ///< of its parent
  substrate::Bytes block;        ///< as Core_execute_block takes it
  std::size_t changed_keys = 0;
};

/// Polkadot's block 1 on its genesis state, with a call that the scheduler finds there: it makes 6,000 accounts, each
/// with the events of that, writes 3,000 nominations, and removes the 9,950 keys that the claims have. The block is the
/// last of an era in which validators can be elected, so it reads the nominations then, key by key.
[[nodiscard]] LargeBlock make_large_block(const substrate::Runtime& runtime, const substrate::MemoryState& genesis,
                                          const substrate::Bytes& block_1);

}  // namespace anew::bench
