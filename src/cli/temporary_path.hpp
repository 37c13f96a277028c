// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <random>
#include <system_error>

namespace anew::cli {

/// A name for a file that goes with this object, in the directory for temporary files. Whoever writes it makes it anew
/// and renames it into place, as os::write_file does.
class TemporaryPath {
 public:
  TemporaryPath() {
    std::random_device random;
    path_ = std::filesystem::temp_directory_path() / fmt::format("anew-{:08x}{:08x}", random(), random());
  }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  ~TemporaryPath() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace anew::cli
