// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// --ledger, and what becomes of it on a kernel without PAGEMAP_SCAN.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

class LedgerOption : public CommandTest {};

constexpr std::string_view kCounter = R"((module (memory 1) (data (i32.const 0) "\01")
  (func (export "count") (result i32) (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
    (i32.load8_u (i32.const 0)))))";

TEST_F(LedgerOption, EachGivesInstancesAsNew) {
  const std::string module = file("m.wat", kCounter);
  for (const char* const ledger : {"auto", "cards", "pagemap", "cow"}) {
    const Outcome outcome = anew({"call", module, "count", "--ledger", ledger, "--repeat", "50", "--audit"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(outcome.out.starts_with("2\n")) << outcome.out;
  }
  EXPECT_EQ(anew({"call", module, "count", "--ledger", "chalk"}).exit_code, 64);
}

TEST_F(LedgerOption, InspectSaysWhatAutoChoosesAndWhy) {
  const Outcome outcome = anew({"inspect", file("m.wat", kCounter)});
  EXPECT_TRUE(contains(outcome.out, "ledger: cards, because ")) << outcome.out;
}

/// As on a kernel before Linux 6.7: the ioctl is not known. Lasts over exec.
bool hide_pagemap_scan() {
  constexpr unsigned kPagemapScan = 0xC0606610;  // _IOWR('f', 16, struct of 96 bytes)
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kPagemapScan, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 25),  // ENOTTY
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {static_cast<unsigned short>(std::size(program)), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(LedgerOption, PagemapFallsBackToCowWhereTheKernelHasNoneAndSaysSo) {
  const std::string module = file("m.wat", kCounter);
  int pipes[2] = {};
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipes[1], STDOUT_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    close(pipes[0]);
    if (!hide_pagemap_scan()) _exit(99);
    const std::string command = ANEW_BINARY_DIR "/anew";
    execl(command.c_str(), command.c_str(), "call", module.c_str(), "count", "--ledger", "pagemap", "--audit", nullptr);
    _exit(98);
  }
  close(pipes[1]);
  std::string output;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(pipes[0], buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(size));
  close(pipes[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << output;
  EXPECT_TRUE(
      contains(output, "note: the ledger is cow: asked for pagemap, but this kernel does not answer PAGEMAP_SCAN"))
      << output;
  EXPECT_TRUE(contains(output, "2\naudit: 1 checked, 0 failures")) << output;
}

}  // namespace
}  // namespace anew::testing
