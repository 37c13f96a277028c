// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Has the fairness fuzzer's modules optimized in its own process. ANEW_MARK_FAULT in the environment is the number of a
// MarkFault to plant in all of them.
#include <cstdlib>

#include "support/optimizing/optimize_here.hpp"

namespace {

[[maybe_unused]] const bool kHere = [] {
  const char* const fault = std::getenv("ANEW_MARK_FAULT");
  anew::test::optimize_here(anew::test::Share::kAll,
                            static_cast<anew::codegen::optimizing::MarkFault>(fault == nullptr ? 0 : std::atoi(fault)));
  return true;
}();

}  // namespace
