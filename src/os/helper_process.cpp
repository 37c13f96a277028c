// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/helper_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "os/background_thread.hpp"
#include "os/try.hpp"

namespace anew::os {
namespace {

using std::chrono::milliseconds;

/// How soon a stop is noticed.
constexpr milliseconds kPatience{50};
/// How long a child that has closed its end may take to end by itself.
constexpr milliseconds kLastMoments{1'000};
constexpr std::size_t kMostErrorBytes = 300;
/// The scheduler gives a thread of this niceness 110 shares beside 1,024 of one that has none (sched(7)).
constexpr int kLowNiceness = 10;

std::unexpected<Error> refused(const std::filesystem::path& program, int reason) {
  return fail(reason == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("cannot start {}: {}", program.string(), std::strerror(reason)));
}

/// The same descriptor by a number that is none of a standard stream's, which may be closed here.
Descriptor above_standard_streams(int number) {
  const Descriptor low(number);
  return Descriptor(fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

/// What posix_spawn is told. Each call can only fail for want of memory.
class Plan {
 public:
  Plan() noexcept {
    failed_ = posix_spawn_file_actions_init(&actions_);
    if (failed_ == 0) failed_ = posix_spawnattr_init(&attributes_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  /// @return the id, or minus the system's reason.
  [[nodiscard]] int start(const std::filesystem::path& program, int socket, int errors) noexcept {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    check(posix_spawn_file_actions_adddup2(&actions_, socket, STDIN_FILENO));
    check(posix_spawn_file_actions_adddup2(&actions_, socket, STDOUT_FILENO));
    check(posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO));
    check(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    check(posix_spawnattr_setsigmask(&attributes_, &none));
    check(posix_spawnattr_setsigdefault(&attributes_, &all));
    check(posix_spawnattr_setpgroup(&attributes_, 0));
    check(
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
    std::string name = program.string();
    const std::array<char*, 2> arguments = {name.data(), nullptr};
    pid_t id = 0;
    if (failed_ == 0) check(posix_spawn(&id, name.c_str(), &actions_, &attributes_, arguments.data(), environ));
    return failed_ == 0 ? id : -failed_;
  }

 private:
  void check(int result) noexcept {
    if (failed_ == 0) failed_ = result;
  }
  posix_spawn_file_actions_t actions_ = {};
  posix_spawnattr_t attributes_ = {};
  int failed_ = 0;
};

/// What stands at the end of a file, as one line of printable text.
std::string last_words(int file) {
  struct stat status = {};
  if (fstat(file, &status) != 0 || status.st_size <= 0) return {};
  const off_t from = std::max<off_t>(0, status.st_size - static_cast<off_t>(kMostErrorBytes));
  std::string text(kMostErrorBytes, '\0');
  const ssize_t read = pread(file, text.data(), text.size(), from);
  text.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  text.erase(0, text.rfind('\n') + 1);  // npos is -1: nothing is erased then
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// For an open descriptor of a process that is in `how` (WEXITED, options); what is known is in `info`. @return false
/// if it is not, or if somebody else has waited for it.
bool wait_for(const Descriptor& process, int how, siginfo_t& info) noexcept {
  info = {};
  int result = 0;
  do result = waitid(P_PIDFD, static_cast<id_t>(process.number()), &info, how);  // a descriptor is not negative
  while (result != 0 && errno == EINTR);
  return result == 0 && info.si_pid != 0;
}

/// Waits until one of `events` has come.
HelperProcess::Outcome wait_until(const Descriptor& descriptor, short events, HelperProcess::Clock::time_point deadline,
                                  const std::stop_token& stop) {
  for (;;) {
    if (stop.stop_requested()) return HelperProcess::Outcome::kStopped;
    const auto left = std::chrono::ceil<milliseconds>(deadline - HelperProcess::Clock::now());
    if (left <= milliseconds::zero()) return HelperProcess::Outcome::kLate;
    pollfd ready = {descriptor.number(), events, 0};
    const auto patience = static_cast<int>(std::min(left, kPatience).count());  // at most kPatience
    if (poll(&ready, 1, patience) > 0) return HelperProcess::Outcome::kDone;
  }
}

}  // namespace

Result<HelperProcess> HelperProcess::start(const std::filesystem::path& program, Priority priority) {
  std::array<int, 2> ends = {};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return refused(program, errno);
  Descriptor ours = above_standard_streams(ends[0]);
  const Descriptor theirs = above_standard_streams(ends[1]);
  if (!ours.is_open() || !theirs.is_open()) return refused(program, errno);
  const int in_memory = memfd_create("anew-errors", MFD_CLOEXEC);
  if (in_memory < 0) return refused(program, errno);
  Descriptor errors = above_standard_streams(in_memory);
  if (!errors.is_open()) return refused(program, errno);
  const int id = Plan().start(program, theirs.number(), errors.number());
  if (id < 0) return refused(program, -id);
  // Threads that it makes later have the same. Where it is refused, it has ours.
  if (priority == Priority::kLow) (void)setpriority(PRIO_PROCESS, static_cast<id_t>(id), kLowNiceness);
  // It has just got its number: no other process has it before all numbers were given again.
  const auto opened = static_cast<int>(syscall(SYS_pidfd_open, id, 0));  // a descriptor or -1
  Descriptor process = opened < 0 ? Descriptor() : above_standard_streams(opened);
  if (!process.is_open()) {
    const int reason = errno;
    kill(id, SIGKILL);
    while (waitpid(id, nullptr, 0) < 0 && errno == EINTR) {
    }
    return refused(program, reason);
  }
  return HelperProcess(std::move(process), std::move(ours), std::move(errors));
}

HelperProcess::HelperProcess(HelperProcess&& other) noexcept = default;

HelperProcess::~HelperProcess() { kill_and_forget(); }

void HelperProcess::kill_and_forget() noexcept {
  if (!process_.is_open()) return;
  siginfo_t info;
  (void)syscall(SYS_pidfd_send_signal, process_.number(), SIGKILL, nullptr, 0);  // refused if it has ended
  (void)wait_for(process_, WEXITED, info);
  process_ = Descriptor();
}

HelperProcess::Outcome HelperProcess::send(std::span<const std::byte> bytes, Clock::time_point deadline,
                                           const std::stop_token& stop) {
  while (!bytes.empty()) {
    if (const Outcome waited = wait_until(socket_, POLLOUT, deadline, stop); waited != Outcome::kDone) return waited;
    const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return Outcome::kEnded;
    bytes = bytes.subspan(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  return Outcome::kDone;
}

HelperProcess::Outcome HelperProcess::receive(std::span<std::byte> bytes, Clock::time_point deadline,
                                              const std::stop_token& stop) {
  while (!bytes.empty()) {
    if (const Outcome waited = wait_until(socket_, POLLIN, deadline, stop); waited != Outcome::kDone) return waited;
    const ssize_t received = recv(socket_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)) return Outcome::kEnded;
    bytes = bytes.subspan(received > 0 ? static_cast<std::size_t>(received) : 0);
  }
  return Outcome::kDone;
}

std::string HelperProcess::end() {
  // One that died has closed its end before it can be waited for.
  siginfo_t info = {};
  pollfd closed = {socket_.number(), 0, 0};
  const bool has_ended = poll(&closed, 1, 0) > 0 &&
                         wait_until(process_, POLLIN, Clock::now() + kLastMoments, {}) == Outcome::kDone &&
                         wait_for(process_, WEXITED | WNOHANG | WNOWAIT, info);
  std::string how = "was ended";
  if (has_ended && info.si_code == CLD_EXITED) how = fmt::format("exited with status {}", info.si_status);
  if (has_ended && info.si_code != CLD_EXITED) how = fmt::format("ended by signal {}", info.si_status);
  kill_and_forget();
  if (const std::string words = last_words(errors_.number()); !words.empty()) how += ": " + words;
  return how;
}

// --- In such a child ---

bool read_from_parent(std::span<std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t got = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    bytes = bytes.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  return true;
}

bool write_to_parent(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(STDOUT_FILENO, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    bytes = bytes.subspan(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  return true;
}

bool has_parent() noexcept {
  struct stat status = {};
  return fstat(STDIN_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
}

bool end_with_parent() noexcept {
  return start_background_thread([] {
    pollfd closed = {STDIN_FILENO, 0, 0};
    for (;;)
      if (poll(&closed, 1, -1) > 0) std::_Exit(EXIT_FAILURE);
  });
}

void limit_this_process(std::uint64_t bytes) noexcept {
  // Both are precautions: where the system refuses them, less is bounded.
  const rlimit none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  unsigned long pages = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), &std::fclose);
  if (file == nullptr || std::fscanf(file.get(), "%lu", &pages) != 1) return;
  const std::uint64_t now = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const rlimit most = {now + std::min(bytes, RLIM_INFINITY - now), RLIM_INFINITY};
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, most.rlim_cur);
  (void)setrlimit(RLIMIT_AS, &limit);
}

}  // namespace anew::os
