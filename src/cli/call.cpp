// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew call: an export with values from the command line, once or many times.
#include <fmt/format.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/component_file.hpp"
#include "cli/instance_options.hpp"
#include "cli/measure.hpp"
#include "cli/module_file.hpp"
#include "cli/output.hpp"
#include "cli/values.hpp"
#include "component/linked.hpp"
#include "component/wave.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

struct CallOptions {
  std::string file;
  std::string export_name;
  std::vector<std::string> arguments;
  InstanceOptions instance;
  std::uint64_t repeat = 0;  ///< 0: not asked for
  std::uint32_t threads = 1;
  CallLimits limits;
  bool audit = false;
  bool json = false;
};

/// What has to be equal from call to call. Where a reference points differs from instance to instance, whether it is
/// null does not; which NaN it is may differ when a better tier's code takes over.
std::uint64_t comparable_bits(const Value& value) noexcept {
  if (is_reference(value.type)) return value.bits != 0;
  const bool is_nan =
      (value.type == ValueType::kF32 && std::isnan(std::bit_cast<float>(static_cast<std::uint32_t>(value.bits)))) ||
      (value.type == ValueType::kF64 && std::isnan(std::bit_cast<double>(value.bits)));
  return is_nan ? ~std::uint64_t{0} : value.bits;
}

void copy_bytes(const std::vector<Value>& values, std::vector<std::byte>& bytes) {
  bytes.resize(values.size() * 2 * sizeof(std::uint64_t));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t slots[] = {comparable_bits(values[i]), values[i].high};
    std::memcpy(bytes.data() + i * sizeof slots, slots, sizeof slots);
  }
}

void print_results(const std::vector<Value>& results) {
  for (const Value& value : results) fmt::print("{}\n", format_value(value));
}

/// A call of a component's function, with values in WAVE.
class ComponentCall {
 public:
  explicit ComponentCall(const CallOptions& options) : options_(options) {}

  Result<void> load() {
    if (!options_.instance.links.empty() || !options_.instance.globals.empty())
      return fail(ErrorCode::kArgument,
                  "--link and --global are for core modules; a component's imports are functions");
    CompileOptions compile = options_.instance.compile;
    compile.fuel = options_.limits.fuel.has_value();
    component_.emplace(TRY(load_component(options_.file, compile, options_.instance.engine())));
    if (options_.instance.trap_unknown_imports) linker_.trap_unknown_functions();
    const auto pool = TRY(make_pool(1, 0));
    const auto function = TRY(pool.function(options_.export_name));
    const component::FunctionType& type = *function.get()->type;
    if (type.parameters.size() != options_.arguments.size()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("\"{}\" is {}: it takes {} arguments, not {}", options_.export_name, function.type(),
                              type.parameters.size(), options_.arguments.size()));
    }
    for (std::size_t i = 0; i < type.parameters.size(); ++i) {
      auto value = component::from_wave(types(), *type.parameters[i].type, options_.arguments[i]);
      if (!value) {
        return fail(ErrorCode::kArgument, fmt::format("argument {}, {}: {}; the function is {}", i + 1,
                                                      type.parameters[i].name, value.error().message, function.type()));
      }
      arguments_.push_back(*std::move(value));
    }
    if (type.result) result_type_ = *type.result;
    return {};
  }

  Result<component::Pool> make_pool(std::uint32_t capacity, std::uint64_t audit_every) const {
    return component::Pool::create(*component_, linker_,
                                   {.capacity = capacity,
                                    .snapshot = options_.instance.snapshot,
                                    .audit_every = audit_every,
                                    .maximum_memory_bytes = options_.instance.maximum_memory_bytes});
  }

  [[nodiscard]] std::uint32_t optimized_functions() const { return cli::optimized_functions(*component_); }

  /// In WAVE; empty if the function has no result.
  Result<std::string> call(const component::Pool& pool, Lease& lease) const {
    options_.limits.apply(lease);
    const auto function = TRY(pool.function(options_.export_name));
    const auto result = TRY(component::detail::call_lifted(*lease.instance()->store, *function.get(), arguments_));
    return result_type_ ? component::to_wave(types(), *result_type_, result) : std::string();
  }

 private:
  [[nodiscard]] const component::Types& types() const noexcept { return component_->state()->plan.types; }

  const CallOptions& options_;
  std::optional<component::Component> component_;
  component::Linker linker_;
  component::Values arguments_;
  std::optional<component::Type> result_type_;
};

