// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/measure.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "cli/progress.hpp"
#include "os/terminal.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Interrupt = os::InterruptWatch;

constexpr std::chrono::milliseconds kReportInterval{20};
constexpr double kPageBytes = 4096;

/// What one thread, and then all threads together, saw in a pass.
struct Samples {
  std::vector<std::uint32_t> nanoseconds;  // saturates at 4.3 s
  std::vector<double> pages;
  std::set<Bytes> results;
  std::optional<Error> error;
};

struct Pass {
  const char* name;
  std::uint64_t calls;
  std::uint32_t threads;
  bool count_pages;
  std::optional<Clock::time_point> end;  ///< no call begins behind it, but for the first
  std::function<Result<Lease>()> open;
};

std::uint32_t nanoseconds_between(Clock::time_point begin, Clock::time_point end) {
  const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
  return static_cast<std::uint32_t>(std::clamp<decltype(count)>(count, 0, 0xFFFF'FFFF));  // fits: clamped
}

void run_thread(const Pass& pass, std::uint64_t calls, const GuestCall& call, std::atomic<std::uint64_t>& done,
                const std::atomic<bool>& stop, Progress& progress, Samples& samples) {
  samples.nanoseconds.reserve(calls);
  if (pass.count_pages) samples.pages.reserve(calls);
  Bytes result;
  Bytes previous;
  std::uint64_t reported = 0;  // calls of this thread that are counted in `done`
  Clock::time_point reported_at = Clock::now();
  for (std::uint64_t i = 0; i < calls && !stop.load(std::memory_order_relaxed) && !Interrupt::interrupted(); ++i) {
    const Clock::time_point begin = Clock::now();
    if (i > 0 && pass.end && begin > *pass.end) return;
    auto lease = pass.open();
    if (!lease) {
      samples.error = std::move(lease.error());
      return;
    }
    auto called = call(*lease, result);
    if (pass.count_pages) samples.pages.push_back(static_cast<double>(lease->dirty_bytes()) / kPageBytes);
    lease->release();
    const Clock::time_point end = Clock::now();

    if (!called) {
      samples.error = std::move(called.error());
      return;
    }
    samples.nanoseconds.push_back(nanoseconds_between(begin, end));
    if (i == 0 || result != previous) {
      samples.results.insert(result);
      previous = result;
    }
    // Rarely: threads that write to the same memory after each call would disturb one another.
    if (end - reported_at > kReportInterval) {
      const std::uint64_t new_calls = i + 1 - std::exchange(reported, i + 1);
      progress.update(done.fetch_add(new_calls, std::memory_order_relaxed) + new_calls, pass.calls);
      reported_at = end;
    }
  }
}

Samples run(const Pass& pass, const GuestCall& call) {
  Progress progress(pass.name);
  std::atomic<std::uint64_t> done = 0;  // calls of all threads, or nearly
  std::atomic<bool> stop = false;
  std::vector<Samples> parts(pass.threads);
  {
    std::vector<std::jthread> threads;
    threads.reserve(pass.threads);
    for (std::uint32_t i = 0; i < pass.threads; ++i) {
      const std::uint64_t share = pass.calls / pass.threads + (i < pass.calls % pass.threads ? 1 : 0);
      threads.emplace_back([&, i, share] {
        run_thread(pass, share, call, done, stop, progress, parts[i]);
        if (parts[i].error) stop.store(true, std::memory_order_relaxed);
      });
    }
  }
  Samples all;
  for (Samples& part : parts) {
    all.nanoseconds.insert(all.nanoseconds.end(), part.nanoseconds.begin(), part.nanoseconds.end());
    all.pages.insert(all.pages.end(), part.pages.begin(), part.pages.end());
    all.results.merge(part.results);
    if (part.error && !all.error) all.error = std::move(part.error);
  }
  return all;
}

template <typename T>
Distribution distribution(std::vector<T> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto percentile = [&](std::size_t percent) {
    // The nearest rank: the smallest sample that at least `percent` of 100 do not exceed.
    return static_cast<double>(samples[(samples.size() * percent + 99) / 100 - 1]);
  };
  Distribution result;
  result.min = static_cast<double>(samples.front());
  result.p50 = percentile(50);
  result.p99 = percentile(99);
  result.max = static_cast<double>(samples.back());
  result.mean = std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  return result;
}

/// What a timed stretch with nothing in it takes.
double clock_nanoseconds() {
  std::vector<std::uint32_t> samples;
  for (int i = 0; i < 1000; ++i) {
    const Clock::time_point begin = Clock::now();
    samples.push_back(nanoseconds_between(begin, Clock::now()));
  }
  return distribution(std::move(samples)).p50;
}

/// Makes one instance for each thread and puts it through a call, so that no timed call has to.
Result<void> warm_up(const Pool& pool, std::uint32_t threads, const GuestCall& call) {
  std::vector<Lease> leases;
  Bytes result;
  for (std::uint32_t i = 0; i < threads; ++i) {
    auto lease = TRY(pool.acquire());
    if (auto called = call(lease, result); !called) return called;
    leases.push_back(std::move(lease));
  }
  return {};
}

}  // namespace

Result<Measurement> measure(const MakeSubject& make_subject, const MeasureOptions& options) {
  const Interrupt watch;
  (void)std::fflush(stdout);  // what was printed is to be seen while this runs
  Measurement measurement;
  measurement.threads = options.threads;
  measurement.audit = options.audit;
  measurement.clock = clock_nanoseconds();

  const auto subject = make_subject(options.threads, 0);
  if (!subject) return std::unexpected(subject.error());
  const Pool& pool = subject->pool;
  TRY(warm_up(pool, options.threads, subject->call));

  Samples as_new =
      run({"calls as new", options.calls, options.threads, false, std::nullopt, [&] { return pool.acquire(); }},
          subject->call);
  if (as_new.error) return std::unexpected(std::move(*as_new.error));
  measurement.calls = as_new.nanoseconds.size();
  measurement.as_new = distribution(std::move(as_new.nanoseconds));
  measurement.distinct_as_new = as_new.results.size();

  Samples fresh = run({"fresh instantiations", std::min(options.calls, kFreshCalls), options.threads, false,
                       Clock::now() + kFreshTime, [&] { return pool.instantiate(); }},
                      subject->call);
  if (fresh.error) return std::unexpected(std::move(*fresh.error));
  measurement.fresh_calls = fresh.nanoseconds.size();
  measurement.fresh = distribution(std::move(fresh.nanoseconds));
  measurement.distinct_fresh = fresh.results.size();

  const auto checked_subject = TRY(options.audit ? make_subject(options.threads, 1) : subject);
  const Pool& checked_pool = checked_subject.pool;
  const std::uint64_t checked_calls = options.audit ? options.calls : std::min(options.calls, kSampledCalls);
  Samples checked = run({options.audit ? "audited calls" : "counting pages", checked_calls, options.threads, true,
                         std::nullopt, [&] { return checked_pool.acquire(); }},
                        checked_subject.call);
  if (checked.error) return std::unexpected(std::move(*checked.error));
  measurement.checked_calls = checked.pages.size();
  measurement.dirty_pages = distribution(std::move(checked.pages));
  if (options.audit) {
    const PoolStatistics statistics = checked_pool.statistics();
    measurement.audit_checked = statistics.audited;
    measurement.audit_failures = statistics.audit_failures;
    measurement.audit_report = checked_pool.audit_report();
  }

  as_new.results.merge(fresh.results);
  as_new.results.merge(checked.results);
  measurement.distinct = as_new.results.size();
  measurement.interrupted = Interrupt::interrupted();
  return measurement;
}

}  // namespace anew::cli
