// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/wave.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "component/strings.hpp"
#include "os/try.hpp"
#include "wasm/printable.hpp"
#include "wasm/reader.hpp"

namespace anew::component {
namespace {

/// Labels of cases that are one of these are written with a % before them.
constexpr std::array<std::string_view, 8> kKeywords = {"true", "false", "inf", "nan", "some", "none", "ok", "err"};
/// Of options and results, by Case::index.
constexpr std::array<std::string_view, 2> kOptionCases = {"none", "some"};
constexpr std::array<std::string_view, 2> kResultCases = {"ok", "err"};

bool is_wrapper(Kind kind) { return kind == Kind::kOption || kind == Kind::kResult; }

// --- Values to text ---

class Writer {
 public:
  explicit Writer(const Types& types) : types_(types) {}
  void write(Type type, const Value& value);
  std::string text;

 private:
  void number(double number, auto as_given) {
    if (std::isnan(number))
      text += "nan";
    else if (std::isinf(number))
      text += number < 0 ? "-inf" : "inf";
    else
      fmt::format_to(std::back_inserter(text), "{}", as_given);  // the shortest that reads back
  }
  void character(std::string_view utf8, char quote) {
    const char first = utf8[0];
    if (first == quote || first == '\\') {
      text += '\\';
      text += first;
    } else if (utf8.size() == 1 && (static_cast<unsigned char>(first) < 0x20 || first == 0x7F)) {
      if (first == '\n' || first == '\t' || first == '\r')
        text += first == '\n' ? "\\n" : first == '\t' ? "\\t" : "\\r";
      else
        fmt::format_to(std::back_inserter(text), "\\u{{{:x}}}", static_cast<unsigned char>(first));
    } else {
      text += wasm::printable(utf8);  // its escapes of what is no ASCII are WAVE's
    }
  }
  void string(std::string_view utf8, char quote) {
    text += quote;
    while (!utf8.empty()) {
      const std::size_t length = std::max<std::size_t>(wasm::utf8_length(utf8), 1);  // it is well-formed
      character(utf8.substr(0, length), quote);
      utf8.remove_prefix(length);
    }
    text += quote;
  }
  template <typename Elements, typename Write>
  void sequence(char open, const Elements& elements, char close, const Write& write) {
    text += open;
    for (std::size_t k = 0; k < elements.size(); ++k) {
      if (k != 0) text += ", ";
      write(k);
    }
    text += close;
  }
  void label(std::string_view label) {
    if (std::ranges::find(kKeywords, label) != kKeywords.end()) text += '%';
    text += label;
  }
  void compound(const Compound& compound, const Value& value);
  void case_of(const Compound& compound, const Case& which);