Result<ExitCode> call_component(const CallOptions& options) {
  ComponentCall call(options);
  TRY(call.load());
  std::string result;
  PoolStatistics statistics;
  {
    const auto pool = TRY(call.make_pool(1, options.audit ? 1u : 0u));
    auto lease = TRY(pool.core().acquire());
    result = TRY(call.call(pool, lease));
    lease.release();
    statistics = pool.core().statistics();
    if (statistics.audit_failures > 0) fmt::print(stderr, "anew: the audit failed: {}\n", pool.core().audit_report());
  }
  if (!options.json && !result.empty()) fmt::print("{}\n", result);
  if (options.repeat == 0 && !options.json) {
    if (options.audit) fmt::print("audit: {} checked, {} failures\n", statistics.audited, statistics.audit_failures);
    return statistics.audit_failures > 0 ? kFailure : kSuccess;
  }
  const auto make_subject = [&](std::uint32_t capacity, std::uint64_t audit_every) -> Result<Subject> {
    auto pool = TRY(call.make_pool(capacity, audit_every));
    Pool core = pool.core();
    return Subject{std::move(core),
                   [&call, pool = std::move(pool)](Lease& lease, std::vector<std::byte>& bytes) -> Result<void> {
                     const auto text = TRY(call.call(pool, lease));
                     const auto view = std::as_bytes(std::span(text));
                     bytes.assign(view.begin(), view.end());
                     return {};
                   }};
  };
  const auto measurement = TRY(measure(
      make_subject,
      {.calls = std::max<std::uint64_t>(options.repeat, 1), .threads = options.threads, .audit = options.audit}));
  if (options.json) {
    nlohmann::ordered_json object = {{"results", nlohmann::ordered_json::array()}};
    if (!result.empty()) object["results"].push_back(result);
    object.update(measurement_json(measurement));
    object["optimized_functions"] = call.optimized_functions();
    print_json(object);
  } else {
    fmt::print("\n");
    print_measurement(measurement);
  }
  return report_failures(measurement, statistics.audit_failures > 0);
}

Result<ExitCode> run_call(const CallOptions& options) {
  const bool is_component = TRY(is_component_file(options.file));
  if (is_component) return call_component(options);
  CompileOptions compile = options.instance.compile;
  compile.fuel = options.limits.fuel.has_value();
  auto module = TRY(load_module(options.file, compile, options.instance.engine()));
  const auto type = TRY(module.function_type(options.export_name));
  const auto arguments = TRY(parse_arguments(options.export_name, type, options.arguments));
  const auto linker = TRY(make_linker(module, options.instance));
  const auto make_subject = [&](std::uint32_t capacity, std::uint64_t audit_every) -> Result<Subject> {
    auto pool = TRY(Pool::create(module, linker,
                                 {.capacity = capacity,
                                  .snapshot = options.instance.snapshot,
                                  .audit_every = audit_every,
                                  .maximum_memory_bytes = options.instance.maximum_memory_bytes}));
    return Subject{std::move(pool), [&](Lease& lease, std::vector<std::byte>& result) -> Result<void> {
                     options.limits.apply(lease);
                     auto called = TRY(lease.call_values(options.export_name, arguments));
                     copy_bytes(called, result);
                     return {};
                   }};
  };

  // The results to print. Scoped, so that the measurement starts with nothing mapped but its own.
  std::vector<Value> results;
  PoolStatistics statistics;
  {
    const auto pool = Pool::create(module, linker,
                                   {.capacity = 1,
                                    .snapshot = options.instance.snapshot,
                                    .audit_every = options.audit ? 1u : 0u,
                                    .maximum_memory_bytes = options.instance.maximum_memory_bytes});
    if (!pool) return std::unexpected(explain(pool.error(), module));
    auto lease = TRY(pool->acquire());
    options.limits.apply(lease);
    auto called = TRY(lease.call_values(options.export_name, arguments));
    results = std::move(called);
    lease.release();
    statistics = pool->statistics();
    if (statistics.audit_failures > 0) fmt::print(stderr, "anew: the audit failed: {}\n", pool->audit_report());
  }
  if (!options.json) print_results(results);
  if (options.repeat == 0 && !options.json) {
    if (options.audit) fmt::print("audit: {} checked, {} failures\n", statistics.audited, statistics.audit_failures);
    return statistics.audit_failures > 0 ? kFailure : kSuccess;
  }

  const MeasureOptions measure_options{
      .calls = std::max<std::uint64_t>(options.repeat, 1), .threads = options.threads, .audit = options.audit};
  const auto measurement = TRY(measure(make_subject, measure_options));
  if (options.json) {
    nlohmann::ordered_json object = {{"results", nlohmann::ordered_json::array()}};
    for (const Value& value : results) object["results"].push_back(value_json(value));
    object.update(measurement_json(measurement));
    object["optimized_functions"] = module.optimized_functions();
    print_json(object);
  } else {
    fmt::print("\n");
    print_measurement(measurement);
  }
  return report_failures(measurement, statistics.audit_failures > 0);
}

}  // namespace

void add_call(const Command& anew) {
  const Command command = anew.subcommand("call", "Calls an exported function in an instance as new");
  const auto options = std::make_shared<CallOptions>();
  command.text("FILE", options->file, kFileOrComponentHelp).required();
  command
      .text("EXPORT", options->export_name,
            "Name of the exported function; of a component's interface, INTERFACE#FUNCTION")
      .required();
  command.texts(
      "ARG", options->arguments,
      "Arguments: integers (decimal or 0x..., signed or unsigned), floats (also inf, nan), vectors "
      "(0x and 32 digits, or i32x4:1,2,3,4 and the like), null. Write -- before an argument such as -inf. Of a "
      "component's function: values in WAVE, such as 7, \"text\", [1, 2], {name: \"Ada\"}, some(3)");
  add_measure_options(command, options->repeat, options->threads, options->audit);
  add_instance_options(command, options->instance);
  add_limit_options(command, "call", options->limits);
  command.flag("--json", options->json, "Print one JSON object");
  command.runs([options] { return run_call(*options); });
}

}  // namespace anew::cli
