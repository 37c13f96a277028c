// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be known of a module without running it, and what that means for running each call as new.
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>
#include <anew/substrate/runtime.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wasm/module.hpp"

namespace anew::cli {

/// How the code may change an instance, over all functions.
struct Writes {
  std::uint64_t stores = 0;  ///< operators that write to a memory
  std::uint64_t memory_grows = 0;
  std::uint64_t global_sets = 0;
  std::uint64_t table_writes = 0;  ///< table.set, grow, fill, copy and init
  std::uint64_t segment_drops = 0;
  std::uint64_t throws = 0;
};

/// Operators by what they came with, over all functions.
struct OperatorCounts {
  std::uint64_t vectors = 0;
  std::uint64_t relaxed_vectors = 0;
  std::uint64_t wide_integers = 0;
  std::uint64_t atomics = 0;
  std::uint64_t tail_calls = 0;
  std::uint64_t exceptions = 0;           ///< throw, throw_ref, rethrow, try_table and try
  std::uint64_t function_references = 0;  ///< call_ref, ref.as_non_null, br_on_null and br_on_non_null
};

/// The initial content of memory 0 as the active data segments make it, in pages of 4096 bytes.
struct ImagePages {
  std::uint64_t all = 0;           ///< of the initial memory
  std::uint64_t data = 0;          ///< of these, with a byte that is not zero: what a snapshot keeps
  std::vector<std::string> notes;  ///< segments that could not be placed
};

struct Inspection {
  Writes writes;
  OperatorCounts operators;
  Features features;  ///< the proposals that the module needs
  ImagePages image;
  std::optional<substrate::HeapBase> heap_base;       ///< where the module says that its heap begins
  std::map<std::uint32_t, std::string> global_names;  ///< from the name section, else from an import or export
  std::string start;                                  ///< the start function's number and name, printable; empty: none
  std::vector<std::string> restored;                  ///< what a reset must restore
  std::vector<std::string> links;                     ///< imports that only another module can provide
};

/// Validates every function body on the way. @param module  as decode_module returned it.
/// @return kInvalid and its kin if a body does not validate.
[[nodiscard]] Result<Inspection> inspect(const wasm::Module& module);

}  // namespace anew::cli
