// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

namespace anew::test {

/// Runs `work` in a forked child and leaves without running destructors or exit handlers. @return the child's id.
template <typename F>
pid_t start_child(F&& work) {
  const pid_t child = fork();
  if (child == 0) {
    int status = 99;
    try {
      status = work();
    } catch (...) {
    }
    _exit(status);
  }
  return child;
}

/// @return the child's exit status, or -1 if it did not exit by itself.
inline int wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

template <typename F>
int run_in_child(F&& work) {
  return wait_for(start_child(work));
}

/// In a child: mounts a file system of `size` (such as "64k") over a directory, seen by this process only. It goes with
/// the process. @return false where that is not permitted.
inline bool mount_small_disk(const std::filesystem::path& directory, const char* size) {
  const std::string options = std::string("mode=0700,size=") + size;
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", directory.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

}  // namespace anew::test
