// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/http_syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace anew::wasi::http {
namespace {

[[nodiscard]] bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] bool are_all(std::string_view text, bool (*predicate)(char) noexcept) noexcept {
  return std::ranges::all_of(text, predicate);
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && are_all(text, [](char c) noexcept {
    return is_digit(c) || is_letter(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view bytes) noexcept {
  return are_all(bytes, [](char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

bool is_path_with_query(std::string_view text) noexcept {
  const bool begins_well = text.empty() || text.starts_with('/') || text.starts_with('?') || text == "*";
  return begins_well &&
         are_all(text, [](char c) noexcept { return c > 0x20 && c < 0x7F && c != '#' && c != '<' && c != '>'; });
}

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_letter(text.front()) &&
         are_all(text, [](char c) noexcept { return is_digit(c) || is_letter(c) || c == '+' || c == '-' || c == '.'; });
}

std::optional<HostAndPort> split_authority(std::string_view authority) noexcept {
  std::size_t end = authority.find(':');
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ++end;
    const std::string_view inside = authority.substr(1, end - 2);
    if (inside.empty() || !are_all(inside, [](char c) noexcept {
          const char lower = to_lower(c);
          return is_digit(c) || (lower >= 'a' && lower <= 'f') || c == ':' || c == '.';
        }))
      return std::nullopt;
  }
  const std::string_view host = authority.substr(0, end);
  const std::string_view rest = authority.substr(host.size());
  if (host.empty()) return std::nullopt;
  if (!host.starts_with('[') && !are_all(host, [](char c) noexcept {
        return is_digit(c) || is_letter(c) || std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos;
      }))
    return std::nullopt;
  if (rest.empty()) return HostAndPort{host, {}};
  const std::string_view port = rest.substr(1);
  constexpr std::size_t kLongest = 5;
  if (rest.front() != ':' || port.empty() || port.size() > kLongest || !are_all(port, is_digit)) return std::nullopt;
  std::uint32_t number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);  // five digits
  if (number > 65'535) return std::nullopt;
  return HostAndPort{host, port};
}

bool is_authority(std::string_view text) noexcept { return split_authority(text).has_value(); }

bool are_equal_names(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

ContentLength content_length(const Fields& fields) noexcept {
  ContentLength found;
  for (const Field& field : fields) {
    if (!are_equal_names(field.name, "content-length")) continue;
    std::uint64_t bytes = 0;
    const char* const end = field.value.data() + field.value.size();
    const auto [read, error] = std::from_chars(field.value.data(), end, bytes);
    if (error != std::errc() || read != end || found.bytes) return {.is_valid = false};
    found.bytes = bytes;
  }
  return found;
}

bool is_forbidden(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> kForbidden = {"connection",
                                                          "host",
                                                          "http2-settings",
                                                          "keep-alive",
                                                          "proxy-authenticate",
                                                          "proxy-authorization",
                                                          "proxy-connection",
                                                          "transfer-encoding",
                                                          "upgrade"};
  return std::ranges::any_of(kForbidden, [&](std::string_view each) { return are_equal_names(each, name); });
}

bool matches_host(std::string_view pattern, std::string_view host) noexcept {
  if (!pattern.starts_with("*.")) return are_equal_names(pattern, host);
  const std::string_view behind = pattern.substr(1);
  return host.size() > behind.size() && are_equal_names(behind, host.substr(host.size() - behind.size()));
}

bool is_host_pattern(std::string_view text) noexcept {
  if (text == "*") return true;
  if (text.starts_with("*.")) text.remove_prefix(2);
  return text.find('*') == std::string_view::npos && is_authority(text);
}

bool is_allowed(const Options& options, std::string_view scheme, std::string_view authority) noexcept {
  const auto asked = split_authority(authority);
  if (!asked) return false;
  const std::string_view usual = scheme == "http" ? "80" : "443";
  const std::string_view port = asked->port.empty() ? usual : asked->port;
  return std::ranges::any_of(options.allowed_hosts, [&](const std::string& pattern) {
    if (pattern == "*") return true;
    const std::size_t colon = pattern.starts_with('[') ? pattern.find(':', pattern.find(']')) : pattern.find(':');
    const std::string_view host = std::string_view(pattern).substr(0, colon);
    const std::string_view its_port = colon == std::string::npos ? usual : std::string_view(pattern).substr(colon + 1);
    return its_port == port && matches_host(host, asked->host);
  });
}

std::string_view to_string(ErrorCode code) noexcept {
  constexpr std::array<std::string_view, 39> kNames = {"DNS-timeout",
                                                       "DNS-error",
                                                       "destination-not-found",
                                                       "destination-unavailable",
                                                       "destination-IP-prohibited",
                                                       "destination-IP-unroutable",
                                                       "connection-refused",
                                                       "connection-terminated",
                                                       "connection-timeout",
                                                       "connection-read-timeout",
                                                       "connection-write-timeout",
                                                       "connection-limit-reached",
                                                       "TLS-protocol-error",
                                                       "TLS-certificate-error",
                                                       "TLS-alert-received",
                                                       "HTTP-request-denied",
                                                       "HTTP-request-length-required",
                                                       "HTTP-request-body-size",
                                                       "HTTP-request-method-invalid",
                                                       "HTTP-request-URI-invalid",
                                                       "HTTP-request-URI-too-long",
                                                       "HTTP-request-header-section-size",
                                                       "HTTP-request-header-size",
                                                       "HTTP-request-trailer-section-size",
                                                       "HTTP-request-trailer-size",
                                                       "HTTP-response-incomplete",
                                                       "HTTP-response-header-section-size",
                                                       "HTTP-response-header-size",
                                                       "HTTP-response-body-size",
                                                       "HTTP-response-trailer-section-size",
                                                       "HTTP-response-trailer-size",
                                                       "HTTP-response-transfer-coding",
                                                       "HTTP-response-content-coding",
                                                       "HTTP-response-timeout",
                                                       "HTTP-upgrade-failed",
                                                       "HTTP-protocol-error",
                                                       "loop-detected",
                                                       "configuration-error",
                                                       "internal-error"};
  return kNames[static_cast<std::size_t>(code)];
}

}  // namespace anew::wasi::http
