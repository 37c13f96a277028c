// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/machine_context.hpp"

#include <gtest/gtest.h>
#include <ucontext.h>

namespace anew::os {
namespace {

TEST(MachineContext, GivesEachRegisterByTheNumberThatInstructionsHave) {
  constexpr int kInOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  ucontext_t context = {};
  MachineContext machine(&context);
  for (unsigned i = 0; i < 16; ++i) machine.set_general(i, 100 + i);
  machine.set_pc(99);
  EXPECT_EQ(machine.pc(), 99u);
  EXPECT_EQ(context.uc_mcontext.gregs[REG_RIP], 99);
  for (unsigned i = 0; i < 16; ++i) {
    EXPECT_EQ(context.uc_mcontext.gregs[kInOrder[i]], 100 + i) << i;
    EXPECT_EQ(machine.general(i), 100 + i) << i;
  }
}

}  // namespace
}  // namespace anew::os
