// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew serve: an HTTP server whose requests are each answered by a program or a component in an instance as new.
#include <fmt/format.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <anew/wasi.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/component_file.hpp"
#include "cli/instance_options.hpp"
#include "cli/module_file.hpp"
#include "cli/output.hpp"
#include "cli/serve_config.hpp"
#include "cli/wasi_options.hpp"
#include "os/try.hpp"
#include "serve/http_component.hpp"
#include "serve/router.hpp"
#include "serve/server.hpp"
#include "serve/wagi.hpp"

namespace anew::cli {
namespace {

constexpr std::uint64_t kMostInFlight = 1 << 16;
constexpr std::uint64_t kMostLoops = 1024;
constexpr std::uint64_t kMostReuse = 1'000'000'000;

struct ServeOptions {
  std::string file;
  serve::ServerOptions server;
  Served served;  ///< of FILE, or of each route of a configuration
  std::uint32_t reuse = 1;
  CompileOptions compile = {.tier = default_tier()};
  EngineOptions engine;
};

/// What modules and components have in common.
template <typename Options>
Result<Options> make_options(const Served& served, const ServeOptions& options) {
  Options result;
  result.name = std::filesystem::path(served.file).filename().string();
  result.wasi.arguments = {result.name};
  result.wasi.standard_error = wasi::Descriptor{2};
  TRY(served.wasi.apply(result.wasi));
  result.pool.capacity = options.server.maximum_in_flight;
  result.reuse = options.reuse;
  return result;
}

Result<std::shared_ptr<serve::Application>> load(const Served& served, const ServeOptions& options) {
  const bool is_component = TRY(is_component_file(served.file));
  if (is_component) {
    const auto component = TRY(load_component(served.file, options.compile, options.engine));
    auto http = TRY(make_options<serve::HttpComponentOptions>(served, options));
    http.warm_up = served.warm_up;
    http.http = TRY(served.wasi.http());
    return serve::make_http_component(component, std::move(http));
  }
  if (!served.warm_up.empty()) {
    return fail(ErrorCode::kArgument,
                fmt::format("{}: --warm-up is for components: a program begins anew with each request",
                            printable(served.file)));
  }
  TRY(served.wasi.check_no_network(served.file));
  const auto module = TRY(load_module(served.file, options.compile, options.engine));
  auto wagi = TRY(make_options<serve::WagiOptions>(served, options));
  auto application = serve::make_wagi(module, std::move(wagi));
  if (!application) return std::unexpected(explain(std::move(application.error()), module, Provided::kWasi));
  return application;
}

/// @param files  set to those that it was made of.
Result<std::shared_ptr<serve::Application>> load_all(const ServeOptions& options,
                                                     std::vector<std::filesystem::path>& files) {
  if (!is_serve_config(options.file)) {
    if (options.file != "-") files = {options.file};
    Served served = options.served;
    served.file = options.file;
    return load(served, options);
  }
  files = {options.file};
  const std::vector<ConfiguredRoute> configured = TRY(read_serve_config(options.file, options.served));
  for (const ConfiguredRoute& each : configured) files.emplace_back(each.served.file);
  std::vector<serve::Route> routes;
  for (const ConfiguredRoute& each : configured) {
    auto application = load(each.served, options);
    if (!application) {
      Error error = std::move(application.error());
      error.message = fmt::format("{}: {}", printable(each.served.file), error.message);
      return std::unexpected(std::move(error));
    }
    routes.push_back({each.host, each.path, *std::move(application)});
  }
  return serve::make_router(std::move(routes));
}

/// The address as it was given, with the port that it came to.
std::string url_of(const std::string& address, std::uint16_t port) {
  return fmt::format("http://{}:{}", address.substr(0, address.rfind(':')), port);
}

Result<ExitCode> run_server(const ServeOptions& options) {
  serve::ServerOptions server_options = options.server;
  const auto files = std::make_shared<std::vector<std::filesystem::path>>();
  server_options.watched_files = [files] { return *files; };
  server_options.takes_signals = true;
  server_options.notice = [&options](const std::string& text) {
    fmt::print(stderr, "anew: {} {}\n", printable(options.file), printable_lines(text));
  };
  const auto server =
      TRY(serve::Server::start(std::move(server_options), [&options, files] { return load_all(options, *files); }));
  fmt::print(stderr, "anew: serving {} on {}\n", printable(options.file),
             url_of(options.server.address, server->port()));
  if (!options.server.admin_address.empty()) {
    fmt::print(stderr, "anew: /healthz and /metrics on {}\n",
               url_of(options.server.admin_address, server->admin_port()));
  }
  if (!server->wait()) fmt::print(stderr, "anew: note: requests were cut: they took longer than --drain-time\n");
  return kSuccess;
}

}  // namespace

void add_serve(const Command& anew) {
  const Command command = anew.subcommand("serve", "Serves HTTP: each request in an instance as new");
  const auto options = std::make_shared<ServeOptions>();
  serve::ServerOptions& server = options->server;
  server.loops = std::max(std::thread::hardware_concurrency(), 1u);
  server.access_log = std::string("-");  // GCC 12 warns of an assignment of the literal
  command
      .text("FILE", options->file,
            "A component of the world wasi:http/proxy, a program that speaks CGI (.wasm, .wat, or what `anew compile` "
            "or `anew snapshot` wrote; - reads standard input), or a configuration, .json, of several of these")
      .required();
  command.text("--addr", server.address, "Listen on this address: 127.0.0.1:8080 if not given; port 0 is any free one")
      .value_name("HOST:PORT");
  command
      .text("--admin-addr", server.admin_address,
            "Answer /healthz and /metrics (Prometheus) on this address, and nothing else; if not given, nowhere")
      .value_name("HOST:PORT");
  command.number(
      "--threads", 1, kMostLoops,
      [&server](std::uint64_t count) { server.loops = static_cast<std::uint32_t>(count); },  // checked
      "Event loops: one a processor if not given");
  add_wasi_options(command, options->served.wasi);
  add_network_options(command, options->served.wasi);
  command.time(
      "--timeout", [&server](std::chrono::nanoseconds time) { server.timeout = time; },
      "End a request that takes longer, from its header to its response's end: 30s if not given; the answer is 504");
  command.size(
      "--max-body", [&server](std::uint64_t bytes) { server.maximum_body_bytes = bytes; },
      "Refuse request bodies that are larger: 16MiB if not given; the answer is 413");
  command.number(
      "--max-in-flight", 1, kMostInFlight,
      [&server](std::uint64_t count) { server.maximum_in_flight = static_cast<std::uint32_t>(count); },  // checked
      "Requests that are worked on at once, each with an instance and, if it takes long, a thread: 256 if not given; "
      "to "
      "others the answer is 503");
  command.time(
      "--drain-time", [&server](std::chrono::nanoseconds time) { server.drain_time = time; },
      "At the end (SIGTERM, Ctrl-C) finish requests for so long, then cut them: 10s if not given");
  command
      .text("--access-log", server.access_log,
            "Append a line of JSON for each request to this file; - is standard error, as if not given, and an empty "
            "name is none")
      .value_name("FILE");
  command.number(
      "--reuse", 1, kMostReuse,
      [&options = *options](std::uint64_t count) { options.reuse = static_cast<std::uint32_t>(count); },  // checked
      "Serve N requests in an instance before it is made as new: 1 if not given. Each of them sees what those before "
      "it "
      "left, so this is for comparison only");
  command
      .texts("--warm-up", options->served.warm_up,
             "Have the component answer GET PATH once before the snapshot that all requests start from is taken, so "
             "that what it fills then (caches, compiled scripts) is there for each; may be given again. Randomness and "
             "time that it reads then are the same for all")
      .value_name("PATH")
      .one_value()
      .repeatable();
  add_compile_options(command, options->compile);
  add_features_option(command, options->engine.features);
  add_cache_option(command, options->engine.cache);
  command.runs([options] { return run_server(*options); });
}

}  // namespace anew::cli
