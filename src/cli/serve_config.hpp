// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What `anew serve` serves: one file, or those of a configuration.
//
//   {"routes": [{"path": "/api", "file": "api.wasm", "env": ["MODE=live"]},
//               {"host": "www.example.org", "file": "site.wasm", "dir-read-only": ["site::/"], "warm-up": ["/"]}]}
#pragma once

#include <anew/error.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/wasi_options.hpp"

namespace anew::cli {

/// A program or a component, and what it is given.
struct Served {
  std::string file;
  WasiOptions wasi;
  std::vector<std::string> warm_up;
};
struct ConfiguredRoute {
  std::string host;
  std::string path = "/";
  Served served;
};

/// By its name.
[[nodiscard]] inline bool is_serve_config(std::string_view file) noexcept { return file.ends_with(".json"); }

/// @param common  what all routes are given besides. Files and directories are relative to the configuration's folder.
/// @return kIo, kArgument for what is no configuration, with the place.
[[nodiscard]] Result<std::vector<ConfiguredRoute>> read_serve_config(const std::string& file, const Served& common);

}  // namespace anew::cli
