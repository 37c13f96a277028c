// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate: runtimes of Polkadot and its kin.
#include <fmt/format.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/measure.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

namespace anew::cli {

namespace {

struct VersionOptions {
  std::string file;
  std::uint64_t repeat = 0;  ///< 0: not asked for
  std::uint32_t threads = 1;
  bool audit = false;
  bool json = false;
};

std::string hexadecimal(const substrate::ApiId& id) {
  std::string text = "0x";
  for (const std::uint8_t byte : id) text += fmt::format("{:02x}", byte);
  return text;
}

void print_version(const substrate::RuntimeSource& source, const substrate::RuntimeVersion& version) {
  const auto print = [](std::string_view name, const auto& value) { fmt::print("{:<20} {}\n", name, value); };
  if (!source.chain.empty()) print("chain", printable(source.chain));
  print("spec name", printable(version.spec_name));
  print("implementation name", printable(version.impl_name));
  print("authoring version", version.authoring_version);
  print("spec version", version.spec_version);
  print("impl version", version.impl_version);
  print("transaction version", version.transaction_version);
  print("state version", version.state_version);
  fmt::print("runtime APIs\n");
  for (const substrate::RuntimeApi& api : version.apis) {
    const std::string_view name = substrate::api_name(api.id);
    fmt::print("  {:<34} {}  {}\n", name.empty() ? "(not known)" : name, hexadecimal(api.id), api.version);
  }
}

nlohmann::ordered_json version_json(const substrate::RuntimeSource& source, const substrate::RuntimeVersion& version) {
  nlohmann::ordered_json apis = nlohmann::ordered_json::array();
  for (const substrate::RuntimeApi& api : version.apis) {
    apis.push_back({{"id", hexadecimal(api.id)}, {"name", substrate::api_name(api.id)}, {"version", api.version}});
  }
  return {{"chain", source.chain},
          {"spec_name", version.spec_name},
          {"impl_name", version.impl_name},
          {"authoring_version", version.authoring_version},
          {"spec_version", version.spec_version},
          {"impl_version", version.impl_version},
          {"transaction_version", version.transaction_version},
          {"state_version", version.state_version},
          {"apis", std::move(apis)}};
}

Result<substrate::RuntimeSource> load_source(const std::string& file) {
  auto source = substrate::load_runtime(file);
  if (!source) {
    Error error = file_error(std::move(source.error()));
    // The command line was fine: a file that holds no runtime is not wrong usage.
    if (error.code == ErrorCode::kArgument) error.code = ErrorCode::kMalformed;
    return std::unexpected(std::move(error));
  }
  return source;
}

Result<ExitCode> run_version(const VersionOptions& options) {
  const auto source = load_source(options.file);
  if (!source) return std::unexpected(source.error());

  const auto progress = std::make_shared<Progress>("compiling " + options.file);
  EngineOptions engine_options;
  engine_options.progress = [progress](std::uint32_t done, std::uint32_t all) { progress->update(done, all); };
  const Engine engine(std::move(engine_options));
  const auto make_runtime = [&](std::uint32_t capacity, std::uint64_t audit_every) {
    auto runtime = substrate::Runtime::create(
        engine, source->code, {.heap_pages = source->heap_pages, .capacity = capacity, .audit_every = audit_every});
    progress->finish();
    return runtime;
  };

  const auto runtime = make_runtime(1, options.audit ? 1 : 0);
  if (!runtime) return std::unexpected(runtime.error());
  if (const std::string& note = runtime->module().cache_note(); !note.empty()) {
    fmt::print(stderr, "anew: note: {}\n", note);
  }
  const auto version = runtime->version();
  if (!version) return std::unexpected(version.error());
  if (!options.json) print_version(*source, *version);

  nlohmann::ordered_json object = version_json(*source, *version);
  ExitCode code = kSuccess;
  if (options.repeat > 0) {
    const auto make_subject = [&](std::uint32_t capacity, std::uint64_t audit_every) -> Result<Subject> {
      auto measured = make_runtime(capacity, audit_every);
      if (!measured) return std::unexpected(std::move(measured.error()));
      auto method = measured->method("Core_version");
      if (!method) return std::unexpected(std::move(method.error()));
      // The lambda keeps the runtime, and so the method, alive.
      return Subject{measured->pool(), [kept = *measured, method = *method](Lease& lease, substrate::Bytes& result) {
                       return substrate::Runtime::call_in(lease, method, {}, result);
                     }};
    };
    const auto measurement =
        measure(make_subject, {.calls = options.repeat, .threads = options.threads, .audit = options.audit});
    if (!measurement) return std::unexpected(measurement.error());
    object.update(measurement_json(*measurement));
    if (!options.json) {
      fmt::print("\nCore_version, each call in an instance as new:\n");
      print_measurement(*measurement);
    }
    report_leaks(*measurement);
    if (measurement->leaked()) code = kFailure;
  } else if (options.audit) {
    const PoolStatistics statistics = runtime->pool().statistics();
    object["audit"] = {{"checked", statistics.audited}, {"failures", statistics.audit_failures}};
    if (!options.json) {
      fmt::print("\naudit: {} checked, {} failures\n", statistics.audited, statistics.audit_failures);
    }
    if (statistics.audit_failures > 0) {
      fmt::print(stderr, "anew: the audit failed: {}\n", runtime->pool().audit_report());
      code = kFailure;
    }
  }
  if (options.json) print_json(object);
  return code;
}

}  // namespace

void add_substrate(CLI::App& app, Run& run) {
  CLI::App* substrate =
      add_subcommand(app, "substrate", "Runs runtimes of Substrate chains: Polkadot, Kusama and others");
  substrate->require_subcommand(1);
  CLI::App* command =
      add_subcommand(*substrate, "version", "Calls Core_version and prints the runtime's names and numbers");
  const auto options = std::make_shared<VersionOptions>();
  command
      ->add_option("SPEC_OR_WASM", options->file,
                   "A raw chain specification (JSON), or a runtime's code, compressed or not")
      ->required();
  add_measure_options(*command, options->repeat, options->threads, options->audit);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &run] { run = [options] { return run_version(*options); }; });
}

}  // namespace anew::cli
