// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be known of a module without running it, and what that means for running each call as new.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wasm/module.hpp"

namespace anew::cli {

/// How the code may change an instance, over all functions.
struct Writes {
  std::uint64_t stores = 0;  ///< store operators, memory.fill, memory.copy and memory.init
  std::uint64_t memory_grows = 0;
  std::uint64_t global_sets = 0;
  std::uint64_t table_writes = 0;  ///< table.set, grow, fill, copy and init
  std::uint64_t segment_drops = 0;
};

/// The initial content of memory 0 as the active data segments make it, in pages of 4096 bytes.
struct ImagePages {
  std::uint64_t all = 0;           ///< of the initial memory
  std::uint64_t data = 0;          ///< of these, with a byte that is not zero: what a snapshot keeps
  std::vector<std::string> notes;  ///< segments that could not be placed
};

struct HeapBase {
  std::optional<std::uint64_t> value;
  std::string found;  ///< where, or why it is not known
};

struct Inspection {
  Writes writes;
  ImagePages image;
  HeapBase heap_base;
  std::map<std::uint32_t, std::string> global_names;  ///< from the name section, else from an import or export
  std::string start;                                  ///< the start function's name or number; empty: none
  std::vector<std::string> restored;                  ///< what a reset must restore
  std::vector<std::string> obstacles;                 ///< what keeps the module from being pooled
};

/// Validates every function body on the way. @param module  as decode_module returned it.
/// @return kInvalid and its kin if a body does not validate.
[[nodiscard]] Result<Inspection> inspect(const wasm::Module& module);

}  // namespace anew::cli
