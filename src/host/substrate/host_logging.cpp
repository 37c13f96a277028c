// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_logging_*, ext_misc_* and ext_panic_handler_*: what a runtime says, and what it asks about other runtimes.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "host/substrate/host_functions.hpp"
#include "host/substrate/pieces.hpp"
#include "wasm/printable.hpp"
#include "wasm/reader.hpp"

namespace anew::substrate {
namespace {

std::string_view as_text(BytesView bytes) noexcept {
  // Bytes seen as characters, which may alias any object.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Whether it is UTF-8, looked at piece by piece.
bool is_text(std::string_view text) {
  while (text.size() > kPiece) {
    std::size_t cut = kPiece;  // not in the midst of a character, which has four bytes at most
    while (cut > kPiece - 4 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    if (!wasm::is_utf8(text.substr(0, cut))) return false;
    detail::check_stop();
    text.remove_prefix(cut);
  }
  return wasm::is_utf8(text);
}

/// Where the runtime's messages go, and how many of them.
struct Log {
  LogSink sink;
  LogLevel maximum;

  [[nodiscard]] bool takes(LogLevel level) const noexcept { return level <= maximum; }
  void write(LogLevel level, std::string_view target, std::string_view message) const {
    if (takes(level) && is_text(message)) sink(level, target, message);
  }
};

/// As Substrate prints bytes: all of them, or the two ends if there are many.
std::string to_text(BytesView bytes) {
  constexpr std::size_t kAll = 1026;
  constexpr std::size_t kEnd = 512;
  std::string text;
  const auto append = [&](BytesView part) {
    for (const std::byte b : part) fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(b));
  };
  if (bytes.size() <= kAll) {
    append(bytes);
  } else {
    append(bytes.first(kEnd));
    text += "...";
    append(bytes.last(kEnd));
  }
  return text;
}

/// Of what a runtime says before it traps, so much is kept for the error.
constexpr std::size_t kMaximumPanic = 4096;

/// @return nothing of what is not UTF-8.
std::string_view cut_panic(BytesView message) {
  std::string_view text = as_text(message);
  if (!is_text(text)) return {};
  if (text.size() > kMaximumPanic) {
    text = text.substr(0, kMaximumPanic);
    // Not in the midst of a character, which has four bytes at most.
    while (!wasm::is_utf8(text)) text.remove_suffix(1);
  }
  return text;
}

/// Substrate prints these as debug messages of this target.
constexpr std::string_view kPrintTarget = "runtime";

}  // namespace

void define_logging(HostFunctions& functions, LogSink sink, LogLevel maximum) {
  const auto log = std::make_shared<const Log>(std::move(sink), maximum);
  functions.define(
      "ext_logging_log_version_1",
      [log](const HostCall& call, std::uint32_t level, BytesView target, BytesView message) -> Result<void> {
        if (level > 4) return fail(ErrorCode::kHost, fmt::format("log level {} is not one of 0 to 4", level));
        if (!is_text(as_text(target))) return fail(ErrorCode::kHost, "a log target is not UTF-8");
        // A runtime that panics says so here, at level error, and traps.
        if (level == 0) call.state.panic = cut_panic(message);
        // A message's level counts from 0, the filter's from 1, as 0 is "off".
        log->write(static_cast<LogLevel>(level + 1), as_text(target), as_text(message));
        return {};
      });
  functions.define("ext_logging_max_level_version_1",
                   [maximum](const HostCall&) -> std::uint32_t { return std::to_underlying(maximum); });
  functions.define(
      "ext_panic_handler_abort_on_panic_version_1", [](const HostCall&, BytesView message) -> Result<void> {
        return fail(ErrorCode::kHost, fmt::format("the runtime panicked: {}", wasm::printable(cut_panic(message))));
      });
}

void define_misc(HostFunctions& functions, LogSink sink, LogLevel maximum, VersionReader read_version) {
  const auto log = std::make_shared<const Log>(std::move(sink), maximum);
  functions.define("ext_misc_print_num_version_1", [log](const HostCall&, std::uint64_t number) {
    if (log->takes(LogLevel::kDebug)) log->write(LogLevel::kDebug, kPrintTarget, fmt::format("{}", number));
  });
  functions.define("ext_misc_print_utf8_version_1", [log](const HostCall&, BytesView text) {
    log->write(LogLevel::kDebug, kPrintTarget, as_text(text));
  });
  functions.define("ext_misc_print_hex_version_1", [log](const HostCall&, BytesView data) {
    if (log->takes(LogLevel::kDebug)) log->write(LogLevel::kDebug, kPrintTarget, to_text(data));
  });
  functions.define("ext_misc_runtime_version_version_1",
                   [read_version = std::move(read_version)](const HostCall&, BytesView code) -> std::optional<Bytes> {
                     // A runtime that cannot be asked is an answer, not an error.
                     if (!read_version) return std::nullopt;
                     Result<Bytes> version = read_version(code);
                     return version ? std::optional(std::move(*version)) : std::nullopt;
                   });
}

const char* to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kOff: return "OFF";
    case LogLevel::kError: return "ERROR";
    case LogLevel::kWarn: return "WARN";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kTrace: return "TRACE";
  }
  return "?";
}

}  // namespace anew::substrate
