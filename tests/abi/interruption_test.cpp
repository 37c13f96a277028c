// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/interruption.hpp"

#include <gtest/gtest.h>
#include <ucontext.h>

namespace anew::abi {
namespace {

TEST(Interruption, ReadsTheRegistersThatTheConventionGivesAMeaning) {
  ucontext_t context = {};
  context.uc_mcontext.gregs[REG_RIP] = 1;
  context.uc_mcontext.gregs[REG_RBP] = 2;
  context.uc_mcontext.gregs[REG_RSP] = 3;
  const Interrupted interrupted = interrupted_by(os::MachineContext(&context));
  EXPECT_EQ(interrupted.pc, 1u);
  EXPECT_EQ(interrupted.frame_pointer, 2u);
  EXPECT_EQ(interrupted.stack_pointer, 3u);
}

TEST(Interruption, LandsWithTheRecordAsArgumentAndAllElseAsItWas) {
  ucontext_t context = {};
  context.uc_mcontext.gregs[REG_RSP] = 3;
  context.uc_mcontext.gregs[REG_RSI] = 5;
  ThreadRecord record;
  os::MachineContext machine(&context);
  resume_at_landing(machine, record);
  EXPECT_EQ(static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]),
            reinterpret_cast<std::uint64_t>(&anew_landing));
  EXPECT_EQ(static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RDI]), reinterpret_cast<std::uint64_t>(&record));
  EXPECT_EQ(context.uc_mcontext.gregs[REG_RSP], 3);
  EXPECT_EQ(context.uc_mcontext.gregs[REG_RSI], 5);
}

}  // namespace
}  // namespace anew::abi
