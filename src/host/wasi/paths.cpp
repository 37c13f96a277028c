// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/paths.hpp"

#include <string>
#include <utility>

#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

Outcome<os::Place> find_place(const Path& path, os::LastLink last = os::LastLink::kKeep) {
  return to_outcome(os::find_beneath(path.directory, path.path, last));
}

/// A slash behind the name of what is to be made, and is no directory.
Outcome<void> refuse_slash(const os::Place& place) {
  if (!place.is_directory) return {};
  return fail(os::status_of(place) ? Errno::kExist : Errno::kNoent);
}

/// Between two places it is about file systems, not about a way out.
Outcome<void> between_places(os::SystemResult<void> result) {
  if (!result && result.error() == std::errc::cross_device_link) return fail(Errno::kXdev);
  return to_outcome(std::move(result));
}

}  // namespace

Outcome<void> check_path(std::string_view path) {
  if (path.size() > kMaximumPath) return fail(Errno::kNametoolong);  // before it is looked through
  if (path.find('\0') != std::string_view::npos) return fail(Errno::kInval);
  return {};
}

Outcome<os::Place> find_existing(const Path& path, os::LastLink last) {
  if (path.path.ends_with('/')) last = os::LastLink::kFollow;
  os::Place place = TRY(find_place(path, last));
  if (!place.is_directory) return place;
  const auto status = TRY(to_outcome(os::status_of(place)));
  if (status.kind != os::NodeKind::kDirectory) return fail(Errno::kNotdir);
  return place;
}

Outcome<void> create_directory(const Path& path) {
  const os::Place place = TRY(find_place(path));
  return to_outcome(os::create_directory(place));
}

Outcome<void> set_times(const Path& path, os::LastLink last, os::NewTime accessed, os::NewTime modified) {
  const os::Place place = TRY(find_existing(path, last));
  return to_outcome(os::set_times(place, accessed, modified));
}

Outcome<void> link(const Path& from, os::LastLink last, const Path& to) {
  const os::Place source = TRY(find_existing(from, last));
  const os::Place target = TRY(find_place(to));
  TRY(refuse_slash(target));
  return between_places(os::link(source, target));
}

Outcome<void> rename(const Path& from, const Path& to) {
  const os::Place source = TRY(find_place(from));
  const os::Place target = TRY(find_place(to));
  if (source.is_directory || target.is_directory) {
    const auto status = TRY(to_outcome(os::status_of(source)));
    if (status.kind != os::NodeKind::kDirectory) return fail(Errno::kNotdir);
  }
  return between_places(os::rename(source, target));
}

Outcome<std::uint64_t> read_link(const Path& path, std::span<std::byte> target) {
  const os::Place place = TRY(find_existing(path, os::LastLink::kKeep));
  if (target.empty()) return 0;
  return to_outcome(os::read_symbolic_link(place, target));
}

Outcome<void> remove_directory(const Path& path) {
  const os::Place place = TRY(find_place(path));
  return to_outcome(os::remove_directory(place));
}

Outcome<void> unlink_file(const Path& path) {
  const os::Place place = TRY(find_place(path));
  if (place.is_directory) {
    const auto status = TRY(to_outcome(os::status_of(place)));
    return fail(status.kind == os::NodeKind::kDirectory ? Errno::kIsdir : Errno::kNotdir);
  }
  return to_outcome(os::remove_file(place));
}

Outcome<void> create_symbolic_link(std::string_view target, const Path& path) {
  // No guest could follow it, and whoever else does would leave the directory.
  if (target.starts_with('/')) return fail(Errno::kPerm);
  const os::Place place = TRY(find_place(path));
  TRY(refuse_slash(place));
  return to_outcome(os::create_symbolic_link(std::string(target).c_str(), place));
}

}  // namespace anew::wasi::detail
