// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the subcommands that run programs give to them.
#pragma once

#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace anew::cli {

struct WasiOptions {
  std::vector<std::string> directories;            ///< HOST[::GUEST] each
  std::vector<std::string> read_only_directories;  ///< the same
  std::vector<std::string> environment;            ///< NAME[=VALUE] each
  // Of components alone.
  wasi::Network network;
  std::vector<std::string> allowed_hosts;  ///< of HTTP

  /// @return kArgument.
  [[nodiscard]] Result<void> apply(wasi::Options& wasi) const;
  /// What a component may ask of others by HTTP: nothing but of these hosts. @return kUnsupported in a command without
  /// the client.
  [[nodiscard]] Result<wasi::http::Options> http() const;
  /// Of a core module, which has no way to use what components have. @return kArgument if there is something.
  [[nodiscard]] Result<void> check_no_network(const std::string& file) const;
};

/// --dir, --dir-read-only and --env. @param options  outlives the parsing.
void add_wasi_options(const Command& command, WasiOptions& options);

/// What components alone may have: --allow-host, --allow-address, --allow-listen and --allow-lookup.
/// @param options  outlives the parsing.
void add_network_options(const Command& command, WasiOptions& options);

}  // namespace anew::cli
