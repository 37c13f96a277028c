// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A line of JSON for each request. Who serves never waits for the disk: lines are put together in memory, and the
// server's overseer writes them.
#pragma once

#include <anew/error.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace anew::serve {

struct LogEntry {
  std::string_view client;
  std::string_view method;
  std::string_view host;
  std::string_view target;
  unsigned status = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::chrono::nanoseconds time{};
  std::string_view trace_parent;
  std::string_view error;  ///< what went wrong, or nothing
};

class AccessLog {
 public:
  /// @param file  empty for none, "-" for standard error. @return kIo.
  [[nodiscard]] static Result<std::unique_ptr<AccessLog>> open(const std::string& file);

  void add(const LogEntry& entry);
  [[nodiscard]] bool is_on() const noexcept { return !file_.empty(); }
  /// Writes what was added so far.
  void flush() noexcept;
  /// Opens the file again: the one of that name was moved away.
  void reopen() noexcept;

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept;
  };
  explicit AccessLog(std::string file) : file_(std::move(file)) {}

  const std::string file_;
  std::mutex writing_;  ///< before mutex_
  std::unique_ptr<std::FILE, Close> stream_;
  std::mutex mutex_;
  std::string lines_;
  std::uint64_t dropped_ = 0;
};

}  // namespace anew::serve
