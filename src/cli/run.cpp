// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew run: a program of an ordinary toolchain, with WASI: once, or many times, each in an instance as new.
#include <fmt/format.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/component_file.hpp"
#include "cli/input.hpp"
#include "cli/instance_options.hpp"
#include "cli/measure.hpp"
#include "cli/module_file.hpp"
#include "cli/output.hpp"
#include "cli/profile_file.hpp"
#include "cli/result_file.hpp"
#include "cli/values.hpp"
#include "cli/wasi_options.hpp"
#include "component/linked.hpp"
#include "os/file.hpp"
#include "os/terminal.hpp"
#include "os/try.hpp"
#include "runtime/profiler.hpp"
#include "runtime/store_state.hpp"
#include "wasm/printable.hpp"

namespace anew::cli {

namespace {

constexpr std::string_view kStart = "_start";
constexpr std::string_view kInitialize = "_initialize";
constexpr std::uint64_t kMaximumInputBytes = 1ull << 30;
constexpr std::chrono::milliseconds kSampleInterval{1};

struct RunOptions {
  std::string file;
  std::vector<std::string> arguments;
  InstanceOptions instance;
  WasiOptions wasi;
  std::string standard_input;
  std::string invoke;
  std::string profile;
  std::uint64_t repeat = 0;  ///< 0: not asked for
  std::uint32_t threads = 1;
  CallLimits limits;
  bool audit = false;
  bool json = false;
};

/// What the program is given, but for its streams.
Result<wasi::Options> make_wasi_options(const RunOptions& options) {
  wasi::Options result;
  result.arguments.push_back(std::filesystem::path(options.file).filename().string());
  result.arguments.insert(result.arguments.end(), options.arguments.begin(), options.arguments.end());
  TRY(options.wasi.apply(result));
  return result;
}

/// Standard input of one run, or of many that each are to read all of it.
Result<wasi::Input> make_input(const std::optional<os::File>& file, bool is_repeated) {
  if (file) return wasi::Descriptor{file->descriptor()};
  if (!is_repeated) return wasi::Descriptor{0};
  if (os::standard_input_is_terminal()) return wasi::Null{};
  const auto bytes = TRY(read_input("-", kMaximumInputBytes));
  return std::string(as_text(bytes));
}

/// What the module lacks to be run as it is asked for.
Result<void> check_program(const Module& module, const RunOptions& options) {
  const std::string_view wanted = options.invoke.empty() ? kStart : std::string_view(options.invoke);
  std::vector<std::string> names;
  for (const ExportDescription& exported : module.exports()) {
    if (exported.kind != ExternalKind::kFunction) continue;
    if (exported.name == wanted) return {};
    names.push_back(exported.name);
  }
  if (!options.invoke.empty()) return std::unexpected(module.function_type(options.invoke).error());
  std::string list = "none";
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    if (i == 0)
      list.clear();
    else
      list += ", ";
    list += wasm::printable_name(names[i]);
  }
  if (names.size() > kShown) list += fmt::format(" and {} more", names.size() - kShown);
  return fail(ErrorCode::kNotFound,
              fmt::format("{} is no program: it exports no function _start. Its functions: {}. --invoke NAME calls "
                          "one with WASI, `anew call` without",
                          options.file, list));
}

/// How a process ends with it: a status has 8 bits, and one that is not 0 must not become 0.
ExitCode to_status(std::uint32_t guests) noexcept {
  return static_cast<ExitCode>((guests & 0xFF) == 0 && guests != 0 ? 1 : guests & 0xFF);
}

/// Instances of a program, and how one is run.
struct Instances {
  Pool pool;
  std::function<Result<std::uint32_t>(Lease&, std::vector<Value>& results)>
      run;  ///< the exit code; of --invoke, results

  [[nodiscard]] Result<std::uint32_t> run_once(Lease& lease) const {
    std::vector<Value> results;
    return run(lease, results);
  }
};

class Program {
 public:
  explicit Program(const RunOptions& options) : options_(options) {}

