// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs scripts in processes of their own, as many at a time as there are cores: a crash or a hang in one is a failure
// of that script and hides no other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "script.hpp"

namespace anew::spec {

struct Counts {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t not_applicable = 0;

  Counts& operator+=(const Counts& other) noexcept {
    passed += other.passed;
    failed += other.failed;
    not_applicable += other.not_applicable;
    return *this;
  }
};

struct Job {
  Way way;
  std::size_t group;           ///< index into Corpus::groups
  std::string script;          ///< such as "2.0/address"
  std::string not_applicable;  ///< why it is counted only, not run
};

struct JobResult {
  Counts counts;
  std::vector<std::string> failures;             ///< "script:line: way: expected this, but found that"
  std::map<std::string, std::uint64_t> reasons;  ///< why commands did not apply, and how many
};

struct JobOptions {
  std::filesystem::path corpus;
  Features features = Features::every();  ///< that engines accept
  bool verbose = false;                   ///< list also the failures that follow from that of a module
  bool progress = false;                  ///< on standard error
};

/// @return a result for each job, in their order.
/// @throws std::system_error if the system gives no processes, pipes or memory.
[[nodiscard]] std::vector<JobResult> run_jobs(std::span<const Job> jobs, const JobOptions& options);

}  // namespace anew::spec
