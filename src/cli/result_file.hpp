// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// --output FILE: where what a subcommand makes goes, a file, or standard output for "-". What it says of that goes to
// standard error then.
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "cli/command_line.hpp"

namespace anew::cli {

class ResultFile {
 public:
  /// Before anything is printed. @return kArgument for "-" if standard output is a terminal, which bytes would confuse;
  /// kIo.
  [[nodiscard]] static Result<ResultFile> open(const std::string& name);

  /// Nothing for an empty name: the option was not given.
  [[nodiscard]] static Result<std::optional<ResultFile>> open_if_named(const std::string& name);

  /// @return kIo.
  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes) const;
  /// Has `save` write a file of that name, or another one, which is then copied. @return the bytes written, or an
  /// error.
  [[nodiscard]] Result<std::uint64_t> save(
      const std::function<Result<void>(const std::filesystem::path& path)>& save) const;

 private:
  explicit ResultFile(std::string name) : name_(std::move(name)) {}
  std::string name_;
  std::FILE* standard_output_ = nullptr;  ///< for "-"; open until the process ends
};

/// -o, --output FILE.
Option add_output_option(const Command& command, std::string& output, const char* description);

}  // namespace anew::cli
