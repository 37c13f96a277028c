// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules made to blow up a compiler, each at four sizes up to eight times the first, and at one as large as a function
// may be: time must grow with the size of the module and no faster, and memory must stay below a multiple of it, or the
// module must be refused by one of the limits in src/wasm/limits.hpp.
//
//   anew_bench_hostile [NAME...]    the shapes to compile (all)
//
// Ends with 1 if the time for a byte grew more than twofold from the first of the four sizes to the last, or if any
// compilation, refused or not, took more memory than limits::compile_bytes says or, of a module of kLargeBytes and
// more, than kMaximumMultiple times its size.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>

#include "hostile_shapes.hpp"
#include "support.hpp"
#include "wasm/limits.hpp"

namespace anew::bench {
namespace {

// --- Compiling one of them ---

/// What a child process reports.
struct Measured {
  bool refused = false;
  std::uint64_t bytes = 0;  ///< of the module
  double ns = 0;            ///< processor time
  double peak = 0;          ///< bytes of memory above what was in use before
  char message[256] = {};   ///< of the refusal
};

[[nodiscard]] double status_bytes(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::strtod(line.c_str() + field.size(), nullptr) * 1024;
  return 0;
}

/// The process's clock would tick in milliseconds only, because its time is limited.
[[nodiscard]] double processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// @param rounds  at most; the fastest counts.
[[nodiscard]] Measured compile(const ModuleBytes& module, int rounds) {
  Measured measured{.bytes = module.span().size()};
  const Engine engine({.compile_threads = 1, .cache = false});
  const double before = status_bytes("VmRSS:");
  std::ofstream("/proc/self/clear_refs") << 5;  // VmHWM, the peak, starts anew
  double spent = 0;
  for (int round = 0; round < rounds && spent < 1e9; ++round) {
    const double start = processor_time();
    const Result<Module> result = engine.compile(module.span());
    const double ns = processor_time() - start;
    spent += ns;
    measured.ns = round == 0 ? ns : std::min(measured.ns, ns);
    if (round == 0) measured.peak = status_bytes("VmHWM:") - before;
    if (!result) {
      measured.refused = true;
      fmt::format_to_n(measured.message, sizeof(measured.message) - 1, "{}", result.error().message);
      const ErrorCode code = result.error().code;
      if (code != ErrorCode::kLimit && code != ErrorCode::kUnsupported)
        (void)value_or_exit<Module>(result, "not refused by a limit");
      break;
    }
  }
  return measured;
}

constexpr rlim_t kSeconds = 60;
constexpr rlim_t kMemory = rlim_t{8} << 30;

/// In a process of its own, so that what one needs does not show in the next, with limits on time and memory.
/// @return whether it ended within them.
[[nodiscard]] bool compile_apart(const Shape& shape, std::uint32_t size, int rounds, Measured& measured) {
  int channel[2];
  if (::pipe(channel) != 0) std::exit(1);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit seconds{kSeconds, kSeconds}, memory{kMemory, kMemory};
    ::setrlimit(RLIMIT_CPU, &seconds);
    ::setrlimit(RLIMIT_DATA, &memory);
    const Measured result = compile(shape.make(size), rounds);
    const ssize_t written = ::write(channel[1], &result, sizeof(result));
    std::_Exit(written == static_cast<ssize_t>(sizeof(result)) ? 0 : 1);
  }
  ::close(channel[1]);
  const bool complete = ::read(channel[0], &measured, sizeof(measured)) == static_cast<ssize_t>(sizeof(measured));
  ::close(channel[0]);
  ::waitpid(child, nullptr, 0);
  return complete;
}

constexpr std::size_t kSizes = 4;
constexpr double kMaximumGrowth = 2;
constexpr double kMaximumMultiple = 12;
constexpr double kLargeBytes = 7e6;

/// The memory of a compilation, as a multiple of the module. @return whether it is within its bounds.
[[nodiscard]] bool print_memory(const Measured& of) {
  const auto bytes = static_cast<double>(of.bytes);
  const bool is_large = bytes >= kLargeBytes;
  const bool good = of.peak <= static_cast<double>(wasm::limits::compile_bytes(of.bytes)) &&
                    (!is_large || of.peak <= kMaximumMultiple * bytes);
  fmt::print(" {:>8.1f}{}", of.peak / bytes, good ? "" : " TOO MUCH MEMORY");
  return good;
}

/// @return the size at which the module has about kLargeBytes, given one of its sizes.
[[nodiscard]] std::uint32_t large_size(std::uint32_t size, std::uint64_t bytes) {
  return static_cast<std::uint32_t>(std::max(1.0, 1.05 * kLargeBytes / static_cast<double>(bytes)) * size);
}

/// @return whether time and memory stayed within their bounds.
[[nodiscard]] bool run(const Shape& shape) {
  fmt::print("{:<58}", shape.name);
  Measured measured[kSizes + 1];
  bool bounded = true;
  std::size_t done = 0;
  for (; done <= kSizes; ++done) {
    Measured& now = measured[done];
    const std::uint32_t size =
        done < kSizes ? shape.size << done : large_size(shape.size << (kSizes - 1), measured[kSizes - 1].bytes);
    if (!compile_apart(shape, size, done < kSizes ? 5 : 1, now)) {
      fmt::print(" n = {}: over {} s or {} GiB, or it crashed: NOT BOUNDED\n", size, kSeconds, kMemory >> 30);
      return false;
    }
    if (now.refused) break;
    if (done < kSizes) fmt::print(" {:>8.1f}", now.ns / 1e6);
    std::fflush(stdout);
  }
  if (done >= kSizes) {
    const Measured& first = measured[0];
    const Measured& last = measured[kSizes - 1];
    auto per_byte = [](double what, const Measured& of) { return what / static_cast<double>(of.bytes); };
    const double growth = per_byte(last.ns, last) / per_byte(first.ns, first);
    const double exponent =
        std::log(last.ns / first.ns) / std::log(static_cast<double>(last.bytes) / static_cast<double>(first.bytes));
    fmt::print(" {:>9} {:>8.1f} {:>6.2f}", last.bytes, per_byte(last.ns, last), exponent);
    bounded &= print_memory(last);
    if (growth > kMaximumGrowth) {
      fmt::print(" NOT LINEAR: {:.1f} times the time for a byte", growth);
      bounded = false;
    }
  }
  const Measured& largest = measured[std::min(done, kSizes)];
  fmt::print(" {:>9}", largest.bytes);
  bounded &= print_memory(largest);
  if (largest.refused) fmt::print("  refused: {}", static_cast<const char*>(largest.message));
  fmt::print("\n");
  return bounded;
}

int run_all(const std::vector<std::string>& names) {
  fmt::print(
      "Modules made to blow up a compiler: processor time on one core at n, 2n, 4n and 8n; of the last of these its\n"
      "size, time for a byte, the exponent of the time from n to 8n, and the most memory it took as a multiple of its\n"
      "size; then size and memory of one of {:.0f} MB, or of the first that was refused. Allowed are {} MiB and {} "
      "bytes\n"
      "for each byte, and from {:.0f} MB on {} times the size.\n\n",
      kLargeBytes / 1e6, wasm::limits::kCompileBytesForAll >> 20, wasm::limits::kCompileBytesPerByte, kLargeBytes / 1e6,
      kMaximumMultiple);
  fmt::print("{:<58} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>6} {:>8} {:>9} {:>8}\n", "shape", "n, ms", "2n, ms",
             "4n, ms", "8n, ms", "bytes", "ns/byte", "exp.", "memory", "bytes", "memory");
  bool bounded = true;
  for (const Shape& shape : hostile_shapes())
    if (names.empty() || std::find(names.begin(), names.end(), shape.name) != names.end()) bounded &= run(shape);
  fmt::print("\n{}\n", bounded
                           ? "Every shape is linear in time and bounded in memory, or refused by a limit and bounded."
                           : "Not every shape is bounded: see above.");
  return bounded ? 0 : 1;
}

}  // namespace
}  // namespace anew::bench

int main(int argc, char** argv) { return anew::bench::run_all(std::vector<std::string>(argv + 1, argv + argc)); }
