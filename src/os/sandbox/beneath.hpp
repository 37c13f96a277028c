// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Paths beneath a directory, for those who must not get out of it.
//
// A path is relative and never leads out: not by `..`, not by symbolic links however they are chained, not through
// links of /proc that are no paths, and not by directories that are moved while it is walked. Where the kernel has
// openat2 it sees to that (RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS); elsewhere a walk does, one component at a time,
// which follows symbolic links itself and goes up only to directories that it came down through.
// What would lead out is std::errc::cross_device_link, as with openat2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/file.hpp"
#include "os/sandbox/system_result.hpp"

namespace anew::os {

/// Whether the last component of a path may be a symbolic link that is followed.
enum class LastLink : std::uint8_t { kFollow, kKeep };

/// How a file is opened.
struct OpenHow {
  bool read = false;
  bool write = false;
  bool create = false;
  bool exclusive = false;
  bool truncate = false;
  bool directory = false;
  bool append = false;
  bool data_sync = false;
  bool sync = false;
};

/// A name in a directory. The name holds no slash and is not `..`: "." stands for the directory itself.
class Place {
 public:
  Place(int borrowed, std::string name) : parent_(borrowed), name_(std::move(name)) {}
  Place(Descriptor parent, std::string name)
      : owned_(std::move(parent)), parent_(owned_.number()), name_(std::move(name)) {}
  [[nodiscard]] int parent() const noexcept { return parent_; }
  [[nodiscard]] const char* name() const noexcept { return name_.c_str(); }
  /// Whether the path ended in a slash, so names a directory.
  bool is_directory = false;

 private:
  Descriptor owned_;
  int parent_;
  std::string name_;
};

/// Opens what a path names, never waiting for the other end of a pipe: the descriptor does not block. A new file has
/// the mode 0666 less the umask.
/// @param path  without NUL. @return no_such_file_or_directory for an empty one; cross_device_link for one that is
/// absolute or leads out; filename_too_long past 4095 bytes.
[[nodiscard]] SystemResult<Descriptor> open_beneath(int directory, std::string_view path, const OpenHow& how,
                                                    LastLink last);
/// Opens what a path names to look at it alone, which works without permission to read it, and for what is not to be
/// opened: pipes, devices. @return nothing where openat2 is missing; else as open_beneath.
[[nodiscard]] std::optional<SystemResult<Descriptor>> look_beneath(int directory, std::string_view path, LastLink last);
/// Finds where a path's last component is or would be. With LastLink::kFollow that is no symbolic link, unless somebody
/// makes it one in this moment: whoever uses the place must not follow.
/// @return as open_beneath.
[[nodiscard]] SystemResult<Place> find_beneath(int directory, std::string_view path, LastLink last);

/// For tests: walks where the kernel has openat2, too.
void walk_always(bool always) noexcept;

}  // namespace anew::os
