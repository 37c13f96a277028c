// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "debug/perf.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

#include "abi/processor.hpp"
#include "os/shared_log.hpp"
#include "os/thread.hpp"
#include "os/try.hpp"

namespace anew::debug {
namespace {

constexpr std::size_t kMaximumLineBytes = 64 << 20;  ///< of a function's record of lines, which names a file in each

/// One file for each process, made when it is first needed; a child of fork() makes its own.
class ProcessLog {
 public:
  /// @param path     with {} for the process's number.
  /// @param prepare  does what a new file needs. Called, like `write`, with nobody else at the file.
  template <typename Prepare, typename Write>
  Result<void> use(const char* path, Prepare&& prepare, Write&& write) {
    const std::lock_guard lock(mutex_);
    if (!log_ || process_ != os::process_id()) {
      log_.reset();
      process_ = os::process_id();
      auto made = TRY(os::SharedLog::create(fmt::format(fmt::runtime(path), process_)));
      TRY(prepare(made));
      log_ = std::move(made);
    }
    return write(*log_);
  }

 private:
  std::mutex mutex_;
  std::optional<os::SharedLog> log_;
  int process_ = 0;
};

template <typename T>
BytesView as_bytes(const T& structure) noexcept {
  static_assert(std::has_unique_object_representations_v<T>, "every byte is written");
  return std::as_bytes(std::span(&structure, 1));
}

BytesView as_bytes(const std::string& text) noexcept { return std::as_bytes(std::span(text)); }
/// With the zero byte behind it.
BytesView with_end(const std::string& text) noexcept { return std::as_bytes(std::span(text.c_str(), text.size() + 1)); }

struct DumpHeader {
  std::uint32_t magic = 0x4A695444;
  std::uint32_t version = 1;
  std::uint32_t bytes = sizeof(DumpHeader);
  std::uint32_t machine = abi::kElfMachine;
  std::uint32_t reserved = 0;
  std::uint32_t process = 0;
  std::uint64_t time = os::profiler_clock();
  std::uint64_t flags = 0;
};

enum RecordKind : std::uint32_t { kCodeLoad = 0, kDebugInfo = 2 };
struct RecordHeader {
  std::uint32_t kind;
  std::uint32_t bytes;  ///< of the record, this header included
  std::uint64_t time;
};
struct CodeLoad {
  RecordHeader header;
  std::uint32_t process;
  std::uint32_t thread;
  std::uint64_t run_address;
  std::uint64_t address;
  std::uint64_t bytes;
  std::uint64_t number;
  // Behind it: the name with its end, and the code.
};
struct DebugInfo {
  RecordHeader header;
  std::uint64_t address;
  std::uint64_t entries;
  // Behind it, for each: a DebugEntry, and the file's name with its end.
};
struct DebugEntry {
  std::uint64_t address;
  std::uint32_t line;
  std::uint32_t discriminator;
};

class Dump {
 public:
  Dump(const Code& code, os::SharedLog& log) : code_(code), log_(log) {}

  Result<void> add(const Symbol& symbol) {
    // The lines stand before the code that they are of.
    TRY(add_lines(symbol));
    CodeLoad record{.header = {kCodeLoad, 0, os::profiler_clock()},
                    .process = static_cast<std::uint32_t>(os::process_id()),  // never negative
                    .thread = os::system_thread_id(),
                    .run_address = symbol.address,
                    .address = symbol.address,
                    .bytes = symbol.bytes,
                    .number = next_number()};
    const std::uint64_t bytes = sizeof record + symbol.name.size() + 1 + symbol.bytes;
    if (bytes > UINT32_MAX) return {};
    record.header.bytes = static_cast<std::uint32_t>(bytes);
    // The symbol lies in the text.
    const BytesView text(reinterpret_cast<const std::byte*>(symbol.address), symbol.bytes);
    return log_.append(std::array{as_bytes(record), with_end(symbol.name), text});
  }

 private:
  /// Of a record of code: each has another one, whichever module it is of.
  static std::uint64_t next_number() noexcept {
    static std::uint64_t last = 0;  // guarded by the log's mutex
    return ++last;
  }

  Result<void> add_lines(const Symbol& symbol) {
    const std::vector<CodeLine> lines = lines_of(code_, symbol);
    if (lines.empty()) return {};
    std::string entries;
    for (const CodeLine& each : lines) {
      const DebugEntry entry{each.address, each.line.line, 0};
      entries.append(reinterpret_cast<const char*>(&entry), sizeof entry);  // char may alias any object
      const std::string file = code_.lines.file(each.line.file);
      entries.append(file.c_str(), std::min(file.size(), file.find('\0')) + 1);
      if (entries.size() > kMaximumLineBytes) return {};  // then it has none
    }
    DebugInfo record{
        .header = {kDebugInfo, 0, os::profiler_clock()}, .address = symbol.address, .entries = lines.size()};
    const std::uint64_t bytes = sizeof record + entries.size();
    if (bytes > UINT32_MAX) return {};
    record.header.bytes = static_cast<std::uint32_t>(bytes);
    return log_.append(std::array{as_bytes(record), as_bytes(entries)});
  }

  const Code& code_;
  os::SharedLog& log_;
};

}  // namespace

Result<void> add_to_perf_map(std::span<const Symbol> symbols) {
  static ProcessLog* const log = new ProcessLog;  // never destroyed: other threads may compile until the end
  std::string text;
  for (const Symbol& symbol : symbols)
    fmt::format_to(std::back_inserter(text), "{:x} {:x} {}\n", symbol.address, symbol.bytes, symbol.name);
  return log->use(
      "/tmp/perf-{}.map", [](os::SharedLog&) { return Result<void>(); },
      [&](os::SharedLog& file) { return file.append(std::array{as_bytes(text)}); });
}

Result<void> add_to_jitdump(const Code& code, std::span<const Symbol> symbols) {
  static ProcessLog* const log = new ProcessLog;  // as above
  const auto prepare = [](os::SharedLog& file) -> Result<void> {
    DumpHeader header;
    header.process = static_cast<std::uint32_t>(os::process_id());  // never negative
    TRY(file.append(std::array{as_bytes(header)}));
    return file.show_to_profilers();
  };
  return log->use("jit-{}.dump", prepare, [&](os::SharedLog& file) -> Result<void> {
    Dump dump(code, file);
    for (const Symbol& symbol : symbols) TRY(dump.add(symbol));
    return {};
  });
}

}  // namespace anew::debug