  const Types& types_;
};

void Writer::case_of(const Compound& compound, const Case& which) {
  if (compound.kind == Kind::kOption)
    text += kOptionCases.at(which.index);
  else if (compound.kind == Kind::kResult)
    text += kResultCases.at(which.index);
  else
    label(compound.parts.at(which.index).name);
  if (!which.payload) return;
  text += '(';
  write(*compound.parts.at(which.index).type, *which.payload);
  text += ')';
}

void Writer::compound(const Compound& compound, const Value& value) {
  const auto& parts = compound.parts;
  switch (compound.kind) {
    case Kind::kList: {
      if (parts[0].type->kind == Kind::kU8) {
        const Bytes& bytes = value.as<Bytes>();
        return sequence('[', bytes, ']',
                        [&](std::size_t k) { text += std::to_string(std::to_integer<int>(bytes[k])); });
      }
      const auto& values = value.as<Values>();
      return sequence('[', values, ']', [&](std::size_t k) { write(*parts[0].type, values[k]); });
    }
    case Kind::kTuple:
      return sequence('(', parts, ')', [&](std::size_t k) { write(*parts[k].type, value.as<Values>().at(k)); });
    case Kind::kRecord:
      return sequence('{', parts, '}', [&](std::size_t k) {
        text += parts[k].name + ": ";
        write(*parts[k].type, value.as<Values>().at(k));
      });
    case Kind::kFlags: {
      std::vector<std::string_view> set;
      for (std::size_t k = 0; k < parts.size(); ++k)
        if ((value.as<Flags>().bits >> k & 1) != 0) set.emplace_back(parts[k].name);
      return sequence('{', set, '}', [&](std::size_t k) { text += set[k]; });
    }
    default: return case_of(compound, value.as<Case>());
  }
}

void Writer::write(Type type, const Value& value) {
  switch (type.kind) {
    case Kind::kBool: text += value.as<bool>() ? "true" : "false"; return;
    case Kind::kS8: text += std::to_string(value.as<std::int8_t>()); return;
    case Kind::kU8: text += std::to_string(value.as<std::uint8_t>()); return;
    case Kind::kS16: text += std::to_string(value.as<std::int16_t>()); return;
    case Kind::kU16: text += std::to_string(value.as<std::uint16_t>()); return;
    case Kind::kS32: text += std::to_string(value.as<std::int32_t>()); return;
    case Kind::kU32: text += std::to_string(value.as<std::uint32_t>()); return;
    case Kind::kS64: text += std::to_string(value.as<std::int64_t>()); return;
    case Kind::kU64: text += std::to_string(value.as<std::uint64_t>()); return;
    case Kind::kF32: return number(value.as<float>(), value.as<float>());
    case Kind::kF64: return number(value.as<double>(), value.as<double>());
    case Kind::kChar: {
      std::string utf8;
      append_utf8(utf8, value.as<char32_t>());
      return string(utf8, '\'');
    }
    case Kind::kString: return string(value.as<std::string>(), '"');
    case Kind::kOwn:
    case Kind::kBorrow:
      fmt::format_to(std::back_inserter(text), "<{} {}>", types_.text(type), value.as<Resource>().representation);
      return;
    default: return compound(types_.compound(type), value);
  }
}

// --- Text to values ---

class Parser {
 public:
  Parser(const Types& types, std::string_view text) : types_(types), text_(text) {}

  [[nodiscard]] Result<Value> value(Type type);
  [[nodiscard]] Result<void> end() {
    skip();
    if (!at_end()) return fail("the end");
    return {};
  }

 private:
  [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[position_]; }
  [[nodiscard]] static bool is_label_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  }

  [[nodiscard]] std::unexpected<Error> fail_at(std::size_t position, std::string what) const {
    return anew::fail(ErrorCode::kArgument, fmt::format("column {}: {}", position + 1, what));
  }
  [[nodiscard]] std::unexpected<Error> fail(std::string_view expected) const {
    constexpr std::size_t kShown = 20;
    const std::string_view rest = text_.substr(position_);
    return fail_at(position_, fmt::format("expected {}, not {}", expected,
                                          rest.empty() ? "the end"
                                                       : '"' + wasm::printable(rest.substr(0, kShown)) +
                                                             (rest.size() > kShown ? "...\"" : "\"")));
  }

  /// Spaces and comments.
  void skip() {
    while (!at_end())
      if (text_.substr(position_).starts_with("//"))
        position_ = std::min(text_.find('\n', position_), text_.size());
      else if (std::string_view(" \t\n\r").contains(peek()))
        ++position_;
      else
        return;
  }
  [[nodiscard]] bool take(char wanted) {
    skip();
    if (at_end() || peek() != wanted) return false;
    ++position_;
    return true;
  }
  [[nodiscard]] Result<void> expect(char wanted) {
    if (!take(wanted)) return fail(fmt::format("\"{}\"", wanted));
    return {};
  }
  /// A label as it is written, with its %; empty if there is none.
  [[nodiscard]] std::string_view written_label() {
    skip();
    std::size_t end = position_;
    if (end < text_.size() && text_[end] == '%') ++end;
    while (end < text_.size() && is_label_character(text_[end])) ++end;
    return text_.substr(position_, end - position_);
  }
  [[nodiscard]] static std::string_view without_percent(std::string_view label) {
    return label.starts_with('%') ? label.substr(1) : label;
  }
  [[nodiscard]] static std::optional<std::size_t> find(const std::vector<NamedType>& parts, std::string_view label) {
    const auto found = std::ranges::find(parts, label, &NamedType::name);
    if (found == parts.end()) return std::nullopt;
    return static_cast<std::size_t>(found - parts.begin());
  }

