// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/sandbox/beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>
#include <vector>

#include "os/try.hpp"

namespace anew::os {
namespace {

constexpr std::size_t kMaximumPath = PATH_MAX - 1;
constexpr int kMaximumLinks = 40;                 // as the kernel
constexpr std::size_t kMaximumDepth = 128;        // directories that a walk keeps open at once
constexpr std::size_t kMaximumComponents = 4096;  // of a path and of the links in it together
constexpr int kMaximumAttempts = 32;              // while directories are moved
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;

std::atomic<bool> always_walks = false;

/// @param path  ends with a NUL.
int call_openat2(int directory, const char* path, int flags, mode_t mode) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, directory, path, &how, sizeof(how)));  // a descriptor or -1
}

/// A kernel before 5.6 has no openat2, and what filters system calls may refuse it with any error.
bool has_openat2() noexcept {
  static const bool has = [] {
    const Descriptor root(::open("/", kDirectory));
    const Descriptor opened(call_openat2(root.number(), ".", kDirectory, 0));
    return opened.is_open();
  }();
  return has && !always_walks.load(std::memory_order_relaxed);
}

/// openat2, again while somebody moves directories about, as it says by EAGAIN. @return nothing if that does not end,
/// or there is no openat2.
std::optional<SystemResult<Descriptor>> open_by_kernel(int directory, const std::string& path, int flags, mode_t mode) {
  if (!has_openat2()) return std::nullopt;
  for (int attempt = 0; attempt < kMaximumAttempts; ++attempt) {
    const int number = call_openat2(directory, path.c_str(), flags, mode);
    if (number >= 0 || (errno != EAGAIN && errno != EINTR)) return check_descriptor(number);
  }
  return std::nullopt;
}

SystemResult<std::string> read_link_of(const Descriptor& link) {
  std::array<char, kMaximumPath + 1> target;
  const ssize_t length = readlinkat(link.number(), "", target.data(), target.size());
  if (length < 0) return fail_with(errno);
  if (static_cast<std::size_t>(length) > kMaximumPath) return fail_with(ENAMETOOLONG);  // not negative
  return std::string(target.data(), static_cast<std::size_t>(length));
}

/// The walk for kernels without openat2, and where a last symbolic link is to be followed to a place.
class Walk {
 public:
  Walk(int root, std::string_view path, LastLink last) : root_(root), rest_(path), last_(last) {}

  SystemResult<Place> run() {
    for (std::size_t components = 0; components < kMaximumComponents; ++components) {
      if (at_ < rest_.size() && rest_[at_] == '/') return fail_with(EXDEV);
      const std::size_t end = std::min(rest_.find('/', at_), rest_.size());
      const std::string name = rest_.substr(at_, end - at_);
      const std::size_t next = std::min(rest_.find_first_not_of('/', end), rest_.size());
      const bool is_last = next == rest_.size();
      is_directory_ = is_directory_ || (is_last && end != rest_.size());
      at_ = next;
      if (name.size() > NAME_MAX) return fail_with(ENAMETOOLONG);
      if (name == "..") {
        if (parents_.empty()) return fail_with(EXDEV);
        parents_.pop_back();
      } else if (name != ".") {
        auto place = TRY(enter(name, is_last));
        if (place) return std::move(*place);
        continue;
      }
      if (is_last) return finish(".");
    }
    return fail_with(ELOOP);
  }

 private:
  [[nodiscard]] int top() const { return parents_.empty() ? root_ : parents_.back().number(); }

  Place finish(std::string name) {
    Place place = parents_.empty() ? Place(root_, std::move(name)) : Place(std::move(parents_.back()), std::move(name));
    place.is_directory = is_directory_;
    return place;
  }

