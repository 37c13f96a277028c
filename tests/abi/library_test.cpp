// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/library.hpp"

#include <gtest/gtest.h>

#include <string>

namespace anew::abi {
namespace {

TEST(TrapKinds, AreAllBelowTheirNumber) {
  const std::string unknown = to_string(static_cast<TrapKind>(0xFF));
  for (std::size_t kind = 0; kind < 0xFF; ++kind)
    EXPECT_EQ(to_string(static_cast<TrapKind>(kind)) == unknown, kind >= kTrapKinds) << kind;
}

}  // namespace
}  // namespace anew::abi
