// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace anew::differential {

/// A child process that answers requests over pipes; started when first needed, and again after it failed.
class Process {
 public:
  explicit Process(std::vector<std::string> command) : command_(std::move(command)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { stop(); }

  /// @return false if it does not take the request: then receive() says why.
  bool send(std::string_view request);
  /// An answer: a length (four bytes, little endian) and that many bytes.
  /// @return nothing if it ended or does not answer in time; it is gone then, and failure() says how it ended.
  [[nodiscard]] std::optional<std::string> receive(std::chrono::seconds deadline);
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  void stop() noexcept;

 private:
  bool start();
  bool read_exactly(char* to, std::size_t count, std::chrono::steady_clock::time_point end);

  std::vector<std::string> command_;
  pid_t pid_ = -1;
  int input_ = -1;   // its standard input
  int output_ = -1;  // its standard output
  std::string failure_;
};

/// Runs a command to its end, with its output thrown away. @return whether it succeeded.
bool run(const std::vector<std::string>& command);

}  // namespace anew::differential
