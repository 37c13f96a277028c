// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew substrate version: what a runtime says of itself.
#include <fmt/format.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/input.hpp"
#include "cli/instance_options.hpp"
#include "cli/output.hpp"
#include "cli/substrate_chain.hpp"
#include "host/substrate/hex.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

struct VersionOptions {
  std::string file;
  bool cache = true;
  Tier tier = default_tier();
  Features features = Features::all();
  RepeatOptions repeat;
};

std::string hexadecimal(const substrate::ApiId& id) { return substrate::encode_hex(std::as_bytes(std::span(id))); }

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
  for (const substrate::RuntimeApi& api : version.apis)
    apis.push_back({{"id", hexadecimal(api.id)}, {"name", substrate::api_name(api.id)}, {"version", api.version}});
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
  const auto content = TRY(read_input(file, kMaximumStateBytes));
  auto source = substrate::read_runtime(content);
  if (!source) source.error().message = fmt::format("{}: {}", file, source.error().message);
  return source;
}

Result<ExitCode> run_version(const VersionOptions& options) {
  const auto source = TRY(load_source(options.file));
  const Engine engine = make_engine(options.file, options.cache, options.features);
  const auto make_runtime = [&](std::uint32_t capacity, std::uint64_t audit_every) {
    return substrate::Runtime::create(
        engine, source.code,
        {.heap_pages = source.heap_pages, .tier = options.tier, .capacity = capacity, .audit_every = audit_every});
  };
  const auto runtime = TRY(make_runtime(1, options.repeat.audit ? 1 : 0));
  report_notes(runtime);
  const auto version = TRY(runtime.version());
  if (!options.repeat.json) print_version(source, version);

  nlohmann::ordered_json object = version_json(source, version);
  const auto call = [](Lease& lease, const substrate::Method& method, substrate::Bytes& result) {
    return substrate::Runtime::call_in(lease, method, {}, result);
  };
  auto code = repeat_call(options.repeat, runtime, make_runtime, "Core_version", call, object);
  if (code && options.repeat.json) print_json(object);
  return code;
}

}  // namespace

void add_substrate_version(const Command& substrate) {
  const Command command =
      substrate.subcommand("version", "Prints a runtime's names and numbers; repeated, calls Core_version");
  const auto options = std::make_shared<VersionOptions>();
  command
      .text("SPEC_OR_WASM", options->file,
            "A raw chain specification (JSON), or a runtime's code, compressed or not; - reads standard input")
      .required();
  add_features_option(command, options->features);
  add_cache_option(command, options->cache);
  add_tier_option(command, options->tier);
  add_repeat_options(command, options->repeat);
  command.runs([options] { return run_version(*options); });
}

}  // namespace anew::cli
