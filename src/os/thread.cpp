// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/thread.hpp"

#include <pthread.h>
#include <unistd.h>

namespace anew::os {

bool free_at_thread_exit(void* object, void (*free)(void*)) noexcept {
  // C++ destroys thread-local objects first, then POSIX runs the destructors of keys.
  static const struct Key {
    explicit Key(void (*destructor)(void*)) noexcept : created(pthread_key_create(&key, destructor) == 0) {}
    pthread_key_t key{};
    bool created;
  } key(free);
  return key.created && pthread_setspecific(key.key, object) == 0;
}

int process_id() noexcept { return getpid(); }

}  // namespace anew::os
