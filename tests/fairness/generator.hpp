// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random modules that are rich in state: everything that a guest can change is changed by some function of theirs,
// where and to what depends on its arguments, and is read by some other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/generator.hpp"
#include "support/module_builder.hpp"

namespace anew::fairness {

using codegen::test::Random;
using test::Code;
using wasm::Op;

/// Where a store is most likely to go wrong: next to the edge of a card or a page, or to the end.
/// @return below `size`, which is a multiple of 64 KiB and not 0.
[[nodiscard]] std::uint64_t near_an_edge(Random& random, std::uint64_t size);

/// What arguments a function takes.
enum class Role : std::uint8_t {
  kAction,     ///< (address, any number, any number): changes state, may trap
  kRecursion,  ///< the same; the second is how deep
  kEndless,    ///< the same; never returns
  kNothing,    ///< none
  kIndex,      ///< an index into a small table
  kGrowth,     ///< how much to grow by
  kForeign,    ///< any of its type
};

struct Callable {
  std::string name;
  FunctionType type;
  Role role = Role::kForeign;
};

/// What one module offers another, by the names of its exports.
struct Offer {
  template <typename T>
  struct Item {
    std::string name;
    T type;
  };
  std::vector<Item<MemoryType>> memories;
  std::vector<Item<TableType>> tables;
  std::vector<Item<GlobalType>> globals;
  std::vector<Item<FunctionType>> functions;
};

struct GeneratedModule {
  std::vector<std::byte> bytes;
  std::vector<Callable> actions;
  std::vector<Callable> probes;        ///< functions that show what the state is
  Offer offer;                         ///< everything, with library = true
  std::uint64_t memory_bytes = 0;      ///< of the smallest memory
  std::uint32_t most_extra_pages = 0;  ///< by which memory 0 may begin larger
  bool start_calls_host = false;
  bool has_prelude = false;  ///< exports "prelude"
};

struct GeneratorOptions {
  bool library = false;          ///< exports all that others may share, and does not call the host when it starts
  const Offer* offer = nullptr;  ///< what the module "library" offers, if there is one
  bool endless = false;          ///< with a function that never returns
  bool stores = false;           ///< functions store to memories, and do little else
};

/// Valid, always. Imports from "host" what host.hpp defines, and from "library" part of what that offers.
[[nodiscard]] GeneratedModule generate(Random& random, const GeneratorOptions& options);

}  // namespace anew::fairness
