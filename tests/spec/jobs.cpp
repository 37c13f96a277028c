// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "jobs.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <fstream>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace anew::spec {
namespace {

namespace fs = std::filesystem;

/// No script takes a tenth of it, even with sanitizers.
constexpr unsigned kSecondsAScript = 900;

[[noreturn]] void fail_with(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// Shared with the child, so that what it had done is known even if it crashes.
struct Progress {
  std::atomic<std::uint64_t> total{0};
  std::atomic<std::uint64_t> line{0};  ///< of the command in hand
  std::atomic<std::uint64_t> passed{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> not_applicable{0};
};

/// Memory that stays shared over fork().
class SharedProgress {
 public:
  SharedProgress() {
    void* const memory = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail_with("mmap");
    progress_ = new (memory) Progress;
  }
  SharedProgress(SharedProgress&& other) noexcept : progress_(std::exchange(other.progress_, nullptr)) {}
  SharedProgress& operator=(SharedProgress&& other) noexcept {
    std::swap(progress_, other.progress_);
    return *this;
  }
  ~SharedProgress() {
    if (progress_ != nullptr) munmap(progress_, sizeof(Progress));
  }
  [[nodiscard]] Progress* operator->() const noexcept { return progress_; }

 private:
  Progress* progress_;
};

/// A directory of its own for artifacts, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "anew_spec_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) fail_with("mkdtemp");
    path_ = pattern;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// Writes one line of JSON to the parent. What cannot be written is lost together with the parent.
void report(int pipe, const Json& object) {
  // What a message quotes of a hostile module need not be UTF-8.
  const std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (std::size_t written = 0; written < line.size();) {
    const ssize_t count = write(pipe, line.data() + written, line.size() - written);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) written += static_cast<std::size_t>(count);
  }
}

void run_commands(const Job& job, const JobOptions& options, const fs::path& scratch, Progress& progress, int pipe) {
  const fs::path file = options.corpus / (job.script + ".json");
  std::ifstream stream(file);
  const Json document = Json::parse(stream);
  const Json& commands = document.at("commands");
  progress.total = commands.size();
  std::map<std::string, std::uint64_t> reasons;
  if (!job.not_applicable.empty()) {
    progress.not_applicable = commands.size();
    if (!commands.empty()) reasons[job.not_applicable] = commands.size();
  } else {
    Script script(job.way, options.corpus, file.parent_path(), scratch, options.features);
    std::uint64_t consequences = 0;
    for (const Json& command : commands) {
      const auto line = command.at("line").get<std::uint64_t>();
      progress.line = line;
      const Verdict verdict = script.run(command);
      if (verdict.kind == Verdict::Kind::kPassed) {
        ++progress.passed;
      } else if (verdict.kind == Verdict::Kind::kNotApplicable) {
        ++progress.not_applicable;
        ++reasons[verdict.text];
      } else {
        ++progress.failed;
        if (verdict.consequence) ++consequences;
        if (!verdict.consequence || options.verbose) {
          report(pipe, {{"failure", fmt::format("{}:{}: {}: {}: {}", job.script, line, to_string(job.way),
                                                command.at("type").get<std::string>(), verdict.text)}});
        }
      }
    }
    if (consequences > 0 && !options.verbose) {
      report(pipe, {{"failure", fmt::format("{}: {}: {} commands need a module that failed above", job.script,
                                            to_string(job.way), consequences)}});
    }
  }
  report(pipe, {{"reasons", reasons}});
}

[[noreturn]] void run_child(const Job& job, const JobOptions& options, const fs::path& scratch, Progress& progress,
                            int pipe) {
  alarm(kSecondsAScript);
  int status = EXIT_SUCCESS;
  try {
    run_commands(job, options, scratch, progress, pipe);
  } catch (const std::exception& error) {
    report(pipe, {{"broken", error.what()}});
    status = EXIT_FAILURE;
  }
  std::fflush(nullptr);
  _exit(status);  // the parent's buffers and objects are not the child's to flush and destroy
}

struct Child {
  std::size_t job;
  pid_t process;
  int pipe;
  SharedProgress progress;
  std::string received;
};

[[nodiscard]] Child start(std::size_t index, const Job& job, const JobOptions& options, const fs::path& scratch) {
  SharedProgress progress;
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) fail_with("pipe");
  std::fflush(nullptr);
  const pid_t process = fork();
  if (process < 0) fail_with("fork");
  if (process == 0) {
    close(ends[0]);
    run_child(job, options, scratch, *progress.operator->(), ends[1]);
  }
  close(ends[1]);
  return {index, process, ends[0], std::move(progress), {}};
}

/// How a child ended, if not well.
[[nodiscard]] std::optional<std::string> ending(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGALRM) return fmt::format("took more than {} s", kSecondsAScript);
    return fmt::format("killed by signal {} ({})", signal, strsignal(signal));
  }
  if (WEXITSTATUS(status) != 0) return fmt::format("ended with status {}", WEXITSTATUS(status));
  return std::nullopt;
}

