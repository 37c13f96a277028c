// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "os/file.hpp"

namespace anew::os {
namespace {

std::atomic<bool> was_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");
struct sigaction previous = {};
bool watching = false;

}  // namespace

bool standard_output_is_terminal() noexcept { return isatty(STDOUT_FILENO) == 1; }
bool standard_input_is_terminal() noexcept { return isatty(STDIN_FILENO) == 1; }
bool standard_error_is_terminal() noexcept { return isatty(STDERR_FILENO) == 1; }

void open_standard_descriptors() noexcept {
  for (;;) {
    const int number = ::open("/dev/null", O_RDWR);  // the lowest that is free; for children too
    if (number >= 0 && number <= STDERR_FILENO) continue;
    if (number >= 0) ::close(number);
    return;
  }
}

std::FILE* detach_standard_output() noexcept {
  (void)std::fflush(stdout);
  Descriptor copy(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!copy.is_open()) return nullptr;
  std::FILE* const file = fdopen(copy.number(), "w");
  if (file == nullptr) return nullptr;
  if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    (void)copy.release();
    (void)std::fclose(file);
    return nullptr;
  }
  (void)copy.release();  // the stream's now
  return file;
}

InterruptWatch::InterruptWatch() noexcept {
  was_interrupted.store(false, std::memory_order_relaxed);
  if (sigaction(SIGINT, nullptr, &previous) != 0 || previous.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = [](int) { was_interrupted.store(true, std::memory_order_relaxed); };
  // On the alternate stack: a guest's may be nearly full. Once: the second interrupt finds what was there before.
  action.sa_flags = SA_ONSTACK | SA_RESTART | static_cast<int>(SA_RESETHAND);
  watching = sigaction(SIGINT, &action, nullptr) == 0;
}

InterruptWatch::~InterruptWatch() {
  if (watching) (void)sigaction(SIGINT, &previous, nullptr);
  watching = false;
}

bool InterruptWatch::interrupted() noexcept { return was_interrupted.load(std::memory_order_relaxed); }

}  // namespace anew::os