  Result<void> load() {
    CompileOptions compile = options_.instance.compile;
    compile.fuel = options_.limits.fuel.has_value();
    const bool is_component = TRY(is_component_file(options_.file));
    if (is_component) return load_command(compile);
    TRY(options_.wasi.check_no_network(options_.file));
    module_.emplace(TRY(load_module(options_.file, compile, options_.instance.engine())));
    TRY(check_program(*module_, options_));
    if (!options_.invoke.empty()) {
      const auto type = TRY(module_->function_type(options_.invoke));
      // The program has them in any case; values are for who takes some.
      if (!type.parameters.empty()) arguments_ = TRY(parse_arguments(options_.invoke, type, options_.arguments));
    }
    linker_.emplace(TRY(make_linker(*module_, options_.instance)));
    snapshot_ = options_.instance.snapshot;
    for (const ExportDescription& exported : module_->exports())
      if (exported.name == kInitialize && exported.kind == ExternalKind::kFunction &&
          std::ranges::find(snapshot_.prelude, kInitialize) == snapshot_.prelude.end() && !module_->state()->saved)
        snapshot_.prelude.emplace(snapshot_.prelude.begin(), kInitialize);
    return {};
  }

  Result<Instances> make_instances(const wasi::Options& wasi_options, std::uint32_t capacity,
                                   std::uint64_t audit_every) const {
    const PoolOptions pool_options{.capacity = capacity,
                                   .snapshot = snapshot_,
                                   .audit_every = audit_every,
                                   .maximum_memory_bytes = options_.instance.maximum_memory_bytes};
    return component_ ? make_commands(wasi_options, pool_options) : make_modules(wasi_options, pool_options);
  }

  /// By now, once it is loaded.
  [[nodiscard]] std::uint32_t optimized_functions() const {
    return component_ ? cli::optimized_functions(*component_) : module_->optimized_functions();
  }

 private:
  /// A component that exports `wasi:cli/run`.
  Result<void> load_command(const CompileOptions& compile) {
    if (!options_.invoke.empty())
      return fail(ErrorCode::kArgument, "--invoke is for core modules; `anew call` calls a component's functions");
    if (!options_.profile.empty()) return fail(ErrorCode::kArgument, "--profile is for core modules");
    if (!options_.instance.links.empty() || !options_.instance.globals.empty())
      return fail(ErrorCode::kArgument, "--link and --global are for core modules");
    component_.emplace(TRY(load_component(options_.file, compile, options_.instance.engine())));
    snapshot_ = options_.instance.snapshot;
    return {};
  }

  Result<Instances> make_modules(const wasi::Options& wasi_options, const PoolOptions& pool_options) const {
    Linker linker = *linker_;
    if (auto defined = wasi::define(linker, wasi_options); !defined)
      return std::unexpected(file_error(std::move(defined.error())));
    auto pool = Pool::create(*module_, linker, pool_options);
    if (!pool) return std::unexpected(explain(std::move(pool.error()), *module_, Provided::kWasi));
    return Instances{std::move(*pool), [this](Lease& lease, std::vector<Value>& results) -> Result<std::uint32_t> {
                       options_.limits.apply(lease);
                       if (options_.invoke.empty()) return wasi::run(lease);
                       auto called = lease.call_values(options_.invoke, arguments_);
                       if (!called) return exit_code_or(lease, std::move(called.error()));
                       results = std::move(*called);
                       return 0;
                     }};
  }

