// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tier/optimizer_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "abi/library.hpp"
#include "os/environment.hpp"
#include "os/helper_process.hpp"
#include "os/loaded_object.hpp"
#include "os/try.hpp"
#include "wasm/limits.hpp"

namespace anew::tier {
namespace {

using codegen::optimizing::FunctionCode;
using codegen::optimizing::FunctionReply;
using codegen::optimizing::JobHeader;
using codegen::optimizing::JobReply;
using codegen::optimizing::Relocation;
using codegen::optimizing::Target;
using codegen::optimizing::UnitHeader;
using codegen::optimizing::UnitReply;
using os::HelperProcess;
using Outcome = HelperProcess::Outcome;
using Unit = std::vector<std::uint32_t>;

constexpr char kProgram[] = "anew-optimizer";

/// A process that did not do what it was to do, in words.
struct Failed {
  std::string reason;
};

/// One process and what is said to it.
class Optimizer {
 public:
  Optimizer(const OptimizeJob& job, const std::filesystem::path& program) : job_(job), program_(program) {}

  /// Starts the process and gives it the job.
  [[nodiscard]] Result<void> start() {
    const auto priority = job_.in_background ? HelperProcess::Priority::kLow : HelperProcess::Priority::kOurs;
    child_.emplace(TRY(HelperProcess::start(program_, priority)));
    begin();
    if (auto greeted = greet(); !greeted) {
      const std::string reason = std::move(greeted).error().reason;
      child_.reset();
      return fail(ErrorCode::kResource, fmt::format("{} cannot be used: {}", program_.string(), reason));
    }
    return {};
  }
  [[nodiscard]] bool is_running() const { return child_.has_value(); }

  /// @return for each function; if the process failed, it is ended.
  [[nodiscard]] std::expected<std::vector<FunctionCode>, Failed> compile(std::span<const std::uint32_t> unit) {
    begin();
    auto codes = ask(unit);
    if (!codes) child_.reset();
    return codes;
  }

 private:
  void begin() { deadline_ = HelperProcess::Clock::now() + job_.unit_limit; }

  [[nodiscard]] std::expected<void, Failed> greet() {
    JobHeader header;
    std::memset(static_cast<void*>(&header), 0, sizeof(header));  // nothing of ours travels between its members
    header.magic = codegen::optimizing::kProtocolMagic;
    header.code_version = ANEW_CODE_VERSION;
    header.module_bytes = job_.binary.size();
    header.memory_bytes = job_.memory_limit;
    header.accepted = job_.accepted.bits();
    header.pipeline = job_.pipeline;
    header.options = job_.options;
    TRY(send(std::as_bytes(std::span(&header, 1))));
    TRY(send(job_.binary));
    const auto reply = TRY(receive<JobReply>());
    if (reply.magic != codegen::optimizing::kReplyMagic) return std::unexpected(Failed{"it is no such program"});
    if (reply.message_bytes == 0) return {};
    return std::unexpected(Failed{TRY(receive_text(reply.message_bytes))});
  }

  [[nodiscard]] std::expected<std::vector<FunctionCode>, Failed> ask(std::span<const std::uint32_t> unit) {
    // As many as the module has functions, at most.
    const UnitHeader header = {static_cast<std::uint32_t>(unit.size())};
    TRY(send(std::as_bytes(std::span(&header, 1))));
    TRY(send(std::as_bytes(unit)));
    const auto reply = TRY(receive<UnitReply>());
    if (reply.functions != unit.size()) return nonsense();
    std::vector<FunctionCode> codes(unit.size());
    for (std::size_t i = 0; i < unit.size(); ++i) {
      codes[i] = TRY(receive_function());
      if (codes[i].function != unit[i]) return nonsense();
    }
    return codes;
  }

