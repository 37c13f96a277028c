// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is done with names in directories: `path_*`.
#include <algorithm>
#include <array>
#include <utility>

#include "host/wasi/paths.hpp"
#include "host/wasi/preview1.hpp"
#include "os/sandbox/beneath.hpp"
#include "os/sandbox/files.hpp"
#include "os/sandbox/streams.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

Outcome<os::LastLink> last_link(std::uint32_t lookup_flags) {
  constexpr std::uint32_t kFollow = 1;
  if (lookup_flags > kFollow) return fail(Errno::kInval);
  return lookup_flags == kFollow ? os::LastLink::kFollow : os::LastLink::kKeep;
}

/// A name in a directory that the guest may do that with.
Outcome<Path> find_path(Call& call, std::uint32_t fd, std::uint32_t address, std::uint32_t length, Rights rights) {
  OpenDescriptor* const open = TRY(call.find_directory(fd, rights));
  const std::string_view path = TRY(call.path(address, length));
  return Path{open->system, path};
}

Outcome<void> path_create_directory(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t length) {
  const Path name = TRY(find_path(call, fd, path, length, right::kPathCreateDirectory));
  return create_directory(name);
}

Outcome<void> path_filestat_get(Call& call, std::uint32_t fd, std::uint32_t flags, std::uint32_t address,
                                std::uint32_t length, std::uint32_t status_address) {
  OpenDescriptor* const open = TRY(call.find_directory(fd, right::kPathFilestatGet));
  const os::LastLink last = TRY(last_link(flags));
  const std::string_view path = TRY(call.path(address, length));
  const os::NodeStatus status = TRY(to_outcome(os::status_beneath(open->system, path, last)));
  return store_status(call, status_address, status);
}

Outcome<void> path_filestat_set_times(Call& call, std::uint32_t fd, std::uint32_t flags, std::uint32_t path,
                                      std::uint32_t length, std::uint64_t accessed, std::uint64_t modified,
                                      std::uint32_t time_flags) {
  const os::LastLink last = TRY(last_link(flags));
  const NewTimes times = TRY(new_times(accessed, modified, time_flags));
  const Path name = TRY(find_path(call, fd, path, length, right::kPathFilestatSetTimes));
  return set_times(name, last, times.accessed, times.modified);
}

Outcome<void> path_link(Call& call, std::uint32_t old_fd, std::uint32_t old_flags, std::uint32_t old_path,
                        std::uint32_t old_length, std::uint32_t new_fd, std::uint32_t new_path,
                        std::uint32_t new_length) {
  const os::LastLink last = TRY(last_link(old_flags));
  const Path from = TRY(find_path(call, old_fd, old_path, old_length, right::kPathLinkSource));
  const Path to = TRY(find_path(call, new_fd, new_path, new_length, right::kPathLinkTarget));
  return link(from, last, to);
}

constexpr std::uint32_t kCreate = 1;
constexpr std::uint32_t kDirectory = 2;
constexpr std::uint32_t kExclusive = 4;
constexpr std::uint32_t kTruncate = 8;