  Result<Instances> make_commands(const wasi::Options& wasi_options, const PoolOptions& pool_options) const {
    component::Linker linker;
    if (auto defined = wasi::define(linker, wasi_options); !defined)
      return std::unexpected(file_error(std::move(defined.error())));
    TRY(wasi::http::define(linker, TRY(options_.wasi.http())));
    if (options_.instance.trap_unknown_imports) linker.trap_unknown_functions();
    auto pool = TRY(component::Pool::create(*component_, linker, pool_options));
    const auto command = pool.function("wasi:cli/run#run");
    if (!command)
      return fail(ErrorCode::kNotFound,
                  fmt::format("{} is no program: the component does not export wasi:cli/run. `anew inspect` shows "
                              "what it exports, `anew call` calls that",
                              options_.file));
    Pool core = pool.core();
    return Instances{std::move(core),
                     [this, pool = std::move(pool), command = *command](
                         Lease& lease, std::vector<Value>& /*results*/) -> Result<std::uint32_t> {
                       options_.limits.apply(lease);
                       auto called = component::detail::call_lifted(*lease.instance()->store, *command.get(), {});
                       if (!called) return exit_code_or(lease, std::move(called.error()));
                       return called->as<component::Case>().index;  // ok or error
                     }};
  }

  static Result<std::uint32_t> exit_code_or(const Lease& lease, Error error) {
    if (const auto* context = wasi::Context::find(lease); context != nullptr && context->exit_code())
      return *context->exit_code();
    return std::unexpected(std::move(error));
  }

  const RunOptions& options_;
  std::optional<component::Component> component_;
  std::optional<Module> module_;  ///< if it is no component
  std::optional<Linker> linker_;  ///< without WASI
  SnapshotOptions snapshot_;
  std::vector<Value> arguments_;  ///< of --invoke
};

/// What this thread's program has written since it began: equal if the output is, in the same pieces.
thread_local std::uint64_t output_hash = 0;

Result<void> hash_output(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kMultiplier = 0x9E37'79B9'7F4A'7C15;
  output_hash = output_hash * kMultiplier + std::hash<std::string_view>()(as_text(bytes)) + 1;
  return {};
}

/// Many runs beside fresh instantiations. Their output is dropped.
Result<Measurement> measure_program(const Program& program, wasi::Options wasi_options, const RunOptions& options) {
  wasi_options.standard_output = wasi_options.standard_error = wasi::Writer(hash_output);
  const auto make_subject = [&](std::uint32_t capacity, std::uint64_t audit_every) -> Result<Subject> {
    auto instances = TRY(program.make_instances(wasi_options, capacity, audit_every));
    Pool pool = instances.pool;
    return Subject{std::move(pool),
                   [instances = std::move(instances)](Lease& lease, std::vector<std::byte>& result) -> Result<void> {
                     output_hash = 0;
                     const std::uint64_t code = TRY(instances.run_once(lease));
                     const std::array<std::uint64_t, 2> words = {code, output_hash};
                     const auto bytes = std::as_bytes(std::span(words));
                     result.assign(bytes.begin(), bytes.end());
                     return {};
                   }};
  };
  auto measurement =
      TRY(measure(make_subject, {.calls = options.repeat, .threads = options.threads, .audit = options.audit}));
  if (measurement.distinct > 1) {
    fmt::print(stderr,
               "anew: note: {} distinct outputs or exit codes: a program that shows the time or random bytes has as "
               "many; one that does not has kept something from run to run (--audit)\n",
               measurement.distinct);
  }
  return measurement;
}

/// Runs the program as often as asked for, on this thread, and writes where it spent its time.
Result<ExitCode> profile_program(const Program& program, const wasi::Options& wasi_options, const RunOptions& options) {
  const auto output = TRY(ResultFile::open(options.profile));
  wasi::Options quiet = wasi_options;
  quiet.standard_output = quiet.standard_error = wasi::Null{};
  const auto instances = TRY(program.make_instances(wasi_options, 1, 0));
  const auto repeated = TRY(program.make_instances(quiet, 1, 0));
  auto profiler = TRY(detail::Profiler::start(kSampleInterval));
  // It stays: what the samples are explained by is its code, which the other pool's is, too.
  auto lease = TRY(instances.pool.acquire());
  auto code = instances.run_once(lease);
  for (std::uint64_t i = 1; i < options.repeat && code; ++i) {
    auto again = TRY(repeated.pool.acquire());
    code = repeated.run_once(again);
  }
  const detail::Profile profile = profiler.finish(*lease.instance()->store);
  const std::string text = profile_text(profile);
  TRY(output.write(std::as_bytes(std::span(text))));
  fmt::print(stderr, "anew: {} samples of {}\n", profile.samples.size(), options.file);
  if (profile.left_out != 0) fmt::print(stderr, "anew: note: there was no room for {} more\n", profile.left_out);
  if (!code) return std::unexpected(std::move(code.error()));
  return to_status(*code);
}

Result<ExitCode> run_program(const RunOptions& options) {
  auto wasi_options = TRY(make_wasi_options(options));
  std::optional<os::File> input;
  if (!options.standard_input.empty()) {
    auto opened = os::File::open(options.standard_input, os::File::Links::kFollow);
    if (!opened) return std::unexpected(file_error(std::move(opened.error())));
    input = std::move(*opened);
  }
  Program program(options);
  TRY(program.load());
  const bool is_repeated = options.profile.empty() ? options.repeat > 0 : options.repeat > 1;
  wasi_options.standard_input = TRY(make_input(input, is_repeated));
  if (!options.json) wasi_options.standard_output = wasi::Descriptor{1};
  wasi_options.standard_error = wasi::Descriptor{2};
  if (!options.profile.empty()) return profile_program(program, wasi_options, options);

  // The run that is seen. Scoped, so that the measurement starts with nothing mapped but its own.
  std::uint32_t code = 0;
  PoolStatistics statistics;
  {
    const auto instances = TRY(program.make_instances(wasi_options, 1, options.audit ? 1u : 0u));
    const Pool& pool = instances.pool;
    auto lease = TRY(pool.acquire());
    std::vector<Value> results;
    code = TRY(instances.run(lease, results));
    if (!options.json)
      for (const Value& value : results) fmt::print("{}\n", format_value(value));
    lease.release();
    statistics = pool.statistics();
    if (statistics.audit_failures > 0) fmt::print(stderr, "anew: the audit failed: {}\n", pool.audit_report());
  }
  if (options.repeat == 0) return statistics.audit_failures > 0 ? kFailure : to_status(code);
  const Measurement measurement = TRY(measure_program(program, wasi_options, options));
  if (options.json) {
    nlohmann::ordered_json object = {{"exit_code", code}};
    object.update(measurement_json(measurement));
    object["optimized_functions"] = program.optimized_functions();
    print_json(object);
  } else {
    fmt::print("\n");
    print_measurement(measurement);
  }
  const ExitCode failure = report_failures(measurement, statistics.audit_failures > 0, Results::kMayDiffer);
  return failure != kSuccess ? failure : to_status(code);
}

}  // namespace