  [[nodiscard]] std::expected<FunctionCode, Failed> receive_function() {
    const auto reply = TRY(receive<FunctionReply>());
    // Of a function whose body is at most some hundred KiB. A relocation is of four bytes of the code.
    constexpr std::uint64_t kMost = 64 << 20;
    if (reply.code_bytes > kMost || reply.positions_bytes > kMost ||
        reply.relocations > reply.code_bytes / sizeof(std::int32_t))
      return nonsense();
    FunctionCode code;
    code.function = reply.function;
    code.alignment = reply.alignment;
    code.frame_bytes = reply.frame_bytes;
    code.not_compiled = TRY(receive_text(reply.reason_bytes));
    code.code.resize(reply.code_bytes);
    code.relocations.resize(reply.relocations);
    code.positions.resize(reply.positions_bytes);
    TRY(receive(code.code));
    TRY(receive(std::as_writable_bytes(std::span(code.relocations))));
    TRY(receive(code.positions));
    const bool has_code = !code.code.empty() && code.alignment >= 1 && code.alignment <= 64;
    if (code.not_compiled.empty() != has_code) return nonsense();
    for (const Relocation& each : code.relocations)
      if (!fits(each, code.code.size())) return nonsense();
    return code;
  }

  [[nodiscard]] bool fits(const Relocation& relocation, std::uint64_t code_bytes) const {
    if (std::uint64_t{relocation.at} + sizeof(std::int32_t) > code_bytes) return false;
    const auto addend = static_cast<std::uint64_t>(relocation.addend);  // a negative one becomes too large
    switch (relocation.target) {
      case Target::kEntries: return addend < std::uint64_t{8} * job_.functions;
      case Target::kTrap: return addend < abi::kTrapKinds;
    }
    return false;
  }

  [[nodiscard]] std::expected<std::string, Failed> receive_text(std::uint64_t bytes) {
    if (bytes > codegen::optimizing::kMostMessageBytes) return nonsense();
    std::string text(bytes, '\0');
    TRY(receive(std::as_writable_bytes(std::span(text))));
    return text;
  }

