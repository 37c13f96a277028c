// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a call in an instance as new costs beyond instructions: no system call and no allocation, once an instance
// and the thread's guest stack are there.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// The whole program's: counts, and otherwise does what the library's own does.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace anew::test {
namespace {

class SteadyState : public testing::Test {
 protected:
  static Pool make() {
    Linker linker;
    linker.define("env", "host", [](Caller caller, std::int32_t value) -> Result<std::int32_t> {
      auto stored = caller.memory().store(300'000, value);
      if (!stored) return std::unexpected(stored.error());
      return value + 1;
    });
    linker.define_module("other",
                         compile(R"((module (memory (export "memory") 1) (global (export "g") (mut i32) (i32.const 1))
      (func (export "write") (param i32) (i32.store (local.get 0) (i32.const 5)))))"));
    return make_pool(R"((module (import "env" "host" (func $host (param i32) (result i32)))
      (import "other" "write" (func $write_there (param i32))) (import "other" "g" (global $there (mut i32)))
      (memory 32) (memory $further 1) (table 3 funcref) (elem (i32.const 0) $constant) (global $g (mut i64) (i64.const 1))
      (data (i32.const 0) "image") (data $passive "segment")
      (func $constant (export "constant") (result i32) (i32.const 1))
      (func (export "write") (param i32) (i32.store (local.get 0) (i32.const 1)))
      (func (export "write_256_pages") (local i32)
        (loop (i64.store (local.get 0) (i64.const -1))
          (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4096))) (i32.const 0x100000)))))
      (func (export "bulk") (memory.fill (i32.const 9000) (i32.const 1) (i32.const 9000))
        (memory.copy (i32.const 100) (i32.const 9000) (i32.const 5000))
        (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7)) (data.drop $passive))
      (func (export "others") (call $write_there (i32.const 700)) (global.set $there (i32.const 7))
        (i32.store $further (i32.const 4000) (i32.const 7)))
      (func (export "table") (global.set $g (i64.const 2)) (table.set 0 (i32.const 1) (ref.func $constant)))
      (func (export "host") (param i32) (result i32) (call $host (local.get 0)))))",
                     {.capacity = 2}, linker);
  }

  template <typename R, typename F, typename... A>
  static bool call(const Pool& pool, const F& function, A... arguments) {
    Result<Lease> lease = pool.acquire();
    if constexpr (std::is_convertible_v<F, std::string_view>)
      return lease && lease->call<R>(function, arguments...).has_value();
    else
      return lease && lease->call(function, arguments...).has_value();
  }

  /// One call of each kind, each in an instance as new. @return false if one fails.
  static bool round(const Pool& pool, const Function<std::int32_t()>& constant) {
    return call<std::int32_t>(pool, constant) && call<std::int32_t>(pool, "constant") &&
           call<void>(pool, "write", 70'000) && call<void>(pool, "write_256_pages") && call<void>(pool, "bulk") &&
           call<void>(pool, "table") && call<void>(pool, "others") && call<std::int32_t>(pool, "host", 4);
  }
};

/// From here on any system call of this process but exit_group ends it with SIGSYS.
bool forbid_system_calls() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Runs `body` in a child process without system calls. @return its wait status; its exit code is 0 if `body` is true.
template <typename Body>
int without_system_calls(Body&& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (!forbid_system_calls()) _exit(99);
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST_F(SteadyState, MakesNoSystemCallInTenThousandCalls) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers make system calls of their own";
  // The means works: one system call ends the child.
  const int caught = without_system_calls([] { return syscall(SYS_getppid) > 0; });
  ASSERT_TRUE(WIFSIGNALED(caught) && WTERMSIG(caught) == SIGSYS) << caught;

  const Pool pool = make();
  const auto constant = pool.function<std::int32_t()>("constant").value();
  ASSERT_TRUE(round(pool, constant));
  const int status = without_system_calls([&] {
    for (int i = 0; i < 10'000; ++i)
      if (!round(pool, constant)) return false;
    return true;
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << (WIFSIGNALED(status) ? "a system call was made" : "a call failed");
}

TEST_F(SteadyState, AllocatesNothing) {
  const Pool pool = make();
  const auto constant = pool.function<std::int32_t()>("constant").value();
  ASSERT_TRUE(round(pool, constant));
  const std::uint64_t before = allocations.load();
  bool ok = true;
  for (int i = 0; i < 1000; ++i) ok = round(pool, constant) && ok;
  EXPECT_EQ(allocations.load(), before);
  EXPECT_TRUE(ok);
  EXPECT_GT(before, 0u) << "the counting works";
}

}  // namespace
}  // namespace anew::test