  /// Elements between brackets, with commas between them and after them.
  template <typename Element>
  [[nodiscard]] Result<void> sequence(char open, char close, const Element& element) {
    TRY(expect(open));
    while (!take(close)) {
      TRY(element());
      if (take(',')) continue;
      if (!take(close)) return fail(fmt::format("\",\" or \"{}\"", close));
      break;
    }
    return {};
  }

  template <typename T>
  [[nodiscard]] Result<Value> number(Type type);
  [[nodiscard]] Result<char32_t> character(char quote);
  [[nodiscard]] Result<Value> boolean();
  [[nodiscard]] Result<Value> quoted_character();
  [[nodiscard]] Result<Value> string();
  [[nodiscard]] Result<Value> list(Type element);
  [[nodiscard]] Result<Value> tuple(Type type);
  [[nodiscard]] Result<Value> record(Type type);
  [[nodiscard]] Result<Value> flags(Type type);
  [[nodiscard]] Result<Value> case_of(Type type);
  [[nodiscard]] Result<Value> option_or_result(Type type);
  [[nodiscard]] Result<Value> payload(std::size_t index, const std::optional<Type>& type);

  const Types& types_;
  std::string_view text_;
  std::size_t position_ = 0;
};

/// Integers in decimal; floats as JSON has them, nan, inf and -inf.
template <typename T>
Result<Value> Parser::number(Type type) {
  constexpr bool kIsFloat = std::is_floating_point_v<T>;
  const std::string_view rest = text_.substr(position_);
  std::size_t length = 0;
  const auto digits = [&] {
    const std::size_t begin = length;
    while (length < rest.size() && rest[length] >= '0' && rest[length] <= '9') ++length;
    return length - begin;
  };
  if constexpr (kIsFloat) {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    constexpr std::array<std::pair<std::string_view, T>, 3> kWords = {
        {{"nan", std::numeric_limits<T>::quiet_NaN()}, {"inf", kInfinity}, {"-inf", -kInfinity}}};
    for (const auto& [word, meant] : kWords) {
      if (!rest.starts_with(word) || (rest.size() > word.size() && is_label_character(rest[word.size()]))) continue;
      position_ += word.size();
      return Value(meant);
    }
  }
  if (rest.starts_with('-')) ++length;
  if (digits() == 0) return fail(types_.text(type));
  if (kIsFloat) {
    if (length < rest.size() && rest[length] == '.') {
      ++length;
      if (digits() == 0) return fail(types_.text(type));
    }
    if (length < rest.size() && (rest[length] == 'e' || rest[length] == 'E')) {
      ++length;
      if (length < rest.size() && (rest[length] == '+' || rest[length] == '-')) ++length;
      if (digits() == 0) return fail(types_.text(type));
    }
  }
  T number = 0;
  const std::string_view word = rest.substr(0, length);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size())
    return fail_at(position_, fmt::format("{} is out of the range of {}", word, types_.text(type)));
  position_ += length;
  return Value(number);
}

Result<Value> Parser::boolean() {
  const std::string_view label = written_label();
  if (label != "true" && label != "false") return fail("true or false");
  position_ += label.size();
  return Value(label == "true");
}

