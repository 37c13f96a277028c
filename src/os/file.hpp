// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files and directories. Every error is kIo or kNotFound and names the path, the operation and the system's reason.
#pragma once

#include <anew/error.hpp>
#include <anew/types.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::os {

/// An open file descriptor, closed when the object goes.
class ANEW_DETAIL_API Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Gives the descriptor up: somebody else closes it.
  int release() noexcept { return std::exchange(number_, -1); }
  /// Closes it now, for those who must know whether the last write reached the file system.
  [[nodiscard]] bool close() noexcept;

 private:
  int number_ = -1;
};

struct FileStatus {
  enum class Kind : std::uint8_t { kRegular, kDirectory, kOther };
  Kind kind = Kind::kOther;
  std::uint64_t bytes = 0;
  bool owned_by_user = false;  ///< by the effective user of this process
  bool owned_by_root = false;
  bool writable_by_others = false;  ///< group or others may write
  std::chrono::sys_time<std::chrono::nanoseconds> modified{};
};

/// A file opened for reading.
class File {
 public:
  enum class Links : std::uint8_t { kFollow, kRefuse };
  /// @param links  whether the path itself may be a symbolic link. Never waits for the other end of a pipe.
  [[nodiscard]] static Result<File> open(const std::filesystem::path& path, Links links);
  [[nodiscard]] Result<FileStatus> status() const;
  /// Up to `count` bytes from the current position; fewer only at the end of the file.
  [[nodiscard]] Result<std::vector<std::byte>> read(std::uint64_t count);
  /// Fills `bytes` from a place in the file. @return kIo also if the file ends before.
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const;
  /// Appends the rest of the file. @return kLimit if `bytes` would grow past `maximum`.
  [[nodiscard]] Result<void> read_rest(std::vector<std::byte>& bytes, std::uint64_t maximum);
  /// Sets the time of the last change to now. @return false if the system refuses.
  bool touch() noexcept;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.number(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  friend class Directory;
  File(Descriptor descriptor, std::filesystem::path path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  Descriptor descriptor_;
  std::filesystem::path path_;
};

/// The whole file. @return kLimit if it is larger than `maximum`.
[[nodiscard]] ANEW_DETAIL_API Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                                                       std::uint64_t maximum);

/// Names of temporary files begin so. One that a crash left behind may be removed once it is old.
inline constexpr std::string_view kTemporaryPrefix = ".anew-tmp-";

/// An open directory. All operations go through the descriptor: renaming or replacing the directory behind our back
/// does not lead them elsewhere. Names are single components.
class Directory {
 public:
  [[nodiscard]] static Result<Directory> open(const std::filesystem::path& path);
  [[nodiscard]] Result<FileStatus> status() const;
  /// Opens a file for reading; refuses a symbolic link.
  [[nodiscard]] Result<File> open_file(const std::string& name) const;
  /// Writes the pieces one after the other to a temporary file and renames it to `name`, replacing what bears that
  /// name: readers see the old file or the new one, whole. On any failure nothing is left behind.
  /// @param mode  permission bits, less the umask.
  [[nodiscard]] Result<void> write(const std::string& name, std::span<const BytesView> pieces, unsigned mode) const;
  /// @return false if there is none of this name, or another process removed it first.
  [[nodiscard]] Result<bool> remove(const std::string& name) const;
  struct Entry {
    std::string name;
    FileStatus status;
  };
  /// What lies in the directory, but for what vanishes meanwhile; not sorted.
  [[nodiscard]] Result<std::vector<Entry>> list() const;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  Directory(Descriptor descriptor, std::filesystem::path path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  Descriptor descriptor_;
  std::filesystem::path path_;
};

/// Directory::write into the directory that `path` names.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::span<const BytesView> pieces,
                                      unsigned mode);

/// Makes the directory and its missing parents, accessible by this user only. Fine if it exists.
[[nodiscard]] Result<void> make_private_directory(const std::filesystem::path& path);

}  // namespace anew::os
