// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The programs that anew_bench_liftoff and anew_bench_optimized run: where the module comes from, and what is done with
// it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guest.hpp"

namespace anew::bench {

/// What is done with one guest. Every guest of a program has a scenario of its own, and all of these do the same.
class Scenario {
 public:
  Scenario() = default;
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;
  virtual ~Scenario() = default;

  virtual void set_up(Guest&) {}
  /// Prepares the next call to be timed.
  [[nodiscard]] virtual Call next(Guest& guest) = 0;
  /// What the timed call did, in a form in which all guests must agree; called after each.
  [[nodiscard]] virtual std::string check(Guest&, std::uint32_t result) { return std::to_string(result); }
};

struct Program {
  std::string name;
  std::string source;  ///< "C", "C++" and the library, or an npm package with its version
  std::string path;
  std::function<std::unique_ptr<Scenario>()> make_scenario;
  Imports imports = {};
};

[[nodiscard]] std::vector<Program> programs();

/// Ends the program with status 64 if one of the names that were asked for is none of these.
void require_names(const std::vector<std::string>& names, const std::vector<std::string>& known);

}  // namespace anew::bench