Outcome<void> path_open(Call& call, std::uint32_t fd, std::uint32_t lookup_flags, std::uint32_t address,
                        std::uint32_t length, std::uint32_t open_flags, std::uint64_t rights, std::uint64_t inheriting,
                        std::uint32_t flags, std::uint32_t opened_address) {
  constexpr std::uint32_t kAll = kCreate | kDirectory | kExclusive | kTruncate;
  if (open_flags > kAll || flags > flag::kAll) return fail(Errno::kInval);
  const bool is_directory = (open_flags & kDirectory) != 0;
  if (is_directory && (open_flags & (kCreate | kExclusive | kTruncate)) != 0) return fail(Errno::kInval);
  const Rights needed = right::kPathOpen | ((open_flags & kCreate) != 0 ? right::kPathCreateFile : 0);
  OpenDescriptor* const directory = TRY(call.find_directory(fd, needed));
  // Who may set the size of files that are opened there may as well open them empty: Go's os.Root asks for no more.
  const bool truncates = (directory->rights & right::kPathFilestatSetSize) != 0 ||
                         (directory->inheriting & right::kFdFilestatSetSize) != 0;
  if ((open_flags & kTruncate) != 0 && !truncates) return fail(Errno::kNotcapable);
  const os::LastLink last = TRY(last_link(lookup_flags));
  const std::string_view path = TRY(call.path(address, length));
  TRY(call.check(opened_address, sizeof(std::uint32_t)));
  if (call.sandbox.descriptors.is_full()) return fail(Errno::kMfile);

  // Of a directory nothing is read or written as of a file.
  constexpr Rights kWriting = right::kFdWrite | right::kFdAllocate;
  const bool writes = !is_directory && (rights & kWriting) != 0;
  // It means nothing for what is open to be read. Go asks for it whenever it opens something.
  if (!writes) rights &= ~right::kFdFilestatSetSize;
  if (writes && (directory->inheriting & rights & kWriting) != (rights & kWriting)) return fail(Errno::kNotcapable);
  const os::OpenHow how{.read = !writes || (rights & (right::kFdRead | right::kFdReaddir)) != 0,
                        .write = writes,
                        .create = (open_flags & kCreate) != 0,
                        .exclusive = (open_flags & kExclusive) != 0,
                        .truncate = (open_flags & kTruncate) != 0,
                        .directory = is_directory,
                        .append = (flags & flag::kAppend) != 0,
                        .data_sync = (flags & flag::kDsync) != 0,
                        .sync = (flags & (flag::kSync | flag::kRsync)) != 0};
  auto descriptor = TRY(to_outcome(os::open_beneath(directory->system, path, how, last)));
  const os::NodeStatus status = TRY(to_outcome(os::status_of(descriptor.number())));

  OpenDescriptor open{
      .kind = status.kind,
      .flags = static_cast<std::uint16_t>(flags),  // at most kAll
      .rights = rights & directory->inheriting & rights_of(status.kind, os::is_terminal(descriptor.number())),
      .inheriting = inheriting & directory->inheriting,
      .system = descriptor.number()};
  if (status.kind == os::NodeKind::kDirectory)
    open.backing = Backing::kDirectory;
  else if (status.kind == os::NodeKind::kRegular || status.kind == os::NodeKind::kBlockDevice)
    open.backing = Backing::kFile;
  else
    open.backing = Backing::kStream;
  open.owned = std::move(descriptor);
  const std::uint32_t number = TRY(call.sandbox.descriptors.add(std::move(open)));
  return call.store(opened_address, number);
}

Outcome<void> path_readlink(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t length,
                            std::uint32_t address, std::uint32_t room, std::uint32_t used) {
  TRY(call.check(address, room));
  TRY(call.check(used, sizeof(std::uint32_t)));
  const Path name = TRY(find_path(call, fd, path, length, right::kPathReadlink));
  std::array<std::byte, 4096> target;  // none is longer
  const std::size_t count = std::min<std::size_t>(room, target.size());
  const std::uint64_t bytes = TRY(read_link(name, std::span(target).first(count)));
  const auto written = TRY(call.write(address, bytes));
  std::copy_n(target.begin(), bytes, written.begin());
  return call.store(used, static_cast<std::uint32_t>(bytes));  // at most 4096
}

Outcome<void> path_remove_directory(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t length) {
  const Path name = TRY(find_path(call, fd, path, length, right::kPathRemoveDirectory));
  return remove_directory(name);
}

Outcome<void> path_rename(Call& call, std::uint32_t old_fd, std::uint32_t old_path, std::uint32_t old_length,
                          std::uint32_t new_fd, std::uint32_t new_path, std::uint32_t new_length) {
  const Path from = TRY(find_path(call, old_fd, old_path, old_length, right::kPathRenameSource));
  const Path to = TRY(find_path(call, new_fd, new_path, new_length, right::kPathRenameTarget));
  return rename(from, to);
}

Outcome<void> path_symlink(Call& call, std::uint32_t target_address, std::uint32_t target_length, std::uint32_t fd,
                           std::uint32_t path, std::uint32_t length) {
  const std::string_view target = TRY(call.path(target_address, target_length));
  const Path name = TRY(find_path(call, fd, path, length, right::kPathSymlink));
  return create_symbolic_link(target, name);
}

Outcome<void> path_unlink_file(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t length) {
  const Path name = TRY(find_path(call, fd, path, length, right::kPathUnlinkFile));
  return unlink_file(name);
}

}  // namespace

void define_paths(Linker& linker) {
  define<path_create_directory>(linker, "path_create_directory");
  define<path_filestat_get>(linker, "path_filestat_get");
  define<path_filestat_set_times>(linker, "path_filestat_set_times");
  define<path_link>(linker, "path_link");
  define<path_open>(linker, "path_open");
  define<path_readlink>(linker, "path_readlink");
  define<path_remove_directory>(linker, "path_remove_directory");
  define<path_rename>(linker, "path_rename");
  define<path_symlink>(linker, "path_symlink");
  define<path_unlink_file>(linker, "path_unlink_file");
}

}  // namespace anew::wasi::detail
