// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/signals.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <new>

namespace anew::os {
namespace {

constexpr std::array<int, 2> kFaultSignals = {SIGSEGV, SIGBUS};
constexpr std::size_t kSmallestStack = 32 << 10;
constexpr std::size_t kOwnStack = 64 << 10;

// Written before the handlers are installed, and constant from then on.
FaultHandler fault_handler = nullptr;
struct sigaction previous_segv = {};
struct sigaction previous_bus = {};

struct sigaction& previous_of(int signal) noexcept { return signal == SIGSEGV ? previous_segv : previous_bus; }

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
  // On return from our own handler the kernel puts the interrupted code's mask back, so nothing is undone here.
  pthread_sigmask(SIG_BLOCK, &previous.sa_mask, nullptr);
  if ((previous.sa_flags & SA_NODEFER) != 0) {
    sigset_t self;
    sigemptyset(&self);
    sigaddset(&self, signal);
    pthread_sigmask(SIG_UNBLOCK, &self, nullptr);
  }
  const struct sigaction action = previous;
  // The kernel forgets such a handler when it first calls it.
  if ((previous.sa_flags & SA_RESETHAND) != 0) {
    previous.sa_flags = 0;
    previous.sa_handler = SIG_DFL;
  }
  if (wants_info) {
    action.sa_sigaction(signal, info, context);
  } else {
    action.sa_handler(signal);
  }
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // Positive codes are the kernel's own: a fault of this very thread. Others were sent by somebody.
  const bool is_fault = info->si_code > 0;
  if (is_fault) {
    // The third argument of an SA_SIGINFO handler is a ucontext_t (POSIX).
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const Fault fault = {reinterpret_cast<std::uint64_t>(info->si_addr), static_cast<std::uint64_t>(registers[REG_RIP]),
                         static_cast<std::uint64_t>(registers[REG_RBP]),
                         static_cast<std::uint64_t>(registers[REG_R13])};
    Resumption resumption = {};
    if (fault_handler(fault, resumption)) {
      registers[REG_RIP] = static_cast<greg_t>(resumption.pc);
      registers[REG_RDI] = static_cast<greg_t>(resumption.argument);
      errno = saved_errno;
      return;
    }
  }
  pass_on(signal, info, context, is_fault);
  errno = saved_errno;
}

}  // namespace

bool install_fault_handler(FaultHandler handler) noexcept {
  fault_handler = handler;
  for (const int signal : kFaultSignals) {
    // Read before ours is in place, so that a fault in between finds it.
    if (sigaction(signal, nullptr, &previous_of(signal)) != 0) return false;
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal, &action, nullptr) != 0) return false;
  }
  return true;
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
