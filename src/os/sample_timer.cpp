// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/sample_timer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace anew::os {
namespace {

// Written while no timer runs.
SampleHandler sample_handler = nullptr;

void on_sample_signal(int /*signal*/, siginfo_t* info, void* context) {
  if (info->si_code != SI_TIMER) return;
  const int saved_errno = errno;
  sample_handler(MachineContext(context));
  errno = saved_errno;
}

}  // namespace

struct SampleTimer::State {
  timer_t timer = nullptr;
  bool is_running = false;
  struct sigaction before = {};

  ~State() {
    if (is_running) timer_delete(timer);
    // One that is under way is dropped: it would end the process if nobody handled it.
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPROF, &ignore, nullptr);
    sigaction(SIGPROF, &before, nullptr);
  }
};

SampleTimer::SampleTimer(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
SampleTimer::SampleTimer(SampleTimer&&) noexcept = default;
SampleTimer::~SampleTimer() = default;

Result<SampleTimer> SampleTimer::start(std::chrono::nanoseconds interval, SampleHandler handler) {
  const auto refused = [](const char* what) {
    return fail(ErrorCode::kResource, fmt::format("cannot sample: {}: {}", what, std::strerror(errno)));
  };
  sample_handler = handler;
  struct sigaction action = {};
  action.sa_sigaction = on_sample_signal;
  // System calls of the guest's host functions are not to notice.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  struct sigaction before = {};
  if (sigaction(SIGPROF, &action, &before) != 0) return refused("sigaction");
  auto state = std::make_unique<State>();
  state->before = before;

  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event._sigev_un._tid = gettid();
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &state->timer) != 0) return refused("timer_create");
  state->is_running = true;
  itimerspec times = {};
  times.it_interval.tv_sec = static_cast<time_t>(interval / std::chrono::seconds(1));
  times.it_interval.tv_nsec = static_cast<long>((interval % std::chrono::seconds(1)).count());  // below 10^9
  times.it_value = times.it_interval;
  if (timer_settime(state->timer, 0, &times, nullptr) != 0) return refused("timer_settime");
  return SampleTimer(std::move(state));
}

}  // namespace anew::os
