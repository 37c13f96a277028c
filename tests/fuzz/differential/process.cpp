// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "differential/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>

extern char** environ;

namespace anew::differential {
namespace {

pid_t spawn(const std::vector<std::string>& command, int input, int output, bool quiet) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));  // not written to
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, 0);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (quiet) posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  if (quiet && output < 0) posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  if (posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) pid = -1;
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

}  // namespace

bool Process::start() {
  // Closed in all children, so that each sees the end of its input when this process closes it.
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) return false;
  pid_ = spawn(command_, in[0], out[1], false);
  close(in[0]);
  close(out[1]);
  input_ = in[1];
  output_ = out[0];
  if (pid_ < 0) failure_ = "cannot run " + command_[0];
  return pid_ >= 0;
}

bool Process::send(std::string_view request) {
  if (pid_ < 0 && !start()) return false;
  while (!request.empty()) {
    const ssize_t written = write(input_, request.data(), request.size());
    if (written < 0) return false;
    request.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool Process::read_exactly(char* to, std::size_t count, std::chrono::steady_clock::time_point end) {
  while (count > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd ready{output_, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0) {
      failure_ = "no answer in time";
      return false;
    }
    const ssize_t got = read(output_, to, count);
    if (got <= 0) {
      failure_ = "ended";
      return false;
    }
    to += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<std::string> Process::receive(std::chrono::seconds deadline) {
  if (pid_ < 0) return std::nullopt;
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::uint32_t length = 0;
  std::string answer;
  // The length's own bytes: the machine is little endian, as the protocol is.
  bool ok = read_exactly(reinterpret_cast<char*>(&length), sizeof length, end);
  if (ok) {
    answer.resize(length);
    ok = read_exactly(answer.data(), length, end);
  }
  if (ok) return answer;
  if (failure_ == "ended") {
    int status = 0;
    waitpid(pid_, &status, 0);
    failure_ = WIFSIGNALED(status) ? std::string("killed by ") + strsignal(WTERMSIG(status))
                                   : "ended with exit code " + std::to_string(WEXITSTATUS(status));
    pid_ = -1;
  }
  stop();
  return std::nullopt;
}

void Process::stop() noexcept {
  if (input_ >= 0) close(input_);
  if (output_ >= 0) close(output_);
  input_ = output_ = -1;
  if (pid_ >= 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_ = -1;
}

bool run(const std::vector<std::string>& command) {
  const pid_t pid = spawn(command, -1, -1, true);
  int status = 1;
  return pid >= 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace anew::differential
