// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs as CGI has them (RFC 3875), with WASI preview 1 for a process: the request's header in the environment, its
// body on standard input, and the response on standard output. WAGI is the name of that.
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "serve/application.hpp"

namespace anew::serve {

struct WagiOptions {
  std::string name = {};    ///< of the file, for metrics
  wasi::Options wasi = {};  ///< but for standard input and output
  PoolOptions pool = {};
  std::uint32_t reuse = 1;  ///< requests that an instance serves before it is made as new
};

/// @return kNotFound if the module is no program, and what Pool::create and wasi::define return.
[[nodiscard]] Result<std::shared_ptr<Application>> make_wagi(const Module& module, WagiOptions options);

}  // namespace anew::serve
