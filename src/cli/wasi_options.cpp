// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/wasi_options.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "os/environment.hpp"
#include "os/try.hpp"
#include "serve/http_client.hpp"

namespace anew::cli {
namespace {

/// HOST[::GUEST]
wasi::Directory parse_directory(std::string_view text, bool read_only) {
  const std::size_t separator = text.find("::");
  const std::string_view host = text.substr(0, separator);
  const std::string_view guest = separator == text.npos ? host : text.substr(separator + 2);
  return {std::filesystem::path(host), std::string(guest), read_only};
}

/// "NAME=VALUE" as it is; for "NAME" the value that it has here, and nothing if it has none.
Result<std::vector<std::string>> parse_environment(const std::vector<std::string>& texts) {
  std::vector<std::string> result;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || text.empty()) return fail(ErrorCode::kArgument, fmt::format("--env {}: write NAME=VALUE", text));
    if (equals != text.npos)
      result.push_back(text);
    else if (const auto value = os::environment(text.c_str()))
      result.push_back(text + "=" + *value);
  }
  return result;
}

}  // namespace

Result<void> WasiOptions::apply(wasi::Options& wasi) const {
  wasi.environment = TRY(parse_environment(environment));
  for (const std::string& text : directories) wasi.directories.push_back(parse_directory(text, false));
  for (const std::string& text : read_only_directories) wasi.directories.push_back(parse_directory(text, true));
  wasi.network = network;
  return {};
}

Result<wasi::http::Options> WasiOptions::http() const {
  wasi::http::Options options{.allowed_hosts = allowed_hosts};
  if (allowed_hosts.empty()) return options;
  if constexpr (kWithServe) {
    options.client = TRY(serve::make_http_client());
    return options;
  }
  return fail(ErrorCode::kUnsupported, "--allow-host: this command was built without HTTP (ANEW_BUILD_SERVE)");
}

Result<void> WasiOptions::check_no_network(const std::string& file) const {
  if (!allowed_hosts.empty()) {
    return fail(
        ErrorCode::kArgument,
        fmt::format("{}: --allow-host is for components: a program has no way to make requests", printable(file)));
  }
  if (!network.connect.empty() || !network.listen.empty() || !network.look_up.empty()) {
    return fail(ErrorCode::kArgument,
                fmt::format("{}: --allow-address, --allow-listen and --allow-lookup are for components: a program has "
                            "no way to open sockets",
                            printable(file)));
  }
  return {};
}

void add_wasi_options(const Command& command, WasiOptions& options) {
  command
      .texts("--dir", options.directories,
             "Give the program a directory of this machine, with all in it and nothing else; it finds it as GUEST, or "
             "under the same name")
      .value_name("HOST[::GUEST]")
      .one_value()
      .repeatable();
  command.texts("--dir-read-only", options.read_only_directories, "The same, but nothing in it can be changed")
      .value_name("HOST[::GUEST]")
      .one_value()
      .repeatable();
  command
      .texts("--env", options.environment,
             "Set a variable of the program's environment, which is empty otherwise; without a value it has the one "
             "that it has here")
      .value_name("NAME[=VALUE]")
      .one_value()
      .repeatable();
}

void add_network_options(const Command& command, WasiOptions& options) {
  command
      .texts("--allow-host", options.allowed_hosts,
             "Let a component make HTTP requests to this host, and no other: example.org, example.org:8443, "
             "*.example.org or *. Without a port it is the one of the scheme; without this option no request is made")
      .value_name("HOST[:PORT]")
      .one_value()
      .repeatable();
  command
      .texts("--allow-address", options.network.connect,
             "Let a component connect to this address by sockets, and to no other: 127.0.0.1:5432, [::1]:5432, "
             "10.0.0.0/8:443. Without a port all ports are meant; without this option none connects")
      .value_name("ADDRESS[:PORT]")
      .one_value()
      .repeatable();
  command
      .texts("--allow-listen", options.network.listen,
             "Let a component listen at this address of this machine by sockets, and at no other; written as for "
             "--allow-address")
      .value_name("ADDRESS[:PORT]")
      .one_value()
      .repeatable();
  command
      .texts("--allow-lookup", options.network.look_up,
             "Let a component that may use addresses look up those of this name: db.example.org, *.example.org or *")
      .value_name("NAME")
      .one_value()
      .repeatable();
}

}  // namespace anew::cli
