// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/host_functions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <memory>

#include "host/substrate/scale.hpp"
#include "wasm/reader.hpp"

namespace anew::substrate {
namespace {

static_assert(std::endian::native == std::endian::little,
              "guest memory is little-endian; headers are copied as they are");

constexpr std::string_view kModule = "env";

InstanceState& state_of(const Caller& caller) noexcept {
  // Only a Runtime's pool links these functions, and it makes an InstanceState for each of its instances.
  return *static_cast<InstanceState*>(caller.host_state());
}

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  // Bytes seen as characters, which may alias any object.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::span<const std::byte>> read(const Caller& caller, std::uint64_t packed) {
  const GuestSpan span = GuestSpan::unpack(packed);
  return caller.memory().read(span.address, span.length);
}

/// Where the runtime's messages go, and how many of them.
struct Log {
  std::function<void(LogLevel, std::string_view, std::string_view)> sink;
  LogLevel maximum;

  [[nodiscard]] bool takes(LogLevel level) const noexcept { return level <= maximum; }
  void write(LogLevel level, std::string_view target, std::string_view message) const {
    if (takes(level) && wasm::is_utf8(message)) sink(level, target, message);
  }
};

/// As Substrate prints bytes: all of them, or the two ends if there are many.
std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::size_t kAll = 1026;
  constexpr std::size_t kEnd = 512;
  std::string text;
  const auto append = [&](std::span<const std::byte> part) {
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

void define_allocator(Linker& linker) {
  linker.define(kModule, "ext_allocator_malloc_version_1",
                [](Caller caller, std::uint32_t size) -> Result<std::uint32_t> {
                  InstanceState& state = state_of(caller);
                  return state.heap.allocate(GuestHeapMemory(caller.memory(), state), size);
                });
  linker.define(kModule, "ext_allocator_free_version_1", [](Caller caller, std::uint32_t address) -> Result<void> {
    InstanceState& state = state_of(caller);
    return state.heap.deallocate(GuestHeapMemory(caller.memory(), state), address);
  });
}

void define_logging(Linker& linker, const std::shared_ptr<const Log>& log) {
  linker.define(kModule, "ext_logging_log_version_1",
                [log](Caller caller, std::uint32_t level, std::uint64_t target, std::uint64_t message) -> Result<void> {
                  if (level > 4) return fail(ErrorCode::kHost, fmt::format("log level {} is not one of 0 to 4", level));
                  const auto target_bytes = read(caller, target);
                  if (!target_bytes) return std::unexpected(target_bytes.error());
                  const auto message_bytes = read(caller, message);
                  if (!message_bytes) return std::unexpected(message_bytes.error());
                  if (!wasm::is_utf8(as_text(*target_bytes)))
                    return fail(ErrorCode::kHost, "a log target is not UTF-8");
                  // A message's level counts from 0, the filter's from 1, as 0 is "off".
                  log->write(static_cast<LogLevel>(level + 1), as_text(*target_bytes), as_text(*message_bytes));
                  return {};
                });
  linker.define(kModule, "ext_logging_max_level_version_1",
                [maximum = static_cast<std::uint32_t>(log->maximum)]() -> std::uint32_t { return maximum; });
}

/// Substrate prints these as debug messages of the target "runtime".
void define_printing(Linker& linker, const std::shared_ptr<const Log>& log) {
  static constexpr std::string_view kTarget = "runtime";
  linker.define(kModule, "ext_misc_print_num_version_1", [log](std::uint64_t number) {
    if (log->takes(LogLevel::kDebug)) log->write(LogLevel::kDebug, kTarget, fmt::format("{}", number));
  });
  linker.define(kModule, "ext_misc_print_utf8_version_1", [log](Caller caller, std::uint64_t text) -> Result<void> {
    const auto bytes = read(caller, text);
    if (!bytes) return std::unexpected(bytes.error());
    log->write(LogLevel::kDebug, kTarget, as_text(*bytes));
    return {};
  });
  linker.define(kModule, "ext_misc_print_hex_version_1", [log](Caller caller, std::uint64_t data) -> Result<void> {
    const auto bytes = read(caller, data);
    if (!bytes) return std::unexpected(bytes.error());
    if (log->takes(LogLevel::kDebug)) log->write(LogLevel::kDebug, kTarget, to_hex(*bytes));
    return {};
  });
}

void define_runtime_version(Linker& linker, VersionReader read_version) {
  linker.define(kModule, "ext_misc_runtime_version_version_1",
                [read_version = std::move(read_version)](Caller caller, std::uint64_t code) -> Result<std::uint64_t> {
                  const auto bytes = read(caller, code);
                  if (!bytes) return std::unexpected(bytes.error());
                  Bytes encoded;  // an Option<Vec<u8>>
                  // A runtime that cannot be asked is an answer, not an error: None.
                  if (const Result<Bytes> version = read_version(*bytes); version) {
                    encoded.push_back(std::byte{1});
                    append_compact(encoded, static_cast<std::uint32_t>(version->size()));  // it came out of a memory
                    encoded.insert(encoded.end(), version->begin(), version->end());
                  } else {
                    encoded.push_back(std::byte{0});
                  }
                  auto address = copy_to_heap(state_of(caller), caller.memory(), encoded);
                  if (!address) return std::unexpected(std::move(address.error()));
                  return GuestSpan{*address, static_cast<std::uint32_t>(encoded.size())}.pack();
                });
}

}  // namespace

std::optional<std::uint64_t> GuestHeapMemory::load_u64(std::uint64_t address) const {
  const auto value = memory_.load<std::uint64_t>(address);
  return value ? std::optional(*value) : std::nullopt;
}

bool GuestHeapMemory::store_u64(std::uint64_t address, std::uint64_t value) {
  return memory_.store(address, value).has_value();
}

Result<std::uint32_t> copy_to_heap(InstanceState& state, MemoryView memory, std::span<const std::byte> bytes) {
  // What does not fit in 32 bits is too large all the same.
  const std::size_t size = std::min<std::size_t>(bytes.size(), UINT32_MAX);
  auto address = state.heap.allocate(GuestHeapMemory(memory, state), static_cast<std::uint32_t>(size));
  if (!address) return address;
  auto target = memory.write(*address, bytes.size());
  if (!target) return std::unexpected(std::move(target.error()));
  if (!bytes.empty()) std::memcpy(target->data(), bytes.data(), bytes.size());
  return address;
}

void define_host_functions(Linker& linker, const RuntimeOptions& options, VersionReader read_version) {
  const auto log = std::make_shared<const Log>(options.log, options.log ? options.log_level : LogLevel::kOff);
  define_allocator(linker);
  define_logging(linker, log);
  define_printing(linker, log);
  if (read_version) define_runtime_version(linker, std::move(read_version));
  linker.trap_unknown_functions();
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
