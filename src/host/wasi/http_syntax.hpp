// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What may stand where in HTTP (RFC 9110, RFC 3986): guests' strings go into messages only if they are what they say.
#pragma once

#include <anew/wasi_http.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

namespace anew::wasi::http {

/// A method or the name of a field (RFC 9110, 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// The value of a field: no control characters but tabs (5.5).
[[nodiscard]] bool is_field_value(std::string_view bytes) noexcept;
[[nodiscard]] bool is_path_with_query(std::string_view text) noexcept;
[[nodiscard]] bool is_scheme(std::string_view text) noexcept;
/// A host, maybe with a port (RFC 3986, 3.2), and no user.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;
/// Letters of ASCII count as equal in both cases.
[[nodiscard]] bool are_equal_names(std::string_view a, std::string_view b) noexcept;
/// `content-length`. @return nothing if there is none; false if it is no number, or there are several.
struct ContentLength {
  bool is_valid = true;
  std::optional<std::uint64_t> bytes = std::nullopt;
};
[[nodiscard]] ContentLength content_length(const Fields& fields) noexcept;

/// An authority in its parts. @return nothing if it is none.
struct HostAndPort {
  std::string_view host;  ///< "[::1]" with its brackets
  std::string_view port;  ///< empty if it has none
};
[[nodiscard]] std::optional<HostAndPort> split_authority(std::string_view authority) noexcept;
/// Whether a host is a pattern's: the name, or one that ends as "*.name" does.
[[nodiscard]] bool matches_host(std::string_view pattern, std::string_view host) noexcept;
/// Whether one of the hosts of Options::allowed_hosts is that.
[[nodiscard]] bool is_allowed(const Options& options, std::string_view scheme, std::string_view authority) noexcept;
/// Whether that is a name for Options::allowed_hosts.
[[nodiscard]] bool is_host_pattern(std::string_view text) noexcept;

}  // namespace anew::wasi::http
