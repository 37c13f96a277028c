// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Has the fairness fuzzer's modules optimized in its own process.
#include "support/optimizing/optimize_here.hpp"

namespace {

[[maybe_unused]] const bool kHere = [] {
  anew::test::optimize_here(anew::test::Share::kAll);
  return true;
}();

}  // namespace
