// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What bytes on a connection mean to the letter of RFC 9112: requests, for whatever the server takes has to be that,
// and answers. Written for clarity, and with nothing of the server's, whose parser is Beast.
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::serve::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct StrictMessage {
  std::string method;  ///< of an answer its status
  std::string target;  ///< of an answer empty
  Fields fields;
  std::string body;
  bool closes = false;  ///< nothing may come behind it
};

/// Reads messages one after the other. Each function gives nothing for what is wrong, or not all there.
class StrictReader {
 public:
  explicit StrictReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

  std::optional<StrictMessage> request() {
    while (rest_.starts_with("\r\n")) rest_.remove_prefix(2);
    const auto first = line();
    if (!first) return std::nullopt;
    const std::size_t space = first->find(' ');
    if (space == first->npos) return std::nullopt;
    const std::size_t last = first->rfind(' ');
    StrictMessage message{.method = std::string(first->substr(0, space)), .target = {}, .fields = {}, .body = {}};
    if (last > space) message.target = first->substr(space + 1, last - space - 1);
    const std::string_view version = first->substr(last + 1);
    const bool is_1_0 = version == "HTTP/1.0";
    if (!is_token(message.method) || message.target.empty() || (!is_1_0 && version != "HTTP/1.1")) return std::nullopt;
    if (message.target.find_first_of(" \t") != std::string::npos || !is_text(message.target)) return std::nullopt;
    if (!read_fields(message.fields)) return std::nullopt;
    const std::size_t hosts = values(message, "host").size();
    if (hosts > 1 || (hosts == 0 && !is_1_0)) return std::nullopt;
    message.closes = has_option(message, "close") || (is_1_0 && !has_option(message, "keep-alive"));
    const auto codings = values(message, "transfer-encoding");
    const auto length = content_length(message);
    if (!length) return std::nullopt;
    if (codings.empty()) return with_length(std::move(message), length->value_or(0));
    // Both lengths, another coding, or one that was applied twice: there is no telling where it ends.
    if (is_1_0 || *length || codings.size() > 1 || lower(codings[0]) != "chunked" || !read_chunks(message.body))
      return std::nullopt;
    return message;
  }