/// Scripts name functions with control characters, which a terminal must not get.
[[nodiscard]] std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

[[nodiscard]] JobResult finish(Child& child, const Job& job) {
  close(child.pipe);
  int status = 0;
  while (waitpid(child.process, &status, 0) < 0)
    if (errno != EINTR) fail_with("waitpid");
  JobResult result;
  result.counts = {child.progress->passed, child.progress->failed, child.progress->not_applicable};
  std::optional<std::string> end = ending(status);
  for (std::size_t start = 0; start < child.received.size();) {
    const std::size_t stop = std::min(child.received.find('\n', start), child.received.size());
    const Json message = Json::parse(child.received.substr(start, stop - start), nullptr, false);
    start = stop + 1;
    if (message.is_discarded()) continue;  // cut off by the child's end
    if (message.contains("failure")) result.failures.push_back(printable(message["failure"]));
    if (message.contains("reasons")) result.reasons = message["reasons"];
    if (message.contains("broken")) end = printable(message["broken"]);
  }
  if (end) {
    const std::uint64_t total = child.progress->total;
    const std::uint64_t done = result.counts.passed + result.counts.failed + result.counts.not_applicable;
    const std::uint64_t left = std::max<std::uint64_t>(total - std::min(total, done), 1);
    result.counts.failed += left;
    result.failures.push_back(fmt::format("{}:{}: {}: {}; so {} commands, from this on, did not run", job.script,
                                          child.progress->line.load(), to_string(job.way), *end, left));
  }
  return result;
}

/// @return whether the child is still writing.
[[nodiscard]] bool receive(Child& child) {
  std::array<char, 65536> buffer;
  const ssize_t count = read(child.pipe, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR;
  child.received.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace

std::vector<JobResult> run_jobs(std::span<const Job> jobs, const JobOptions& options) {
  const Scratch scratch;
  std::vector<JobResult> results(jobs.size());
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::deque<Child> children;
  std::size_t started = 0;
  std::size_t finished = 0;
  while (finished < jobs.size()) {
    while (children.size() < cores && started < jobs.size()) {
      children.push_back(start(started, jobs[started], options, scratch.path()));
      ++started;
    }
    std::vector<pollfd> waiting;
    for (const Child& child : children) waiting.push_back({child.pipe, POLLIN, 0});
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) fail_with("poll");
    for (std::size_t index = waiting.size(); index-- > 0;) {
      if (waiting[index].revents == 0 || receive(children[index])) continue;
      results[children[index].job] = finish(children[index], jobs[children[index].job]);
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(index));
      ++finished;
      if (options.progress) fmt::print(stderr, "\r{} of {} runs", finished, jobs.size());
    }
  }
  if (options.progress) fmt::print(stderr, "\r\033[K");
  return results;
}

}  // namespace anew::spec
