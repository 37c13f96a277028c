// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/signals.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <new>
#include <type_traits>

namespace anew::os {
namespace {

constexpr std::array<int, 2> kFaultSignals = {SIGSEGV, SIGBUS};
constexpr std::size_t kSmallestStack = 32 << 10;
constexpr std::size_t kOwnStack = 64 << 10;

// Written before the handlers are installed, and constant from then on.
FaultHandler fault_handler = nullptr;
NudgeHandler nudge_handler = nullptr;
struct sigaction previous_segv = {};
struct sigaction previous_bus = {};
struct sigaction previous_nudge = {};

// Its address is the value that our own signals carry.
constexpr char kOurs = 0;

struct sigaction& previous_of(int signal) noexcept {
  if (signal == SIGSEGV) return previous_segv;
  return signal == SIGBUS ? previous_bus : previous_nudge;
}

/// Lets the default action happen: a fault happens again when this handler returns; a sent signal must be sent again.
void fall_back_to_default(int signal, bool is_fault) noexcept {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  if (!is_fault) raise(signal);
}

/// Runs the handler that was there before, as the kernel would have.
void pass_on(int signal, siginfo_t* info, void* context, bool is_fault) noexcept {
  struct sigaction& previous = previous_of(signal);
  const bool wants_info = (previous.sa_flags & SA_SIGINFO) != 0;
  if (!wants_info && previous.sa_handler == SIG_DFL) return fall_back_to_default(signal, is_fault);
  if (!wants_info && previous.sa_handler == SIG_IGN) {
    // The kernel does not let a fault be ignored: it takes the default action.
    if (is_fault) fall_back_to_default(signal, true);
    return;
  }
  // With the mask that the kernel would have given it. When our own handler returns, the kernel puts the interrupted
  // code's back, so nothing is undone here. The third argument of an SA_SIGINFO handler is a ucontext_t (POSIX).
  sigset_t mask;
  sigorset(&mask, &static_cast<const ucontext_t*>(context)->uc_sigmask, &previous.sa_mask);
  if ((previous.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, signal);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  const struct sigaction action = previous;
  // The kernel forgets such a handler when it first calls it.
  if ((previous.sa_flags & SA_RESETHAND) != 0) {
    previous.sa_flags = 0;
    previous.sa_handler = SIG_DFL;
  }
  if (wants_info)
    action.sa_sigaction(signal, info, context);
  else
    action.sa_handler(signal);
}

void on_fault_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // Positive codes are the kernel's own: a fault of this very thread. Others were sent by somebody.
  const bool is_fault = info->si_code > 0;
  MachineContext interrupted(context);
  if (!is_fault || !fault_handler(interrupted, reinterpret_cast<std::uint64_t>(info->si_addr)))
    pass_on(signal, info, context, is_fault);
  errno = saved_errno;
}

__attribute__((no_sanitize("thread"))) void on_nudge_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (info->si_code == SI_QUEUE && info->si_value.sival_ptr == &kOurs) {
    MachineContext interrupted(context);
    nudge_handler(interrupted);
  } else {
    pass_on(signal, info, context, false);
  }
  errno = saved_errno;
}

/// The kernel's own struct sigaction, for a processor with SA_RESTORER.
struct KernelAction {
  void (*handler)(int, siginfo_t*, void*);
  unsigned long flags;
  void (*restorer)();
  std::uint64_t mask;
};
static_assert(sizeof(KernelAction) == 32);

bool kernel_action(const KernelAction* action, KernelAction* before) noexcept {
  return syscall(SYS_rt_sigaction, nudge_signal(), action, before, sizeof(KernelAction::mask)) == 0;
}

/// A program that is built with ThreadSanitizer holds signals back until the thread calls into its runtime, which a
/// guest never does, whether Anew is built with it too or not. So the sanitizer is told of the handler and the kernel
/// gets it in the place of the sanitizer's. Handlers are not instrumented, because they may interrupt that runtime.
bool set_nudge_action() noexcept {
  struct sigaction action = {};
  action.sa_sigaction = on_nudge_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  KernelAction kernel = {};
  if (sigaction(nudge_signal(), &action, nullptr) != 0 || !kernel_action(nullptr, &kernel)) return false;
  if (kernel.handler == on_nudge_signal) return true;
  kernel.handler = on_nudge_signal;
  return kernel_action(&kernel, nullptr);
}

}  // namespace

bool install_fault_handler(FaultHandler handler) noexcept {
  fault_handler = handler;
  for (const int signal : kFaultSignals) {
    // Read before ours is in place, so that a fault in between finds it.
    if (sigaction(signal, nullptr, &previous_of(signal)) != 0) return false;
    struct sigaction action = {};
    action.sa_sigaction = on_fault_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, nudge_signal());
    if (sigaction(signal, &action, nullptr) != 0) return false;
  }
  return true;
}

bool install_nudge_handler(NudgeHandler handler) noexcept {
  nudge_handler = handler;
  return sigaction(nudge_signal(), nullptr, &previous_nudge) == 0 && set_nudge_action();
}

// Not the last one, which valgrind keeps for itself, and far from SIGRTMIN, where programs begin to count.
int nudge_signal() noexcept { return SIGRTMAX - 1; }

static_assert(std::is_same_v<ThreadId, pthread_t>);
ThreadId current_thread_id() noexcept { return pthread_self(); }

bool nudge(ThreadId thread) noexcept {
  // What carries a pointer carries it as one to what is not constant; nobody writes there.
  return pthread_sigqueue(thread, nudge_signal(), {.sival_ptr = const_cast<char*>(&kOurs)}) == 0;
}

struct SignalStack::Own {
  void* base = nullptr;
  stack_t before = {};
};

SignalStack::SignalStack() noexcept {
  stack_t now = {};
  if (sigaltstack(nullptr, &now) != 0) return;
  if ((now.ss_flags & SS_DISABLE) == 0 && now.ss_size >= kSmallestStack) {
    ready_ = true;
    return;
  }
  own_.reset(new (std::nothrow) Own);
  if (own_ == nullptr) return;
  own_->before = now;
  void* const base = mmap(nullptr, kOwnStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return;
  own_->base = base;
  const stack_t own = {.ss_sp = base, .ss_flags = 0, .ss_size = kOwnStack};
  ready_ = sigaltstack(&own, nullptr) == 0;
}

SignalStack::~SignalStack() {
  if (own_ == nullptr || own_->base == nullptr) return;
  // Somebody may have set another stack since; that one stays.
  stack_t now = {};
  if (sigaltstack(nullptr, &now) == 0 && now.ss_sp == own_->base) sigaltstack(&own_->before, nullptr);
  munmap(own_->base, kOwnStack);
}

}  // namespace anew::os
