// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace anew::component {
namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }
bool is_upper(char letter) { return letter >= 'A' && letter <= 'Z'; }
char to_lower(char letter) { return is_upper(letter) ? static_cast<char>(letter - 'A' + 'a') : letter; }  // still ASCII

/// Takes what stands before the first `separator` off the text, and the separator; all of it if there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view before = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return before;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Labels of lower case, as namespaces and packages are.
bool is_lower_label(std::string_view text) { return is_label(text) && std::ranges::none_of(text, is_upper); }

/// Identifiers with dots between. @param is_number_strict  whether one that is a number may begin with no needless
/// zero.
bool are_identifiers(std::string_view text, bool is_number_strict) {
  if (text.empty() || text.back() == '.') return false;
  while (!text.empty()) {
    const std::string_view identifier = take_until(text, '.');
    const auto fits = [](char letter) { return is_digit(letter) || is_lower(to_lower(letter)) || letter == '-'; };
    if (identifier.empty() || !std::ranges::all_of(identifier, fits)) return false;
    if (is_number_strict && identifier.size() > 1 && identifier[0] == '0' && std::ranges::all_of(identifier, is_digit))
      return false;
  }
  return true;
}

/// Semantic Versioning 2.0.0.
bool is_version(std::string_view text) {
  const std::size_t plus = text.find('+');
  if (plus != std::string_view::npos && !are_identifiers(text.substr(plus + 1), false)) return false;
  text = text.substr(0, plus);
  const std::size_t hyphen = text.find('-');
  if (hyphen != std::string_view::npos && !are_identifiers(text.substr(hyphen + 1), true)) return false;
  text = text.substr(0, hyphen);
  return std::ranges::count(text, '.') == 2 && are_identifiers(text, true) &&
         std::ranges::all_of(text, [](char letter) { return is_digit(letter) || letter == '.'; });
}

/// "namespace:package/interface@version", with or without version.
bool is_interface(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos && !is_version(text.substr(at + 1))) return false;
  std::string_view path = text.substr(0, at);
  const std::string_view name_space = take_until(path, ':');
  const std::string_view package = take_until(path, '/');
  return is_lower_label(name_space) && is_lower_label(package) && is_label(path);
}

}  // namespace

bool is_label(std::string_view text) noexcept {
  if (text.empty() || is_digit(text[0]) || text.back() == '-') return false;
  while (!text.empty()) {
    const std::string_view word = take_until(text, '-');
    const bool has_lower = std::ranges::any_of(word, is_lower);
    const bool has_upper = std::ranges::any_of(word, is_upper);
    const auto fits = [](char letter) { return is_digit(letter) || is_lower(to_lower(letter)); };
    if (word.empty() || (has_lower && has_upper) || !std::ranges::all_of(word, fits)) return false;
  }
  return true;
}

Result<ExternalName> parse_external_name(std::string_view text) {
  const auto invalid = [text] {
    return fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is not a valid name of an import or export: expected words in kebab case such as "
                            "get-value, [method]resource.get-value or namespace:package/interface@1.2.3",
                            text));
  };
  for (const std::string_view accessor : {"[get]", "[set]"})
    if (text.find(accessor) != std::string_view::npos)
      return fail(ErrorCode::kUnsupported, fmt::format("not supported yet: accessors, such as \"{}\"", text));
  std::string_view rest = text;
  if (take_prefix(rest, "[constructor]")) {
    if (!is_label(rest)) return invalid();
    return ExternalName{NameKind::kConstructor, rest};
  }
  for (const auto& [prefix, kind] :
       {std::pair("[method]", NameKind::kMethod), std::pair("[static]", NameKind::kStatic)}) {
    if (!take_prefix(rest, prefix)) continue;
    const std::string_view resource = take_until(rest, '.');
    if (!is_label(resource) || !is_label(rest)) return invalid();
    return ExternalName{kind, resource};
  }
  for (const std::string_view prefix : {"url=", "integrity=", "locked-dep=", "unlocked-dep="}) {
    if (rest.starts_with(prefix)) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("not supported: imports that say where an implementation is, such as \"{}\"", text));
    }
  }
  if (is_label(text)) return ExternalName{NameKind::kLabel};
  if (is_interface(text)) return ExternalName{NameKind::kInterface};
  return invalid();
}

std::string unique_key(std::string_view name) {
  if (take_prefix(name, "[method]") || take_prefix(name, "[static]")) {
    const std::size_t dot = name.find('.');
    std::string key = unique_key(name.substr(0, dot));
    if (dot == std::string_view::npos) return key;
    const std::string member = unique_key(name.substr(dot + 1));
    return member == key ? key : fmt::format("{}.{}", key, member);
  }
  const std::size_t version = std::min(name.find('@'), name.size());  // in versions both count
  std::string key;
  for (const char letter : name.substr(0, version))
    if (letter != '-') key.push_back(to_lower(letter));
  return key.append(name.substr(version));
}

}  // namespace anew::component
