// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a thread spends its processor time in guests: samples of their stacks, taken by a signal of a timer.
#pragma once

#include <anew/error.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "os/sample_timer.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {

/// A function that was found in a sample.
struct ProfiledFunction {
  std::string name;               ///< printable, demangled
  std::string source_file;        ///< empty without DWARF
  std::uint32_t source_line = 0;  ///< of its beginning, from 1; 0 where unknown
  bool operator<(const ProfiledFunction& other) const noexcept {
    return std::tie(name, source_file, source_line) < std::tie(other.name, other.source_file, other.source_line);
  }
};

/// The samples as a tree of calls.
struct Profile {
  struct Node {
    ProfiledFunction function;
    std::uint32_t parent = 0;  ///< of the root: itself
    std::uint64_t hits = 0;    ///< samples in which it was the innermost
  };
  struct Sample {
    std::uint32_t node;
    std::chrono::microseconds time;  ///< since the start
  };
  std::vector<Node> nodes;  ///< the first is the root; each stands behind its parent
  std::vector<Sample> samples;
  std::chrono::microseconds duration{};
  std::uint64_t left_out = 0;  ///< samples for which there was no room
};

/// Samples the current thread while it lives. One at a time in a process. The signal's handler reads the guest stack of
/// this thread, within its bounds, and writes to memory that was set aside: no lock, no allocation.
class Profiler {
 public:
  /// @return kResource.
  [[nodiscard]] static Result<Profiler> start(std::chrono::nanoseconds interval);
  Profiler(Profiler&&) noexcept;
  Profiler& operator=(Profiler&&) = delete;
  ~Profiler();

  /// Ends the sampling. @param store  whose code was run: others' frames are left out. Its code is what the samples are
  /// explained by, so it has to be there still.
  [[nodiscard]] Profile finish(const StoreState& store);

 private:
  struct Samples;
  explicit Profiler(std::unique_ptr<Samples> samples) noexcept;
  static void take(const os::MachineContext& context) noexcept;

  std::unique_ptr<Samples> samples_;
  std::optional<os::SampleTimer> timer_;
};

}  // namespace anew::detail