  /// @param asked  by which method.
  std::optional<StrictMessage> answer(std::string_view asked) {
    for (;;) {
      const auto first = line();
      if (!first || !first->starts_with("HTTP/1.1 ") || first->size() < 13 || (*first)[12] != ' ') return std::nullopt;
      StrictMessage message{.method = std::string(first->substr(9, 3)), .target = {}, .fields = {}, .body = {}};
      if (!std::ranges::all_of(message.method, is_digit) || !read_fields(message.fields)) return std::nullopt;
      if (message.method == "100" && message.fields.empty()) continue;
      message.closes = has_option(message, "close");
      const auto codings = values(message, "transfer-encoding");
      const auto length = content_length(message);
      if (!length) return std::nullopt;
      if (asked == "HEAD" || message.method == "204" || message.method == "304") return message;
      if (!codings.empty()) {
        if (*length || codings.size() > 1 || codings[0] != "chunked" || !read_chunks(message.body)) return std::nullopt;
        return message;
      }
      if (*length) return with_length(std::move(message), **length);
      if (!message.closes) return std::nullopt;  // it could not be told from the next one
      message.body = std::exchange(rest_, {});
      return message;
    }
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_token_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(c);
  }
  static bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }
  /// No control characters but tabs.
  static bool is_text(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); });
  }
  static std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
  }
  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  }
  static std::vector<std::string> values(const StrictMessage& message, std::string_view name) {
    std::vector<std::string> result;
    for (const auto& [each, value] : message.fields)
      if (lower(each) == name) result.push_back(value);
    return result;
  }
  /// The elements of lists of commas.
  static std::vector<std::string> elements(const StrictMessage& message, std::string_view name) {
    std::vector<std::string> result;
    for (const std::string& value : values(message, name)) {
      for (std::size_t at = 0; at <= value.size();) {
        const std::size_t comma = std::min(value.find(',', at), value.size());
        result.push_back(lower(trimmed(std::string_view(value).substr(at, comma - at))));
        at = comma + 1;
      }
    }
    return result;
  }
  static bool has_option(const StrictMessage& message, std::string_view option) {
    const auto options = elements(message, "connection");
    return std::ranges::find(options, option) != options.end();
  }
  static std::optional<std::uint64_t> number(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return value;
  }
  /// @return nothing for what is none; none within if there is none.
  static std::optional<std::optional<std::uint64_t>> content_length(const StrictMessage& message) {
    std::optional<std::uint64_t> length;
    for (const std::string& each : elements(message, "content-length")) {
      const auto value = number(each, 10);
      if (!value || (length && *length != *value)) return std::nullopt;
      length = value;
    }
    return std::optional(length);
  }

  std::optional<StrictMessage> with_length(StrictMessage message, std::uint64_t length) {
    if (rest_.size() < length) return std::nullopt;
    message.body = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return message;
  }

  /// Up to CR LF; neither stands alone.
  std::optional<std::string_view> line() {
    const std::size_t end = rest_.find_first_of("\r\n");
    if (end == rest_.npos || !rest_.substr(end).starts_with("\r\n")) return std::nullopt;
    const std::string_view result = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return result;
  }

  bool read_fields(Fields& fields) {
    for (;;) {
      const auto next = line();
      if (!next || !is_text(*next)) return false;
      if (next->empty()) return true;
      if (next->front() == ' ' || next->front() == '\t') {  // 5.2: a line that is folded, as if with a space
        if (fields.empty()) return false;
        std::string& value = fields.back().second;
        const std::string_view more = trimmed(*next);
        if (!value.empty() && !more.empty()) value += ' ';
        value += more;
        continue;
      }
      const std::size_t colon = next->find(':');
      if (colon == next->npos || !is_token(next->substr(0, colon))) return false;
      fields.emplace_back(next->substr(0, colon), trimmed(next->substr(colon + 1)));
    }
  }

  bool read_chunks(std::string& body) {
    for (;;) {
      const auto head = line();
      if (!head) return false;
      const std::size_t digits = std::min(head->find_first_not_of("0123456789abcdefABCDEF"), head->size());
      const auto size = number(head->substr(0, digits), 16);
      if (!size || !are_extensions(head->substr(digits))) return false;
      if (*size == 0) {
        Fields trailers;
        return read_fields(trailers);
      }
      if (rest_.size() < *size || !rest_.substr(*size).starts_with("\r\n")) return false;
      body += rest_.substr(0, *size);
      rest_.remove_prefix(*size + 2);
    }
  }

  /// 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
  static bool are_extensions(std::string_view text) {
    const auto skip = [&](auto is_one) {
      const std::size_t before = text.size();
      while (!text.empty() && is_one(text.front())) text.remove_prefix(1);
      return text.size() != before;
    };
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty()) {
      skip(is_blank);
      if (!text.starts_with(';')) return false;
      text.remove_prefix(1);
      skip(is_blank);
      if (!skip(is_token_char)) return false;
      const std::string_view behind_name = text;
      skip(is_blank);
      if (!text.starts_with('=')) {
        text = behind_name;
        continue;
      }
      text.remove_prefix(1);
      skip(is_blank);
      if (!text.starts_with('"')) {
        if (!skip(is_token_char)) return false;
        continue;
      }
      text.remove_prefix(1);
      while (!text.empty() && text.front() != '"') {
        if (text.front() == '\\') text.remove_prefix(1);
        if (text.empty() || !is_text(text.substr(0, 1))) return false;
        text.remove_prefix(1);
      }
      if (text.empty()) return false;
      text.remove_prefix(1);
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace anew::serve::testing