void add_run(const Command& anew) {
  const Command command = anew.subcommand("run", "Runs a program with WASI, in an instance as new");
  const auto options = std::make_shared<RunOptions>();
  command.text("FILE", options->file, kFileOrComponentHelp).required();
  command.rest("ARG", options->arguments,
               "The program's arguments, as they are: behind FILE nothing is an option of `anew run`");
  add_wasi_options(command, options->wasi);
  add_network_options(command, options->wasi);
  command.text("--stdin", options->standard_input, "Read standard input from a file").value_name("FILE");
  command
      .text("--invoke", options->invoke,
            "Call this function in place of _start, with ARGs as values if it takes some, and print its results as "
            "`anew call` does")
      .value_name("NAME");
  const Option repeat = add_measure_options(command, options->repeat, options->threads, options->audit);
  add_limit_options(command, "run", options->limits);
  command
      .text("--profile", options->profile,
            "Write where the program spends its processor time, for the profilers of browsers (.cpuprofile); with "
            "--repeat of N runs, in place of the measurement")
      .value_name("FILE");
  command.flag("--json", options->json, "Print one JSON object about --repeat; the program's output is dropped")
      .needs(repeat);
  add_instance_options(command, options->instance);
  command.runs([options] { return run_program(*options); });
}

}  // namespace anew::cli
