// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a sandbox does with files and directories: system calls, each with its error's number. None is begun again after
// a signal unless that says so: a deadline is one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "os/file.hpp"
#include "os/sandbox/beneath.hpp"
#include "os/sandbox/system_result.hpp"

namespace anew::os {

enum class NodeKind : std::uint8_t {
  kUnknown,
  kBlockDevice,
  kCharacterDevice,
  kDirectory,
  kRegular,
  kDatagramSocket,
  kStreamSocket,
  kSymbolicLink,
  kPipe,
};

/// What `stat` says; times in nanoseconds since 1970, not before.
struct NodeStatus {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  NodeKind kind = NodeKind::kUnknown;
  std::uint64_t links = 0;
  std::uint64_t bytes = 0;
  std::uint64_t accessed = 0;
  std::uint64_t modified = 0;
  std::uint64_t changed = 0;
};

/// A time to set: leave it, now, or nanoseconds since 1970.
struct NewTime {
  enum class What : std::uint8_t { kKeep, kNow, kGiven };
  What what = What::kKeep;
  std::uint64_t nanoseconds = 0;
};

enum class Advice : std::uint8_t { kNormal, kSequential, kRandom, kWillNeed, kDontNeed, kNoReuse };
enum class Whence : std::uint8_t { kBegin, kCurrent, kEnd };

// Of a descriptor. Those that read and write move the file's position, or take one; they do less than asked for where
// the system does.
[[nodiscard]] SystemResult<Descriptor> duplicate(int descriptor);
[[nodiscard]] SystemResult<Descriptor> open_directory(const std::filesystem::path& path);
[[nodiscard]] SystemResult<NodeStatus> status_of(int descriptor);
[[nodiscard]] SystemResult<std::uint64_t> read(int descriptor, std::span<const Buffer> buffers);
[[nodiscard]] SystemResult<std::uint64_t> read_at(int descriptor, std::span<const Buffer> buffers,
                                                  std::uint64_t position);
/// Raises no SIGPIPE, whatever the descriptor is.
[[nodiscard]] SystemResult<std::uint64_t> write(int descriptor, std::span<const Buffer> buffers, NodeKind kind);
[[nodiscard]] SystemResult<std::uint64_t> write_at(int descriptor, std::span<const Buffer> buffers,
                                                   std::uint64_t position);
/// At the end of the file, wherever that is by then.
[[nodiscard]] SystemResult<std::uint64_t> append(int descriptor, std::span<const Buffer> buffers);
[[nodiscard]] SystemResult<std::uint64_t> seek(int descriptor, std::int64_t offset, Whence whence);
[[nodiscard]] SystemResult<void> advise(int descriptor, std::uint64_t position, std::uint64_t bytes, Advice advice);
/// Makes the file at least that long.
[[nodiscard]] SystemResult<void> allocate(int descriptor, std::uint64_t position, std::uint64_t bytes);
[[nodiscard]] SystemResult<void> resize(int descriptor, std::uint64_t bytes);
[[nodiscard]] SystemResult<void> sync(int descriptor);
[[nodiscard]] SystemResult<void> sync_data(int descriptor);
/// Whether what is written goes to the end of the file. All who share how it was opened see the change.
[[nodiscard]] SystemResult<void> set_append(int descriptor, bool append);
[[nodiscard]] SystemResult<void> set_times(int descriptor, NewTime accessed, NewTime modified);

/// An entry of a directory. `next` is the place behind it, for read_directory.
struct DirectoryEntry {
  std::uint64_t next;
  std::uint64_t inode;
  NodeKind kind;
  std::string_view name;
};
/// What takes entries, as long as it returns true.
class DirectoryReader {
 public:
  virtual ~DirectoryReader() = default;
  [[nodiscard]] virtual bool take(const DirectoryEntry& entry) = 0;
  /// Asked between system calls, since a directory may be very large.
  [[nodiscard]] virtual bool goes_on() = 0;
};
/// Hands out entries from a place on, 0 the first, until the reader has enough or the directory ends.
[[nodiscard]] SystemResult<void> read_directory(int descriptor, std::uint64_t place, DirectoryReader& reader);

/// The status of what a path names. @return as open_beneath.
[[nodiscard]] SystemResult<NodeStatus> status_beneath(int directory, std::string_view path, LastLink last);

// Of a place. None follows a symbolic link there.
[[nodiscard]] SystemResult<NodeStatus> status_of(const Place& place);
[[nodiscard]] SystemResult<void> set_times(const Place& place, NewTime accessed, NewTime modified);
[[nodiscard]] SystemResult<void> create_directory(const Place& place);
[[nodiscard]] SystemResult<void> remove_directory(const Place& place);
[[nodiscard]] SystemResult<void> remove_file(const Place& place);
[[nodiscard]] SystemResult<void> rename(const Place& from, const Place& to);
[[nodiscard]] SystemResult<void> link(const Place& from, const Place& to);
[[nodiscard]] SystemResult<void> create_symbolic_link(const char* target, const Place& place);
/// @return how much of the target there is, which may be less than all of it.
[[nodiscard]] SystemResult<std::uint64_t> read_symbolic_link(const Place& place, std::span<std::byte> target);

}  // namespace anew::os
