// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/wagi_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <anew/version.hpp>
#include <charconv>
#include <map>
#include <utility>

namespace anew::serve {
namespace {

constexpr std::size_t kMaximumHeadBytes = 64 << 10;

/// "%41" is "A".
Result<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 2 || rest != digits.data() + 2 || error != std::errc() || value == 0)
      return fail(ErrorCode::kArgument, "the request's path has a percent sign that stands for nothing");
    result += static_cast<char>(value);  // two digits
    i += 2;
  }
  return result;
}

/// "Accept-Language" is HTTP_ACCEPT_LANGUAGE.
std::string variable_of(std::string_view field) {
  std::string name = "HTTP_";
  for (const char c : field) name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

/// "example.org" and "8080" of "example.org:8080"; a port that is missing is empty.
std::pair<std::string_view, std::string_view> split_authority(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == authority.npos || authority.find(']', colon) != authority.npos) return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);  // npos + 1 is 0
}

}  // namespace

Result<std::vector<std::string>> wagi_environment(const RequestHead& head) {
  const std::string_view target = head.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  auto path = percent_decoded(target.substr(0, question));
  if (!path) return std::unexpected(std::move(path.error()));
  const auto [host, port] = split_authority(head.authority);
  std::vector<std::string> result;
  const auto add = [&](std::string_view name, std::string_view value) {
    result.push_back(fmt::format("{}={}", name, value));
  };
  add("GATEWAY_INTERFACE", "CGI/1.1");
  add("SERVER_PROTOCOL", head.is_http_1_0 ? "HTTP/1.0" : "HTTP/1.1");
  add("SERVER_SOFTWARE", "anew/" ANEW_VERSION_STRING);
  add("SERVER_NAME", host.empty() ? "localhost" : host);
  add("SERVER_PORT", port.empty() ? std::to_string(head.server_port) : std::string(port));
  add("REQUEST_METHOD", head.method);
  add("REQUEST_URI", target);
  add("SCRIPT_NAME", "");
  add("PATH_INFO", *path);
  add("QUERY_STRING", question < target.size() ? target.substr(question + 1) : "");
  add("REMOTE_ADDR", head.client_address);
  add("REMOTE_HOST", head.client_address);
  add("REMOTE_PORT", std::to_string(head.client_port));
  if (head.content_length) add("CONTENT_LENGTH", std::to_string(*head.content_length));
  std::map<std::string, std::string> fields;
  for (const Header& header : head.headers) {
    if (is_same_name(header.name, "content-type")) {
      add("CONTENT_TYPE", header.value);
      continue;
    }
    if (is_same_name(header.name, "content-length") || is_same_name(header.name, "proxy") || header.name.contains('_'))
      continue;
    const auto [place, is_new] = fields.try_emplace(variable_of(header.name), header.value);
    if (!is_new) place->second += (is_same_name(header.name, "cookie") ? "; " : ", ") + header.value;
  }
  for (const auto& [name, value] : fields) add(name, value);
  return result;
}

Result<std::optional<WagiHead::Response>> WagiHead::take(std::string_view piece) {
  const auto wrong = [](std::string_view what) {
    return fail(ErrorCode::kArgument, fmt::format("the guest's response is none of CGI's: {}", what));
  };
  // An end that lies across two pieces begins in the last three bytes of what was there.
  const std::size_t from = text_.size() < 3 ? 0 : text_.size() - 3;
  text_ += piece;
  std::size_t end = text_.find("\n\n", from);
  std::size_t behind = end == text_.npos ? end : end + 2;
  if (const std::size_t other = text_.find("\n\r\n", from); other < end) {
    end = other;
    behind = other + 3;
  }
  if (end == text_.npos) {
    if (text_.size() > kMaximumHeadBytes) return wrong("its header is larger than 64 KiB");
    return std::nullopt;
  }
  Response response{200, {}, text_.substr(behind)};
  bool has_status = false;
  bool has_location = false;
  std::string_view head = std::string_view(text_).substr(0, end);
  while (!head.empty()) {
    const std::size_t line_end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, line_end);
    head.remove_prefix(std::min(line_end + 1, head.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return wrong("a line of its header has no colon");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (is_same_name(name, "status")) {
      const auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), response.status);
      if (error != std::errc() || (rest != value.data() + value.size() && *rest != ' '))
        return wrong("its Status is no number");
      has_status = true;
      continue;
    }
    has_location = has_location || is_same_name(name, "location");
    response.headers.push_back({std::string(name), std::string(value)});
  }
  if (response.headers.empty() && !has_status) return wrong("its header is empty");
  if (has_location && !has_status) response.status = 302;
  text_.clear();
  return response;
}

}  // namespace anew::serve