  /// A component that is a name. @return the place if the walk ends there.
  SystemResult<std::optional<Place>> enter(const std::string& name, bool is_last) {
    // A slash behind a name makes whoever looks at it follow.
    if (is_last && last_ == LastLink::kKeep) return finish(name);
    Descriptor entry(openat(top(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!entry.is_open()) {
      if (errno == ENOENT && is_last) return finish(name);
      return fail_with(errno);
    }
    struct stat status;
    if (fstat(entry.number(), &status) != 0) return fail_with(errno);
    if (S_ISLNK(status.st_mode)) {
      if (++links_ > kMaximumLinks) return fail_with(ELOOP);
      std::string target = TRY(read_link_of(entry));
      if (target.empty()) return fail_with(ENOENT);
      if (!is_last) target += '/';
      rest_ = target + rest_.substr(at_);
      at_ = 0;
      return std::nullopt;
    }
    if (is_last) return finish(name);
    if (!S_ISDIR(status.st_mode)) return fail_with(ENOTDIR);
    if (parents_.size() == kMaximumDepth) return fail_with(ENAMETOOLONG);
    parents_.push_back(std::move(entry));
    return std::nullopt;
  }

  int root_;
  std::string rest_;    ///< the path, or a link's target and what was left of the path
  std::size_t at_ = 0;  ///< where in it the walk is
  LastLink last_;
  std::vector<Descriptor> parents_;  ///< the directories between the root and where the walk is
  int links_ = 0;
  bool is_directory_ = false;
};

SystemResult<std::string> check_path(std::string_view path) {
  if (path.empty()) return fail_with(ENOENT);
  if (path.size() > kMaximumPath) return fail_with(ENAMETOOLONG);
  if (path.starts_with('/')) return fail_with(EXDEV);
  return std::string(path);
}

int flags_of(const OpenHow& how) {
  // Without O_NONBLOCK, opening a pipe waits for its other end; without O_NOCTTY, a terminal may become this process's.
  int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  if (how.write)
    flags |= how.read ? O_RDWR : O_WRONLY;
  else
    flags |= O_RDONLY;
  if (how.create) flags |= O_CREAT;
  if (how.exclusive) flags |= O_EXCL;
  if (how.truncate) flags |= O_TRUNC;
  if (how.directory) flags |= O_DIRECTORY;
  if (how.append) flags |= O_APPEND;
  if (how.data_sync) flags |= O_DSYNC;
  if (how.sync) flags |= O_SYNC;
  return flags;
}

}  // namespace

SystemResult<Descriptor> open_beneath(int directory, std::string_view path, const OpenHow& how, LastLink last) {
  const std::string checked = TRY(check_path(path));
  int flags = flags_of(how);
  const mode_t mode = how.create ? 0666 : 0;
  if (auto opened = open_by_kernel(directory, checked, flags | (last == LastLink::kKeep ? O_NOFOLLOW : 0), mode))
    return std::move(*opened);
  // Somebody may make the place a symbolic link behind the walk, so none is followed here; then the walk begins again.
  const bool follows = last == LastLink::kFollow && !(how.create && how.exclusive);
  for (int attempt = 0;; ++attempt) {
    // With a slash at its end a path is followed whatever was asked for.
    const bool has_slash = checked.ends_with('/');
    const Place place = TRY(Walk(directory, checked, follows || has_slash ? LastLink::kFollow : LastLink::kKeep).run());
    if (place.is_directory) {
      if (how.create) return fail_with(EISDIR);
      flags |= O_DIRECTORY;
    }
    const int number = openat(place.parent(), place.name(), flags | O_NOFOLLOW, mode);
    if (number < 0 && (errno == EINTR || (errno == ELOOP && follows)) && attempt < kMaximumAttempts) continue;
    return check_descriptor(number);
  }
}

std::optional<SystemResult<Descriptor>> look_beneath(int directory, std::string_view path, LastLink last) {
  const auto checked = check_path(path);
  if (!checked) return std::unexpected(checked.error());
  return open_by_kernel(directory, *checked, O_PATH | O_CLOEXEC | (last == LastLink::kKeep ? O_NOFOLLOW : 0), 0);
}

SystemResult<Place> find_beneath(int directory, std::string_view path, LastLink last) {
  const std::string checked = TRY(check_path(path));
  if (last == LastLink::kFollow) return Walk(directory, checked, last).run();
  const std::size_t last_character = checked.find_last_not_of('/');  // there is one: the path is not absolute
  const bool has_slash = last_character + 1 != checked.size();
  const std::size_t slash = checked.rfind('/', last_character);
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::string name = checked.substr(begin, last_character + 1 - begin);
  if (name.size() > NAME_MAX) return fail_with(ENAMETOOLONG);
  if (begin == 0 && name != "..") {
    Place place(directory, name);
    place.is_directory = has_slash;
    return place;
  }
  // What ends in `..` is the directory that it leads to.
  const bool is_name = name != "..";
  const std::string parent = is_name ? checked.substr(0, begin) : checked;
  auto opened = open_by_kernel(directory, parent, kDirectory, 0);
  if (!opened) return Walk(directory, checked, last).run();
  if (!*opened) return std::unexpected(opened->error());
  Place place(std::move(**opened), is_name ? name : ".");
  place.is_directory = has_slash;
  return place;
}

void walk_always(bool always) noexcept { always_walks.store(always, std::memory_order_relaxed); }

}  // namespace anew::os
