// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The texts of CGI: meta-variables out of a request, and a response's head out of what a program writes.
#pragma once

#include <anew/error.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/exchange.hpp"

namespace anew::serve {

/// "NAME=value" for each meta-variable of RFC 3875, 4.1. Fields of the header are HTTP_NAME, those that are there twice
/// joined with commas. Left out are names with an underscore, which another one could be mistaken for, and Proxy, which
/// programs would take for a variable of their own.
/// @return kArgument for a path that cannot be a variable: with a NUL, or a wrong percent sign.
[[nodiscard]] Result<std::vector<std::string>> wagi_environment(const RequestHead& head);

/// Reads a response's head, RFC 3875, 6, from what a program writes piece by piece.
class WagiHead {
 public:
  struct Response {
    unsigned status;
    std::vector<Header> headers;
    std::string rest;  ///< what was behind the head
  };
  /// @return the head once it is complete; kArgument for what is none.
  [[nodiscard]] Result<std::optional<Response>> take(std::string_view piece);

 private:
  std::string text_;
};

}  // namespace anew::serve
