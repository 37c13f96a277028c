// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/background_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <memory>
#include <new>

namespace anew::os {
namespace {

/// A thread's argument is a pointer to an object, which a pointer to a function is not.
struct Start {
  void (*run)();
};

void* run_start(void* given) {
  const std::unique_ptr<const Start> start(static_cast<const Start*>(given));  // start_background_thread gave it
  start->run();
  return nullptr;
}

}  // namespace

bool start_background_thread(void (*run)()) noexcept {
  std::unique_ptr<Start> start(new (std::nothrow) Start{run});
  if (start == nullptr) return false;
  // The thread begins with the mask of the one that makes it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const bool started = pthread_create(&thread, nullptr, run_start, start.get()) == 0;
  if (started) (void)start.release();  // the thread's
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) pthread_detach(thread);
  return started;
}

bool call_at_fork(void (*before)(), void (*after)(), void (*in_child)()) noexcept {
  return pthread_atfork(before, after, in_child) == 0;
}

}  // namespace anew::os
