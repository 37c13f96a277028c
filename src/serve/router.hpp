// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Several applications behind one address, told apart by the host that is asked for and the beginning of the path.
#pragma once

#include <anew/error.hpp>
#include <memory>
#include <string>
#include <vector>

#include "serve/application.hpp"

namespace anew::serve {

struct Route {
  std::string host;        ///< without a port; empty: any
  std::string path = "/";  ///< it and what is below it: "/api" has "/api", "/api?x" and "/api/users", but not "/apis"
  std::shared_ptr<Application> application;
};

/// A request goes to the routes of its host if there are any with its path, else to those of any host; among these to
/// the one of the longest path. The application sees the whole path. The answer to all others is 404.
/// @return kArgument for a path that does not begin with "/", and two routes of one host and path.
[[nodiscard]] Result<std::shared_ptr<Application>> make_router(std::vector<Route> routes);

}  // namespace anew::serve
