// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "runtime/without_exceptions.hpp"
#include "serve/exchange.hpp"

namespace anew::serve {
namespace {

constexpr unsigned kNotFound = 404;

/// "example.org:80" as "example.org"; "[::1]:80" as "[::1]".
std::string_view without_port(std::string_view authority) noexcept {
  const std::size_t colon = authority.rfind(':');
  const bool is_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  return is_port ? authority.substr(0, colon) : authority;
}

bool is_below(std::string_view target, std::string_view path) noexcept {
  if (!target.starts_with(path)) return false;
  return path.ends_with('/') || target.size() == path.size() || target[path.size()] == '/' ||
         target[path.size()] == '?';
}

class Router final : public Application {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  void handle(Exchange& exchange, Answered answered) noexcept override {
    const RequestHead& head = exchange.request();
    const std::string_view host = without_port(head.authority);
    for (const Route& route : routes_)
      if ((route.host.empty() || is_same_name(route.host, host)) && is_below(head.target, route.path))
        return route.application->handle(exchange, std::move(answered));
    answered(anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
      exchange.refuse(kNotFound, "nothing is served at this path");
      return {};
    }));
  }
  void shut_down() noexcept override {
    for (const Route& route : routes_) route.application->shut_down();
  }
  [[nodiscard]] std::vector<std::pair<std::string, PoolStatistics>> statistics() const override {
    std::vector<std::pair<std::string, PoolStatistics>> all;
    for (const Route& route : routes_)
      for (auto& [name, statistics] : route.application->statistics())
        all.emplace_back(fmt::format("{}{} {}", route.host, route.path, name), statistics);
    return all;
  }

 private:
  const std::vector<Route> routes_;  ///< the first one that fits is the one
};

}  // namespace

Result<std::shared_ptr<Application>> make_router(std::vector<Route> routes) {
  for (const Route& route : routes)
    if (!route.path.starts_with('/'))
      return fail(ErrorCode::kArgument, fmt::format("the path \"{}\" of a route does not begin with /", route.path));
  std::ranges::sort(routes, [](const Route& one, const Route& other) {
    if (one.host.empty() != other.host.empty()) return other.host.empty();
    return one.path.size() > other.path.size();
  });
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (is_same_name(routes[i].host, routes[j].host) && routes[i].path == routes[j].path) {
        return fail(ErrorCode::kArgument,
                    fmt::format("two routes have the path \"{}\"{}", routes[i].path,
                                routes[i].host.empty() ? "" : fmt::format(" of the host {}", routes[i].host)));
      }
    }
  }
  return std::make_shared<Router>(std::move(routes));
}

}  // namespace anew::serve
