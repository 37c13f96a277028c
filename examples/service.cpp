// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A service: threads take requests from a queue and answer each in an instance as new, within a time, and some within
// an amount of fuel. What runs away is stopped, and the service goes on. In the end it is shut down.
#include <anew/anew.hpp>
#include <chrono>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Sum = anew::Function<std::uint64_t(std::uint64_t)>;

constexpr std::uint64_t kEndless = 1ull << 62;  // summed up one by one

struct Request {
  std::size_t number;
  std::uint64_t n;
  std::optional<std::uint64_t> fuel;  ///< what it may execute; nothing: no limit but the time
};

class Queue {
 public:
  void push(const Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push(request);
  }
  std::optional<Request> pop() {
    const std::lock_guard lock(mutex_);
    if (requests_.empty()) return std::nullopt;
    const Request request = requests_.front();
    requests_.pop();
    return request;
  }

 private:
  std::mutex mutex_;
  std::queue<Request> requests_;
};

anew::Result<std::string> answer(const anew::Pool& pool, const Sum& sum, const Request& request) {
  auto lease = pool.acquire_until(Clock::now() + 10s);  // there are fewer instances than threads
  if (!lease) return std::unexpected(lease.error());
  lease->set_deadline(Clock::now() + 250ms);
  if (request.fuel) lease->set_fuel(*request.fuel);
  const auto value = lease->call(sum, request.n);
  if (!value) return std::unexpected(value.error());
  std::string text = "the sum is " + std::to_string(*value);
  if (request.fuel) text += ", for " + std::to_string(*request.fuel - lease->fuel()) + " units of fuel";
  return text;
}

/// Takes requests until there are none. Each has an answer of its own, so threads share nothing but the queue.
void work(const anew::Pool& pool, const Sum& sum, Queue& queue, std::vector<std::string>& answers) {
  while (const auto request = queue.pop()) {
    const auto text = answer(pool, sum, *request);
    answers[request->number] = text ? *text : text.error().message;
  }
}

void answer_all(const anew::Pool& pool, const Sum& sum) {
  Queue queue;
  std::vector<std::string> answers(8);
  for (std::size_t number = 0; number < answers.size(); ++number) {
    Request request{.number = number, .n = 1000 * (number + 1), .fuel = 100'000};
    if (number == 3) request.n = kEndless;
    if (number == 5) request = {.number = number, .n = kEndless, .fuel = std::nullopt};
    queue.push(request);
  }
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { work(pool, sum, queue, answers); });
  }  // joined here
  for (std::size_t number = 0; number < answers.size(); ++number)
    std::printf("request %zu: %s\n", number, answers[number].c_str());
}

anew::Result<void> run(const char* path) {
  const anew::Engine engine;
  const auto module = engine.load(path, {.fuel = true});
  if (!module) return std::unexpected(module.error());
  const anew::Linker linker;
  const auto pool = anew::Pool::create(*module, linker, {.capacity = 3});
  if (!pool) return std::unexpected(pool.error());
  const auto sum = pool->function<std::uint64_t(std::uint64_t)>("sum");
  if (!sum) return std::unexpected(sum.error());

  // A long job beside the requests: without deadline, on a thread of its own.
  auto job = pool->acquire();
  if (!job) return std::unexpected(job.error());
  std::jthread job_thread([lease = std::move(*job), sum = *sum]() mutable {
    const auto value = lease.call(sum, kEndless);
    std::printf("the job: %s\n", value ? "done" : value.error().message.c_str());
  });

  answer_all(*pool, *sum);

  // First gently: no more leases, and time for those that are out. Then with force.
  if (const auto drained = pool->drain(Clock::now() + 50ms); !drained) {
    std::printf("drain: %s\n", drained.error().message.c_str());
    if (const auto down = pool->shutdown(Clock::now() + 10s); !down) return down;
  }
  job_thread.join();
  if (const auto late = pool->acquire(); !late) std::printf("acquire: %s\n", late.error().message.c_str());

  const anew::PoolStatistics statistics = pool->statistics();
  std::printf("%" PRIu64 " leases, %" PRIu64 " out now, %" PRIu64 " kills, %" PRIu64 " other traps\n",
              statistics.acquired, statistics.leased, statistics.kills, statistics.traps);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: service MODULE\n");
    return 64;
  }
  const auto done = run(argv[1]);
  if (!done) std::fprintf(stderr, "service: %s\n", done.error().to_string().c_str());
  return done ? 0 : 1;
}
