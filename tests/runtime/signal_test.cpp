// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults that are not a guest's go on to whoever handled them before.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "os/signals.hpp"
#include "runtime/trap_handler.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

// Tests of dispositions run in a child that is executed anew, so that nothing has installed handlers before.
class SignalDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "the sanitizers have handlers of their own";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

volatile int* nowhere() {
  int* address = nullptr;
  asm volatile("" : "+r"(address));  // the compiler shall not know
  return address;
}

void fault_in_a_host_function() {
  Linker linker;
  linker.define("env", "fault", [] { *nowhere() = 1; });
  const Pool pool =
      make_pool(R"((module (import "env" "fault" (func $f)) (func (export "run") (call $f))))", {}, linker);
  (void)pool.acquire()->call("run");
}

void guest_fault() {
  const Pool pool = make_pool(R"((module (memory 1) (func (export "run") (drop (i32.load (i32.const -1))))))");
  if (pool.acquire()->call("run").error().trap != TrapKind::kMemoryOutOfBounds) _exit(1);
}

TEST_F(SignalDeathTest, AFaultInAHostFunctionTakesTheDefaultAction) {
  EXPECT_EXIT(fault_in_a_host_function(), testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(SignalDeathTest, AFaultInAHostFunctionGoesToThePreviousHandlerWithItsInformation) {
  EXPECT_EXIT(
      {
        struct sigaction action = {};
        action.sa_flags = SA_SIGINFO;
        action.sa_sigaction = [](int, siginfo_t* info, void* context) {
          _exit(info->si_addr == nullptr && context != nullptr ? 42 : 1);
        };
        sigaction(SIGSEGV, &action, nullptr);
        guest_fault();  // ours; the handler above does not see it
        fault_in_a_host_function();
      },
      testing::ExitedWithCode(42), "");
}

TEST_F(SignalDeathTest, APreviousHandlerMayRepairTheFault) {
  EXPECT_EXIT(
      {
        static void* page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::signal(SIGSEGV, [](int) { mprotect(page, 4096, PROT_READ | PROT_WRITE); });
        detail::install_signal_handlers();
        *static_cast<volatile int*>(page) = 7;
        guest_fault();
        _exit(*static_cast<volatile int*>(page));
      },
      testing::ExitedWithCode(7), "");
}

TEST_F(SignalDeathTest, AnIgnoredFaultStillEndsTheProcess) {
  EXPECT_EXIT(
      {
        std::signal(SIGSEGV, SIG_IGN);
        detail::install_signal_handlers();
        *nowhere() = 1;
      },
      testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(SignalDeathTest, ASentSignalIsNoFaultEvenWhileAGuestsHostFunctionRuns) {
  EXPECT_EXIT(
      {
        std::signal(SIGSEGV, [](int) { _exit(43); });
        Linker linker;
        linker.define("env", "send", [] { raise(SIGSEGV); });
        const Pool pool =
            make_pool(R"((module (import "env" "send" (func $f)) (func (export "run") (call $f))))", {}, linker);
        (void)pool.acquire()->call("run");
      },
      testing::ExitedWithCode(43), "");
}

void be_stopped() {
  const Pool pool = make_pool(R"((module (func (export "run") (loop $again (br $again)))))");
  Lease lease = pool.acquire().value();
  lease.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(2));
  if (lease.call("run").error().trap != TrapKind::kInterrupted) _exit(1);
}

TEST_F(SignalDeathTest, ANudgeOfSomebodyElseGoesToThePreviousHandlerWithItsInformation) {
  EXPECT_EXIT(
      {
        static int value = 0;
        struct sigaction action = {};
        action.sa_flags = SA_SIGINFO;
        action.sa_sigaction = [](int, siginfo_t* info, void* context) {
          _exit(info->si_value.sival_ptr == &value && context != nullptr ? 42 : 1);
        };
        sigaction(os::nudge_signal(), &action, nullptr);
        be_stopped();  // ours; the handler above does not see it
        pthread_sigqueue(pthread_self(), os::nudge_signal(), {.sival_ptr = &value});
      },
      testing::ExitedWithCode(42), "");
}

TEST_F(SignalDeathTest, ANudgeOfSomebodyElseTakesTheDefaultAction) {
  EXPECT_EXIT(
      {
        be_stopped();
        raise(os::nudge_signal());
      },
      testing::KilledBySignal(os::nudge_signal()), "");
}

TEST_F(SignalDeathTest, ANudgeOfSomebodyElseIsIgnoredIfItWas) {
  EXPECT_EXIT(
      {
        std::signal(os::nudge_signal(), SIG_IGN);
        be_stopped();
        raise(os::nudge_signal());
        be_stopped();
        _exit(42);
      },
      testing::ExitedWithCode(42), "");
}

TEST(SignalStack, OfTheEmbedderIsUsedIfItIsLargeEnough) {
  static std::byte stack[64 * 1024];
  const stack_t own = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack)};
  const Pool pool = make_pool(R"((module (memory 1) (func (export "run") (drop (i32.load (i32.const -1))))))");
  int error = -1;
  stack_t after = {};
  std::jthread([&] {
    stack_t before = {};
    sigaltstack(&own, &before);
    error = pool.acquire()->call("run").error().trap == TrapKind::kMemoryOutOfBounds ? 0 : 1;
    sigaltstack(nullptr, &after);
    sigaltstack(&before, nullptr);
  }).join();
  EXPECT_EQ(error, 0);
  EXPECT_EQ(after.ss_sp, static_cast<void*>(stack));
}

}  // namespace
}  // namespace anew::test
