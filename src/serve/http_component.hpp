// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components that export `wasi:http/incoming-handler`, as those of the world `wasi:http/proxy` do.
#pragma once

#include <anew/component/component.hpp>
#include <anew/error.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "serve/application.hpp"

namespace anew::serve {

struct HttpComponentOptions {
  std::string name;  ///< of the file, for metrics
  wasi::Options wasi = {};
  wasi::http::Options http = {};  ///< requests that it may make
  PoolOptions pool = {};
  std::uint32_t reuse = 1;  ///< requests that an instance serves before it is made as new
  /// Paths with their queries that are asked for once each, before the snapshot is taken.
  std::vector<std::string> warm_up = {};
};

/// Has an instance answer GET for each path before its snapshot is taken. @return null for no paths. What it returns:
/// kArgument for what is no path, kHost if it does not answer with success.
[[nodiscard]] component::WarmUp warm_up_with(std::vector<std::string> paths);

/// @return kNotFound if the component handles no requests; kArgument for a warm-up that is no path; kHost if it does
/// not answer its warm-up with success; and what component::Pool::create and wasi::define return.
[[nodiscard]] Result<std::shared_ptr<Application>> make_http_component(const component::Component& component,
                                                                       HttpComponentOptions options);

}  // namespace anew::serve