/// One of a string or char, or its escape.
Result<char32_t> Parser::character(char quote) {
  std::string_view rest = text_.substr(position_);
  if (rest.empty() || rest[0] == '\n') return fail(fmt::format("a closing {}", quote));
  const std::size_t begin = position_;
  if (rest[0] != '\\') {
    const std::size_t length = wasm::utf8_length(rest);
    if (length == 0) return fail_at(begin, "the text is not UTF-8");
    position_ += length;
    return take_utf8(rest);
  }
  constexpr std::string_view kEscapes = "'\"\\tnr";
  constexpr std::string_view kMeant = "'\"\\\t\n\r";
  const char escape = rest.size() > 1 ? rest[1] : '\0';
  if (const std::size_t which = kEscapes.find(escape); escape != '\0' && which != std::string_view::npos) {
    position_ += 2;
    return static_cast<char32_t>(kMeant[which]);  // ASCII
  }
  if (rest.starts_with("\\u{")) {
    rest.remove_prefix(3);
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), code, 16);
    const auto length = static_cast<std::size_t>(end - rest.data());  // it is not before the beginning
    if (error == std::errc{} && length < rest.size() && *end == '}') {
      if (code >= 0x110000 || (code >= 0xD800 && code < 0xE000))
        return fail_at(begin, fmt::format("U+{:X} is no Unicode scalar value", code));
      position_ += 3 + length + 1;
      return static_cast<char32_t>(code);
    }
  }
  return fail("an escape, which is one of \\' \\\" \\\\ \\t \\n \\r \\u{1F600}");
}

Result<Value> Parser::quoted_character() {
  TRY(expect('\''));
  if (peek() == '\'') return fail("a character");
  const char32_t character = TRY(this->character('\''));
  if (peek() != '\'') return fail("a closing '");
  ++position_;
  return Value(character);
}

Result<Value> Parser::string() {
  TRY(expect('"'));
  std::string text;
  while (peek() != '"') append_utf8(text, TRY(character('"')));
  ++position_;
  return Value(std::move(text));
}

Result<Value> Parser::list(Type element) {
  if (element.kind == Kind::kU8) {
    Bytes bytes;
    TRY(sequence('[', ']', [&]() -> Result<void> {
      const Value byte = TRY(value(element));
      bytes.push_back(static_cast<std::byte>(byte.as<std::uint8_t>()));
      return {};
    }));
    return Value(std::move(bytes));
  }
  Values values;
  TRY(sequence('[', ']', [&]() -> Result<void> {
    values.push_back(TRY(value(element)));
    return {};
  }));
  return Value(std::move(values));
}

Result<Value> Parser::tuple(Type type) {
  const auto& parts = types_.compound(type).parts;
  Values values;
  TRY(sequence('(', ')', [&]() -> Result<void> {
    skip();
    if (values.size() == parts.size()) return fail(fmt::format("\")\" after the {} elements", parts.size()));
    values.push_back(TRY(value(*parts[values.size()].type)));
    return {};
  }));
  if (values.size() != parts.size())
    return fail_at(position_ - 1, fmt::format("{} elements for {}", values.size(), types_.text(type)));
  return Value(std::move(values));
}

/// Fields in any order; those that are options may be left out. "{:}" if all are.
Result<Value> Parser::record(Type type) {
  const auto& parts = types_.compound(type).parts;
  Values fields(parts.size());
  skip();
  const std::size_t begin = position_;
  TRY(expect('{'));
  if (take(':')) {
    TRY(expect('}'));
  } else {
    position_ = begin;
    TRY(sequence('{', '}', [&]() -> Result<void> {
      const std::string_view label = written_label();
      const auto index = find(parts, without_percent(label));
      if (!index) return fail(fmt::format("a field of {}", types_.text(type)));
      if (!fields[*index].is<std::monostate>())
        return fail_at(position_, fmt::format("the field {} is there twice", parts[*index].name));
      position_ += label.size();
      TRY(expect(':'));
      fields[*index] = TRY(value(*parts[*index].type));
      return {};
    }));
  }
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (!fields[k].is<std::monostate>()) continue;
    if (parts[k].type->kind != Kind::kOption)
      return fail_at(begin, fmt::format("the record lacks its field {}", parts[k].name));
    fields[k] = none();
  }
  return Value(std::move(fields));
}

