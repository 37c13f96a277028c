// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/sandbox/look_up.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace anew::os {
namespace {

/// At once, each with a thread.
constexpr int kMost = 64;
std::atomic<int> under_way = 0;

struct Start {
  std::string name;
  std::function<void(LookedUp)> done;
};

LookUpError to_error(int error) noexcept {
  switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return LookUpError::kUnknown;
    case EAI_AGAIN:
    case EAI_MEMORY:
    case EAI_SYSTEM: return LookUpError::kTemporary;
    default: return LookUpError::kPermanent;
  }
}

LookedUp look_up(const std::string& name) {
  constexpr std::size_t kMostAddresses = 64;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once for each kind
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(name.c_str(), nullptr, &hints, &found); error != 0)
    return std::unexpected(to_error(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = found; each != nullptr && addresses.size() < kMostAddresses; each = each->ai_next) {
    SocketAddress address;
    if (each->ai_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, each->ai_addr, sizeof(v4));
      std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
    } else if (each->ai_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, each->ai_addr, sizeof(v6));
      address.is_v6 = true;
      std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    } else {
      continue;
    }
    addresses.push_back(address);
  }
  return addresses;
}

void* run(void* given) {
  const std::unique_ptr<const Start> start(static_cast<const Start*>(given));  // start_look_up gave it
  LookedUp result = std::unexpected(LookUpError::kTemporary);
  try {
    result = look_up(start->name);
  } catch (const std::bad_alloc&) {
    result = std::unexpected(LookUpError::kTemporary);
  }
  --under_way;
  start->done(std::move(result));
  return nullptr;
}

}  // namespace

bool start_look_up(std::string name, std::function<void(LookedUp)> done) {
  auto start = std::make_unique<Start>(Start{std::move(name), std::move(done)});
  if (++under_way > kMost) {
    --under_way;
    return false;
  }
  // The thread begins with the mask of the one that makes it, and gets none of the process's signals.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const bool is_started = pthread_create(&thread, nullptr, run, start.get()) == 0;
  if (is_started) (void)start.release();  // the thread's
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (is_started)
    pthread_detach(thread);
  else
    --under_way;
  return is_started;
}

}  // namespace anew::os
