// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One case of the fairness fuzzer: a module, or two that are linked, of which instances are leased, called, killed and
// given back, in any order. Each reset is audited by the pool, byte for byte, against an instance made the slow way;
// and what a sequence of calls answers in a leased instance must be what it answers in a fresh one.
#pragma once

#include <anew/anew.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace anew::fairness {

struct Settings {
  bool audit = true;    ///< most resets; else only what guests can see counts
  bool kills = false;   ///< some calls get a deadline that passes while they run; some of them never return otherwise
  bool fuel = false;    ///< some calls get little fuel
  bool stores = false;  ///< functions store to memories, and do little else
  Tier tier = Tier::kQuick;
};

struct Tally {
  std::uint64_t modules = 0;
  std::uint64_t refused = 0;  ///< of these, without a pool: a start function that traps and the like
  std::uint64_t calls = 0;
  std::uint64_t traps = 0;
  std::map<TrapKind, std::uint64_t> traps_by_kind;
  std::uint64_t kills = 0;   ///< of these
  std::uint64_t probes = 0;  ///< sequences of calls compared with a fresh instance's
  std::uint64_t resets = 0;
  std::uint64_t audits = 0;
  std::uint64_t optimized = 0;  ///< functions
};

/// What a guest could tell, and how to come to it.
struct Finding {
  std::string difference;
  std::string options;
  std::vector<std::string> calls;  ///< the last ones before it
  std::vector<std::pair<std::string, std::vector<std::byte>>> modules;
};

/// The same seed makes the same case, but for when kills strike.
/// @param foreign  a module to use; empty: some of our own.
[[nodiscard]] std::optional<Finding> run_case(const Engine& engine, std::uint64_t seed,
                                              const std::vector<std::byte>& foreign, const Settings& settings,
                                              Tally& tally);

}  // namespace anew::fairness
