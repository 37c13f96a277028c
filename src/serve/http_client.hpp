// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Requests that guests make, over HTTP/1.1, and TLS with the certificates that the system trusts (those of OpenSSL:
// SSL_CERT_FILE and SSL_CERT_DIR name others). Each has a connection of its own, so nothing of one request can be seen
// by another. Redirects are the guest's to follow.
#pragma once

#include <anew/error.hpp>
#include <anew/wasi_http.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

namespace anew::serve {

struct HttpClientOptions {
  std::uint32_t maximum_connections = 1024;  ///< at once; to further requests `connection-limit-reached`
  // Where a guest gives no times of its own, and the most that it can give.
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(10);  ///< the name found, and TLS agreed on, too
  std::chrono::nanoseconds answer_timeout = std::chrono::seconds(60);   ///< until the head of the response
  std::chrono::nanoseconds body_timeout = std::chrono::seconds(60);     ///< between any two pieces of it
};

/// Has a thread of its own, which waits for all connections. Requests that are not answered when it goes never are.
/// @return kResource.
[[nodiscard]] Result<std::shared_ptr<wasi::http::Client>> make_http_client(const HttpClientOptions& options = {});

}  // namespace anew::serve
