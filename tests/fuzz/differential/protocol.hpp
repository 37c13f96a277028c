// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The differential fuzzer: random modules run in Anew and in V8, or in Wasmtime with canonical NaNs in both, which must
// agree.
//
//   anew-smith (smith/)  --module-->  anew_differential (main.cpp)  --module-->  anew_differential --worker
//   (worker.cpp) wasm-opt             --module-->                                --module-->  node v8.mjs
//                                                                                or python wasmtime_worker.py
//                                                                   <---text---  both; compared (compare.cpp)
//
// All are processes of their own that live long; one that crashes or hangs is a finding, and is started again.
//
// A request is a length and the settings (four bytes each, little endian) and the module; an answer is a length and a
// text. Its first line is "accepted", "rejected" or "failed"; lines that begin with "#" are remarks. Then, if the
// module has a plan (smith/src/instrument.rs):
//
//   segment ID                  what follows, up to the next such line, begins with a new instance
//   instantiate trap KIND
//   call EXPORT ROUND RESULT... or: call EXPORT ROUND trap KIND
//   state OBSERVER=HASH... host=CALLS:HASH
//   # optimized COUNT           so many functions of the module, which did the same
//   ! WORDS                     Anew disagrees with itself
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace anew::differential {

/// Settings: which of Anew's options the module runs with. The other engine ignores them.
struct Settings {
  std::uint32_t bits = 0;
  /// Mostly the largest cards: an audit scans the whole table, which is eight times longer with the smallest.
  [[nodiscard]] std::uint32_t card_bytes() const noexcept {
    const std::uint32_t choice = bits >> 8 & 15;
    return choice < 3 ? 512u << choice : 4096u;
  }
  static constexpr std::uint32_t kCanonicalNan = 1u << 16;
  [[nodiscard]] bool canonical_nan() const noexcept { return (bits & kCanonicalNan) != 0; }
  [[nodiscard]] bool also_without_marks() const noexcept { return (bits >> 2 & 3) == 0; }
  [[nodiscard]] bool also_optimized() const noexcept { return (bits & 3) == 0; }
  [[nodiscard]] bool also_through_artifact() const noexcept { return (bits >> 4 & 7) == 0; }
};

/// The worker's side: answers requests on standard input until it ends. @return the exit code.
int serve();

struct Comparison {
  bool comparable = true;  ///< false: a difference here means nothing (an implementation limit, a feature)
  std::string difference;  ///< empty: they agree
  std::uint64_t calls = 0;
  std::uint64_t traps = 0;
  std::uint64_t skipped_segments = 0;  ///< in which either exhausted its stack
  std::uint64_t optimized = 0;         ///< functions
};
/// @param must_be_accepted  the module is known to be valid, so a refusal is a difference, whatever its reason.
[[nodiscard]] Comparison compare(std::string_view anew, std::string_view other, bool must_be_accepted);
/// Of what a module says in two tiers, without the verdict. What memories and globals hold behind a trap may differ.
/// @return the difference ("other" is the quick tier), or what the optimized code's run complains about; empty:
/// neither.
[[nodiscard]] std::string compare_tiers(std::string_view optimized, std::string_view quick);

}  // namespace anew::differential
