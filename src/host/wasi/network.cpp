// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/wasi/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "host/wasi/http_syntax.hpp"
#include "os/try.hpp"

namespace anew::wasi::detail {
namespace {

/// All of the text is a number, of decimal digits, between these.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t least, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [read, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || read != text.data() + text.size() || number < least || number > most) return std::nullopt;
  return number;
}

Result<std::vector<AddressPattern>> parse_all(const std::vector<std::string>& texts) {
  std::vector<AddressPattern> patterns;
  for (const std::string& text : texts) {
    AddressPattern pattern = TRY(AddressPattern::parse(text));
    patterns.push_back(pattern);
  }
  return patterns;
}

bool matches_any(const std::vector<AddressPattern>& patterns, const os::SocketAddress& address) noexcept {
  return std::ranges::any_of(patterns, [&](const AddressPattern& each) { return each.matches(address); });
}

}  // namespace

Result<AddressPattern> AddressPattern::parse(std::string_view text) {
  const auto wrong = [&] {
    return anew::fail(ErrorCode::kArgument,
                      fmt::format("\"{}\" is no address: write 127.0.0.1:5432, 10.0.0.0/8, [::1]:443 or [fd00::/8]; "
                                  "without a port all ports are meant",
                                  text));
  };
  const bool has_brackets = text.starts_with('[');
  const std::size_t end = has_brackets ? text.find(']') : text.find(':');
  if (has_brackets && end == text.npos) return wrong();
  std::string_view network = text.substr(0, end);
  std::string_view port = end == text.npos ? std::string_view() : text.substr(end);
  if (has_brackets) {
    network.remove_prefix(1);
    port.remove_prefix(1);
  }
  const std::size_t slash = network.find('/');
  const std::optional<os::SocketAddress> address = os::parse_address(std::string(network.substr(0, slash)));
  if (!address || address->is_v6 != has_brackets) return wrong();
  AddressPattern pattern{*address, address->is_v6 ? 128u : 32u};
  if (slash != network.npos) {
    const auto bits = parse_number(network.substr(slash + 1), 0, pattern.bits);
    if (!bits) return wrong();
    pattern.bits = *bits;
  }
  if (!port.empty()) {
    const auto number = port.starts_with(':') ? parse_number(port.substr(1), 1, 65'535) : std::nullopt;
    if (!number) return wrong();
    pattern.begin.port = static_cast<std::uint16_t>(*number);  // at most 65,535
  }
  return pattern;
}

bool AddressPattern::matches(const os::SocketAddress& address) const noexcept {
  if (address.is_v6 != begin.is_v6 || (begin.port != 0 && begin.port != address.port)) return false;
  for (std::uint32_t i = 0; i * 8 < bits; ++i) {
    const std::uint32_t left = bits - i * 8;
    const std::uint32_t mask = left >= 8 ? 0xFF : (0xFF00u >> left) & 0xFF;
    if (((address.bytes[i] ^ begin.bytes[i]) & mask) != 0) return false;
  }
  return true;
}

Result<AllowedNetwork> AllowedNetwork::make(const Network& network) {
  AllowedNetwork made;
  made.connect_ = TRY(parse_all(network.connect));
  made.listen_ = TRY(parse_all(network.listen));
  for (const std::string& name : network.look_up)
    if (!http::is_host_pattern(name) || name.find(':') != std::string::npos)
      return anew::fail(ErrorCode::kArgument,
                        fmt::format("\"{}\" is no name to look up: write db.example.org, *.example.org or *", name));
  made.look_up_ = network.look_up;
  return made;
}

bool AllowedNetwork::can_connect(const os::SocketAddress& to) const noexcept { return matches_any(connect_, to); }
bool AllowedNetwork::can_listen(const os::SocketAddress& at) const noexcept { return matches_any(listen_, at); }
bool AllowedNetwork::can_look_up(std::string_view name) const noexcept {
  return std::ranges::any_of(
      look_up_, [&](const std::string& pattern) { return pattern == "*" || http::matches_host(pattern, name); });
}

}  // namespace anew::wasi::detail
