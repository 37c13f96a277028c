// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew call: an export with values from the command line, once or many times.
#include <fmt/format.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/instance_options.hpp"
#include "cli/measure.hpp"
#include "cli/module_file.hpp"
#include "cli/output.hpp"
#include "cli/values.hpp"
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

void copy_bytes(const std::vector<Value>& values, std::vector<std::byte>& bytes) {
  bytes.resize(values.size() * 2 * sizeof(std::uint64_t));
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Where a reference points differs from instance to instance; whether it is null does not.
    const std::uint64_t bits = is_reference(values[i].type) ? values[i].bits != 0 : values[i].bits;
    const std::uint64_t slots[] = {bits, values[i].high};
    std::memcpy(bytes.data() + i * sizeof slots, slots, sizeof slots);
  }
}

void print_results(const std::vector<Value>& results) {
  for (const Value& value : results) fmt::print("{}\n", format_value(value));
}

Result<ExitCode> run_call(const CallOptions& options) {
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
    if (compile.tier != Tier::kQuick) object["optimized_functions"] = module.optimized_functions();
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
  command.text("FILE", options->file, kFileHelp).required();
  command.text("EXPORT", options->export_name, "Name of the exported function").required();
  command.texts("ARG", options->arguments,
                "Arguments: integers (decimal or 0x..., signed or unsigned), floats (also inf, nan), vectors "
                "(0x and 32 digits, or i32x4:1,2,3,4 and the like), null. Write -- before an argument such as -inf");
  add_measure_options(command, options->repeat, options->threads, options->audit);
  add_instance_options(command, options->instance);
  add_limit_options(command, "call", options->limits);
  command.flag("--json", options->json, "Print one JSON object");
  command.runs([options] { return run_call(*options); });
}

}  // namespace anew::cli
