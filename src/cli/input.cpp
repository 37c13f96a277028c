// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/input.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "cli/command.hpp"
#include "os/file.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

Result<std::vector<std::byte>> read_standard_input(const MostBytes& most) {
  static bool is_read = false;
  if (std::exchange(is_read, true))
    return fail(ErrorCode::kArgument, "standard input (-) can be read once: give the other files by name");
  std::vector<std::byte> bytes;
  const auto read = [&bytes](std::size_t count) {
    const std::size_t size = bytes.size();
    bytes.resize(size + count);
    const std::size_t got = std::fread(bytes.data() + size, 1, count, stdin);
    bytes.resize(size + got);
    return got == count;
  };
  if (read(kBeginningBytes)) {
    constexpr std::size_t kStep = 1 << 16;
    const std::uint64_t limit = most(bytes);
    while (read(kStep))
      if (bytes.size() > limit) break;
    if (bytes.size() > limit)
      return fail(ErrorCode::kLimit, fmt::format("standard input has more than {} bytes", limit));
  }
  if (std::ferror(stdin) != 0) return fail(ErrorCode::kIo, "cannot read standard input");
  return bytes;
}

Result<std::vector<std::byte>> read_file(const std::string& file, const MostBytes& most) {
  auto opened = TRY(os::File::open(file, os::File::Links::kFollow));
  auto bytes = opened.read(kBeginningBytes);
  if (!bytes) return bytes;
  TRY(opened.read_rest(*bytes, most(*bytes)));
  return bytes;
}

}  // namespace

Result<std::vector<std::byte>> read_input(const std::string& file, const MostBytes& most) {
  auto bytes = file == "-" ? read_standard_input(most) : read_file(file, most);
  if (!bytes) return std::unexpected(file_error(std::move(bytes.error())));
  return bytes;
}

Result<std::vector<std::byte>> read_input(const std::string& file, std::uint64_t most) {
  return read_input(file, [most](std::span<const std::byte>) { return most; });
}

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // char may alias any object
}

char first_character(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == text.npos ? '\0' : text[first];
}

}  // namespace anew::cli
