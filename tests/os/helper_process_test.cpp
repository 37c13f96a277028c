// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/helper_process.hpp"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <utility>

#include "child_process.hpp"

namespace anew::os {
namespace {

using Outcome = HelperProcess::Outcome;

/// Of cat, which sends back what it gets.
bool echoes(HelperProcess& helper) {
  std::byte byte{7};
  const auto deadline = HelperProcess::Clock::now() + std::chrono::seconds(60);
  if (helper.send({&byte, 1}, deadline, {}) != Outcome::kDone) return false;
  byte = {};
  return helper.receive({&byte, 1}, deadline, {}) == Outcome::kDone && byte == std::byte{7};
}

TEST(HelperProcess, IsKilledAndWaitedForWhenItGoes) {
  const int status = test::run_in_child([] {
    if (auto helper = HelperProcess::start("/bin/cat"); !helper || !echoes(*helper)) return 1;
    return waitpid(-1, nullptr, 0) == -1 && errno == ECHILD ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(HelperProcess, SaysHowItEndedUnlessSomebodyElseWaitedForIt) {
  for (const bool is_reaped : {false, true}) {
    const int status = test::run_in_child([&] {
      auto helper = HelperProcess::start("/bin/false");
      siginfo_t info = {};
      if (!helper || waitid(P_ALL, 0, &info, WEXITED | (is_reaped ? 0 : WNOWAIT)) != 0) return 1;
      return helper->end() == (is_reaped ? "was ended" : "exited with status 1") ? 0 : 2;
    });
    EXPECT_EQ(status, 0) << is_reaped;
  }
}

/// A child with that number, which waits for a signal. @return whether it could be had.
bool start_numbered(pid_t number) {
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&number);  // as the system wants it
  arguments.set_tid_size = 1;
  const long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child == 0)
    for (;;) pause();
  return child == number;
}

TEST(HelperProcess, LeavesTheProcessorToOthersIfAsked) {
  using Priority = HelperProcess::Priority;
  for (const auto& [priority, added] : {std::pair(Priority::kOurs, 0), std::pair(Priority::kLow, 10)}) {
    const int status = test::run_in_child([&] {
      const int ours = getpriority(PRIO_PROCESS, 0);
      auto helper = HelperProcess::start("/bin/cat", priority);
      if (!helper || !echoes(*helper)) return 1;
      int child = 0;
      if (!(std::ifstream("/proc/thread-self/children") >> child)) return 77;
      return getpriority(PRIO_PROCESS, static_cast<id_t>(child)) == std::max(ours, added) ? 0 : 2;
    });
    if (status == 77) GTEST_SKIP() << "the system does not list a process's children";
    EXPECT_EQ(status, 0) << added;
  }
}

/// What embedders do who wait for all children, when a number is given to another process then.
TEST(HelperProcess, IsNotTakenForAnotherThatGotItsNumber) {
  // Numbers are chosen by who may, or in a namespace of one's own.
  const int status = test::run_in_child([] {
    if (geteuid() != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return 77;
    return test::run_in_child([] {
      pid_t number = -1;
      {
        const auto helper = HelperProcess::start("/bin/true");
        if (helper) number = waitpid(-1, nullptr, 0);
        if (number <= 0) return 1;
        if (!start_numbered(number)) return 77;
      }
      if (waitpid(number, nullptr, WNOHANG) != 0) return 2;
      kill(number, SIGKILL);
      return waitpid(number, nullptr, 0) == number ? 0 : 3;
    });
  });
  if (status == 77) GTEST_SKIP() << "a process's number cannot be chosen here";
  EXPECT_EQ(status, 0) << "2: another process was killed";
}

}  // namespace
}  // namespace anew::os