Result<Value> Parser::flags(Type type) {
  const auto& parts = types_.compound(type).parts;
  Flags flags;
  TRY(sequence('{', '}', [&]() -> Result<void> {
    const std::string_view label = written_label();
    const auto index = find(parts, without_percent(label));  // below 32
    if (!index) return fail(fmt::format("one of {}", types_.text(type)));
    if ((flags.bits >> *index & 1) != 0)
      return fail_at(position_, fmt::format("the flag {} is there twice", parts[*index].name));
    flags.bits |= 1U << *index;
    position_ += label.size();
    return {};
  }));
  return Value(flags);
}

Result<Value> Parser::payload(std::size_t index, const std::optional<Type>& type) {
  const auto which = static_cast<std::uint32_t>(index);  // of fewer than 2^32 cases
  if (!type) return Value(Case(which));
  TRY(expect('('));
  Value payload = TRY(value(*type));
  TRY(expect(')'));
  return Value(Case(which, std::move(payload)));
}

Result<Value> Parser::case_of(Type type) {
  const auto& parts = types_.compound(type).parts;
  const std::string_view label = written_label();
  const auto index = find(parts, without_percent(label));
  if (!index) return fail(fmt::format("a case of {}", types_.text(type)));
  if (std::ranges::find(kKeywords, label) != kKeywords.end())
    return fail_at(position_, fmt::format("the case {0} is a keyword, and is written %{0}", label));
  position_ += label.size();
  return payload(*index, parts[*index].type);
}

/// With its case; or a payload alone, for some(payload) and ok(payload), if that is no option or result itself.
Result<Value> Parser::option_or_result(Type type) {
  const auto& parts = types_.compound(type).parts;
  const auto& names = type.kind == Kind::kOption ? kOptionCases : kResultCases;
  const std::string_view label = written_label();
  if (const auto* const found = std::ranges::find(names, label); found != names.end()) {
    position_ += label.size();
    const auto index = static_cast<std::size_t>(found - names.begin());
    return payload(index, parts[index].type);
  }
  const std::uint32_t bare = type.kind == Kind::kOption ? 1 : 0;
  const auto& bare_type = parts[bare].type;
  if (!bare_type || is_wrapper(bare_type->kind)) return fail(types_.text(type));
  Value payload = TRY(value(*bare_type));
  return Value(Case(bare, std::move(payload)));
}

Result<Value> Parser::value(Type type) {
  skip();
  switch (type.kind) {
    case Kind::kBool: return boolean();
    case Kind::kS8: return number<std::int8_t>(type);
    case Kind::kU8: return number<std::uint8_t>(type);
    case Kind::kS16: return number<std::int16_t>(type);
    case Kind::kU16: return number<std::uint16_t>(type);
    case Kind::kS32: return number<std::int32_t>(type);
    case Kind::kU32: return number<std::uint32_t>(type);
    case Kind::kS64: return number<std::int64_t>(type);
    case Kind::kU64: return number<std::uint64_t>(type);
    case Kind::kF32: return number<float>(type);
    case Kind::kF64: return number<double>(type);
    case Kind::kChar: return quoted_character();
    case Kind::kString: return string();
    case Kind::kList: return list(*types_.compound(type).parts[0].type);
    case Kind::kTuple: return tuple(type);
    case Kind::kRecord: return record(type);
    case Kind::kFlags: return flags(type);
    case Kind::kVariant:
    case Kind::kEnum: return case_of(type);
    case Kind::kOption:
    case Kind::kResult: return option_or_result(type);
    case Kind::kOwn:
    case Kind::kBorrow:
      return fail_at(position_, fmt::format("a handle, {}, cannot be written: call a function that returns one",
                                            types_.text(type)));
  }
  std::unreachable();
}

}  // namespace

std::string to_wave(const Types& types, Type type, const Value& value) {
  Writer writer(types);
  writer.write(type, value);
  return std::move(writer.text);
}

Result<Value> from_wave(const Types& types, Type type, std::string_view text) {
  Parser parser(types, text);
  Value value = TRY(parser.value(type));
  TRY(parser.end());
  return value;
}

}  // namespace anew::component
