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
  wasi::Network network;                           ///< of components

  /// @return kArgument.
  [[nodiscard]] Result<void> apply(wasi::Options& wasi) const;
};

/// --dir, --dir-read-only and --env. @param options  outlives the parsing.
void add_wasi_options(const Command& command, WasiOptions& options);

/// What components alone may have: --allow-host, --allow-address, --allow-listen and --allow-lookup. @param hosts,
/// network  outlive the parsing.
void add_network_options(const Command& command, std::vector<std::string>& hosts, wasi::Network& network);
/// What components may ask of others: nothing but of these hosts. @return kUnsupported in a command without the client.
[[nodiscard]] Result<wasi::http::Options> http_options(const std::vector<std::string>& hosts);

}  // namespace anew::cli
