// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/result_file.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <system_error>
#include <utility>

#include "cli/command_line.hpp"
#include "cli/temporary_path.hpp"
#include "os/file.hpp"
#include "os/terminal.hpp"
#include "os/try.hpp"

namespace anew::cli {

Result<ResultFile> ResultFile::open(const std::string& name) {
  ResultFile file(name);
  if (name != "-") return file;
  if (os::standard_output_is_terminal())
    return fail(ErrorCode::kArgument, "--output -: standard output is a terminal; redirect it, or give a file's name");
  file.standard_output_ = os::detach_standard_output();
  if (file.standard_output_ == nullptr) return fail(ErrorCode::kIo, "cannot set standard output aside");
  return file;
}

Result<std::optional<ResultFile>> ResultFile::open_if_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return open(name);
}

Result<void> ResultFile::write(std::span<const std::byte> bytes) const {
  if (standard_output_ == nullptr) {
    const BytesView pieces[] = {bytes};
    auto written = os::write_file(name_, pieces, 0644);
    if (!written) return std::unexpected(file_error(std::move(written.error())));
    return {};
  }
  const std::size_t written = std::fwrite(bytes.data(), 1, bytes.size(), standard_output_);
  if (written != bytes.size() || std::fflush(standard_output_) != 0)
    return fail(ErrorCode::kIo, "could not write to standard output");
  return {};
}

Result<std::uint64_t> ResultFile::save(
    const std::function<Result<void>(const std::filesystem::path& path)>& save) const {
  if (standard_output_ == nullptr) {
    if (auto saved = save(name_); !saved) return std::unexpected(file_error(std::move(saved.error())));
    std::error_code ignored;
    return std::filesystem::file_size(name_, ignored);
  }
  const TemporaryPath copy;
  if (auto saved = save(copy.path()); !saved) return std::unexpected(file_error(std::move(saved.error())));
  constexpr std::uint64_t kAnySize = 1ull << 40;
  const auto bytes = os::read_file(copy.path(), kAnySize);
  if (!bytes) return std::unexpected(file_error(bytes.error()));
  TRY(write(*bytes));
  return bytes->size();
}

Option add_output_option(const Command& command, std::string& output, const char* description) {
  return command.text("-o,--output", output, description).value_name("OUT");
}

}  // namespace anew::cli
