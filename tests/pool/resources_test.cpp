// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What happens when the system has no more address space or mappings: a clear error, and what runs goes on.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

/// Runs `body` in a child process. @return what it returned, a text.
template <typename Body>
std::string in_child(Body&& body) {
  int ends[2] = {};
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = body();
    (void)!write(ends[1], text.data(), text.size());
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? text : text + " (and the child died)";
}

/// Takes instances until one is refused, and checks that the others go on. @return the refusal, or what went wrong.
std::string exhaust(const Pool& pool, const Function<int()>& function, std::vector<Lease>& leases) {
  leases.reserve(1 << 16);
  std::string message;
  while (message.empty()) {
    auto lease = pool.acquire();
    if (!lease)
      message = lease.error().code == ErrorCode::kResource ? lease.error().message : "another code";
    else
      leases.push_back(std::move(*lease));
  }
  for (Lease& each : leases)
    if (each.call(function).value_or(0) != 1) return "a call failed: " + message;
  if (leases.size() < 2) return "hardly any: " + message;
  leases.pop_back();
  auto again = pool.acquire();
  if (!again || again->call(function).value_or(0) != 1) return "the one given back is gone: " + message;
  return message;
}

constexpr std::string_view kCounter = R"((module (memory 1) (func (export "count") (result i32)
  (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1))) (i32.load (i32.const 8)))))";

std::uint64_t address_space() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

TEST(Exhaustion, OfAddressSpaceIsAnErrorAndWhatRunsGoesOn) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers need address space of their own";
  const Pool pool = make_pool(kCounter, {.capacity = 1000});
  const auto count = pool.function<int()>("count").value();
  (void)pool.acquire()->call(count);  // maps what the thread needs
  const std::string message = in_child([&]() -> std::string {
    const rlimit limit = {address_space() + (30ull << 30), RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return "no limit";
    std::vector<Lease> leases;
    return exhaust(pool, count, leases);
  });
  EXPECT_NE(message.find("ulimit -v"), std::string::npos) << message;
}

TEST(Exhaustion, OfMappingsIsAnErrorAndWhatRunsGoesOn) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers need mappings of their own";
  std::uint64_t most = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> most;
  if (most > 1'000'000) GTEST_SKIP() << "vm.max_map_count is " << most;
  const Pool pool = make_pool(kCounter, {.capacity = 1000});
  const auto count = pool.function<int()>("count").value();
  (void)pool.acquire()->call(count);
  const std::string message = in_child([&]() -> std::string {
    // Every other page of a range: mappings that cannot be joined. A few are left for some instances.
    const std::size_t bytes = (most + 10) * 4096;
    auto* const begin =
        static_cast<char*>(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (begin == MAP_FAILED) return "no range";
    std::size_t last = 0;
    while (mprotect(begin + last, 4096, PROT_READ) == 0) last += 2 * 4096;
    for (int i = 0; i < 40; ++i) {
      last -= 2 * 4096;
      mprotect(begin + last, 4096, PROT_NONE);
    }
    std::vector<Lease> leases;
    return exhaust(pool, count, leases);
  });
  EXPECT_NE(message.find("vm.max_map_count"), std::string::npos) << message;
}

}  // namespace
}  // namespace anew::test
