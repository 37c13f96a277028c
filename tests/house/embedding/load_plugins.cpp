// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads shared objects that hold Anew, runs guests in them, on threads that end after they were unloaded, unloads them
// and loads them again.
#include <dlfcn.h>

#include <barrier>
#include <cstdio>
#include <thread>

int main(int count, char** paths) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 1; i < count; ++i) {
      void* const plugin = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
      if (plugin == nullptr) {
        std::printf("%s\n", dlerror());
        return 1;
      }
      // POSIX lets a pointer to a function be had from dlsym.
      auto* const run_guest = reinterpret_cast<int (*)()>(dlsym(plugin, "run_guest"));
      std::barrier ran(2);
      std::barrier unloaded(2);
      int in_thread = -1;
      std::thread thread([&] {
        in_thread = run_guest();
        ran.arrive_and_wait();
        unloaded.arrive_and_wait();
      });
      const int here = run_guest();
      ran.arrive_and_wait();
      if (here != 0 || in_thread != 0) {
        std::printf("%s: step %d failed here, %d in a thread\n", paths[i], here, in_thread);
        std::_Exit(1);
      }
      dlclose(plugin);
      unloaded.arrive_and_wait();
      thread.join();
    }
  }
  std::printf("ran in %d shared objects, loaded three times each\n", count - 1);
}
