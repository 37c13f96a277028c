// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What of a request has come and is not used yet, and the parser that it goes through. Included by those sources alone
// that parse: Beast takes seconds to compile.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <optional>

namespace anew::serve {

/// Of a request line and its header, together; past it the answer is 431.
inline constexpr std::size_t kMaximumHeadBytes = 64 << 10;
/// Asked of the system at once.
inline constexpr std::size_t kReceiveBytes = 16 << 10;

struct Incoming {
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  /// A head must fit, as the parser wants it in one piece.
  boost::beast::flat_buffer buffer{kMaximumHeadBytes + kReceiveBytes};
  std::optional<Parser> parser;  ///< of a request, from its first byte on
};

}  // namespace anew::serve