  [[nodiscard]] std::expected<void, Failed> send(std::span<const std::byte> bytes) {
    return check(child_->send(bytes, deadline_, job_.stop));
  }
  [[nodiscard]] std::expected<void, Failed> receive(std::span<std::byte> bytes) {
    return check(child_->receive(bytes, deadline_, job_.stop));
  }
  template <typename T>
  [[nodiscard]] std::expected<T, Failed> receive() {
    T value = {};
    TRY(receive(std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }

  [[nodiscard]] std::expected<void, Failed> check(Outcome outcome) {
    switch (outcome) {
      case Outcome::kDone: return {};
      case Outcome::kEnded: return std::unexpected(Failed{child_->end()});
      case Outcome::kLate:
        return std::unexpected(Failed{fmt::format("it took longer than {} ms", job_.unit_limit.count())});
      case Outcome::kStopped: break;
    }
    return std::unexpected(Failed{"the job was stopped"});
  }
  [[nodiscard]] static std::unexpected<Failed> nonsense() {
    return std::unexpected(Failed{"its answer makes no sense"});
  }

  const OptimizeJob& job_;
  const std::filesystem::path& program_;
  std::optional<HelperProcess> child_;
  HelperProcess::Clock::time_point deadline_;
};

/// What all threads of a job share.
class Work {
 public:
  Work(const OptimizeJob& job, const std::filesystem::path& program)
      : job_(job), program_(program), done_(job.units.size()) {
    for (const Unit& unit : job.units) functions_ += static_cast<std::uint32_t>(unit.size());  // of one module
  }

  /// Takes units one after the other until there are none, or somebody failed.
  void run() noexcept {
    try {
      Optimizer optimizer(job_, program_);
      for (std::size_t i = next_++; i < job_.units.size() && !failed_; i = next_++) {
        const Unit& unit = job_.units[i];
        if (unit.empty()) continue;
        if (auto codes = compile(optimizer, unit); codes)
          done_[i] = std::move(*codes);
        else
          note({std::move(codes).error()}, nullptr);
      }
    } catch (...) {
      note({}, std::current_exception());
    }
  }

  /// After all threads have ended.
  [[nodiscard]] Result<std::vector<FunctionCode>> take() {
    if (exception_) std::rethrow_exception(exception_);
    if (error_) return std::unexpected(std::move(*error_));
    std::vector<FunctionCode> all;
    all.reserve(functions_);
    for (std::vector<FunctionCode>& unit : done_) std::ranges::move(unit, std::back_inserter(all));
    return all;
  }

 private:
  [[nodiscard]] Result<std::vector<FunctionCode>> compile(Optimizer& optimizer, const Unit& unit) {
    auto together = TRY(attempt(optimizer, unit));
    if (together) return count(std::move(*together));
    std::vector<FunctionCode> codes;
    for (const std::uint32_t function : unit) {
      const std::span<const std::uint32_t> alone(&function, 1);
      // What failed alone does so again, and so does what came too late.
      auto code = unit.size() == 1 || is_late() ? together : TRY(attempt(optimizer, alone));
      if (!code) {
        FunctionCode none;
        none.function = function;
        none.not_compiled = std::move(code).error().reason;
        none.for_now = true;
        code = std::vector<FunctionCode>{none};
      }
      std::ranges::move(count(std::move(*code)), std::back_inserter(codes));
    }
    return codes;
  }

  [[nodiscard]] bool is_late() const { return HelperProcess::Clock::now() >= end_; }

  /// @return an error if there never was a process for it, or the job was stopped.
  [[nodiscard]] Result<std::expected<std::vector<FunctionCode>, Failed>> attempt(Optimizer& optimizer,
                                                                                 std::span<const std::uint32_t> unit) {
    const auto failed = [](std::string reason) -> std::expected<std::vector<FunctionCode>, Failed> {
      return std::unexpected(Failed{std::move(reason)});
    };
    if (is_late()) return failed("there was no time left for it");
    if (!optimizer.is_running()) {
      if (auto started = optimizer.start(); !started) {
        if (!has_started_) return std::unexpected(std::move(started).error());
        return failed(std::move(started).error().message);
      }
      has_started_ = true;
    }
    auto codes = optimizer.compile(unit);
    if (job_.stop.stop_requested()) return fail(ErrorCode::kResource, "optimizing was stopped");
    return codes;
  }

  [[nodiscard]] std::vector<FunctionCode> count(std::vector<FunctionCode> codes) {
    const auto added = static_cast<std::uint32_t>(codes.size());  // of one module
    const std::uint32_t now = compiled_.fetch_add(added) + added;
    if (job_.progress) job_.progress(now, functions_);
    return codes;
  }

  void note(std::optional<Error> error, std::exception_ptr exception) noexcept {
    const std::lock_guard lock(mutex_);
    if (!error_ && !exception_) {
      error_ = std::move(error);
      exception_ = std::move(exception);
    }
    failed_ = true;
  }

  const OptimizeJob& job_;
  const std::filesystem::path& program_;
  const HelperProcess::Clock::time_point end_ = HelperProcess::Clock::now() + job_.limit;
  std::uint32_t functions_ = 0;
  std::vector<std::vector<FunctionCode>> done_;  ///< by unit; each is one thread's
  std::atomic<std::size_t> next_{0};
  std::atomic<std::uint32_t> compiled_{0};
  std::atomic<bool> has_started_{false};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::optional<Error> error_;
  std::exception_ptr exception_;
};

}  // namespace

Result<std::filesystem::path> find_optimizer() {
  if (const auto chosen = os::environment("ANEW_OPTIMIZER")) return *chosen;
  const std::filesystem::path directory = os::loaded_from().parent_path();
  std::string looked;
  for (const char* const place : {".", ANEW_OPTIMIZER_PLACES}) {
    // A place that is no relative path stands for itself.
    std::filesystem::path path = (directory / place / kProgram).lexically_normal();
    std::error_code failed;
    if (path.is_absolute() && std::filesystem::exists(path, failed)) return path;
    looked += (looked.empty() ? "" : ", ") + path.string();
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no {} at {}: install the Debian package {}, or say where it is "
                          "with the environment variable ANEW_OPTIMIZER",
                          kProgram, looked, kProgram));
}

namespace {
std::atomic<Optimize> in_place = nullptr;
}  // namespace

void set_optimizer(Optimize optimize) noexcept { in_place.store(optimize); }

Result<std::vector<FunctionCode>> optimize(const OptimizeJob& job) {
  if (const Optimize here = in_place.load()) return here(job);
  const std::filesystem::path program = job.program.empty() ? TRY(find_optimizer()) : job.program;
  Work work(job, program);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = std::min<std::size_t>(job.threads != 0 ? job.threads : cores, job.units.size());
  {
    std::vector<std::jthread> others;
    try {
      for (std::size_t i = 1; i < threads; ++i) others.emplace_back([&work] { work.run(); });
    } catch (const std::system_error&) {  // fewer do it as well
    }
    work.run();
  }
  return work.take();
}

}  // namespace anew::tier
