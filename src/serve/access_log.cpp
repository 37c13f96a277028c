// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/access_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "os/try.hpp"

namespace anew::serve {
namespace {

/// Lines that nobody wrote yet; past it they are dropped, and counted.
constexpr std::size_t kMaximumBytes = 4 << 20;

/// Milliseconds since 1970 as RFC 3339 has it.
std::string now_text() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (now - seconds).count());
}

}  // namespace

void AccessLog::Close::operator()(std::FILE* file) const noexcept {
  if (file != stderr) static_cast<void>(std::fclose(file));  // nobody is there to be told
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& file) {
  std::unique_ptr<AccessLog> log(new AccessLog(file));  // its constructor is private
  if (file.empty()) return log;
  log->stream_.reset(file == "-" ? stderr : std::fopen(file.c_str(), "ae"));
  if (log->stream_ == nullptr) {
    return fail(ErrorCode::kIo,
                fmt::format("the log {} cannot be opened: {}", file, std::generic_category().message(errno)));
  }
  return log;
}

void AccessLog::add(const LogEntry& entry) {
  if (!is_on()) return;
  nlohmann::ordered_json line = {
      {"time", now_text()},
      {"client", entry.client},
      {"method", entry.method},
      {"host", entry.host},
      {"target", entry.target},
      {"status", entry.status},
      {"request_bytes", entry.request_bytes},
      {"response_bytes", entry.response_bytes},
      {"microseconds", std::chrono::duration_cast<std::chrono::microseconds>(entry.time).count()}};
  if (!entry.trace_parent.empty()) line["traceparent"] = entry.trace_parent;
  if (!entry.error.empty()) line["error"] = entry.error;
  const std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  const std::lock_guard lock(mutex_);
  if (lines_.size() + text.size() > kMaximumBytes)
    ++dropped_;
  else
    lines_ += text;
}

void AccessLog::flush() noexcept {
  try {
    const std::lock_guard writing(writing_);
    std::string lines;
    {
      const std::lock_guard lock(mutex_);
      lines.swap(lines_);
      if (const std::uint64_t dropped = std::exchange(dropped_, 0); dropped > 0)
        lines += fmt::format("{{\"dropped_lines\": {}}}\n", dropped);
    }
    if (lines.empty() || stream_ == nullptr) return;
    // A disk that is full loses lines, and ends no request.
    static_cast<void>(std::fwrite(lines.data(), 1, lines.size(), stream_.get()));
    static_cast<void>(std::fflush(stream_.get()));
  } catch (const std::exception&) {
    // No memory: later.
  }
}

void AccessLog::reopen() noexcept {
  if (file_.empty() || file_ == "-") return;
  flush();
  const std::lock_guard writing(writing_);
  if (std::FILE* const file = std::fopen(file_.c_str(), "ae"); file != nullptr) stream_.reset(file);
}

}  // namespace anew::serve
