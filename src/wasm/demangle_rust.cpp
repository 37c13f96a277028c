// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rust's manglings. The newer one is a grammar in which each part begins with a letter that says what it is; the
// functions below are called as its productions (RFC 2603), and print what they read.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>
#include <utility>

#include "wasm/demangle.hpp"

namespace anew::wasm {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hexadecimal(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f'); }

// --- The older one --------------------------------------------------------------------------------------------------

constexpr std::string_view kEscapes[][2] = {{"SP", "@"}, {"BP", "*"}, {"RF", "&"}, {"LT", "<"},
                                            {"GT", ">"}, {"LP", "("}, {"RP", ")"}, {"C", ","}};

/// What stands between two dollar signs.
std::string unescape(std::string_view escape) {
  for (const auto& [name, text] : kEscapes)
    if (escape == name) return std::string(text);
  if (!escape.starts_with('u')) return "";
  unsigned code = 0;
  const auto [end, error] = std::from_chars(escape.data() + 1, escape.data() + escape.size(), code, 16);
  const bool is_ascii = code >= 0x20 && code < 0x7F;  // what Rust escapes so
  if (error != std::errc{} || end != escape.data() + escape.size() || !is_ascii) return "";
  return std::string(1, static_cast<char>(code));
}

std::string unescape_component(std::string_view component) {
  if (component.starts_with("_$")) component.remove_prefix(1);
  std::string text;
  while (!component.empty()) {
    const char first = component.front();
    const std::size_t dollar = first == '$' ? component.find('$', 1) : std::string_view::npos;
    if (const std::string special = dollar == component.npos ? "" : unescape(component.substr(1, dollar - 1));
        !special.empty()) {
      text += special;
      component.remove_prefix(dollar + 1);
    } else if (component.starts_with("..")) {
      text += "::";
      component.remove_prefix(2);
    } else {
      text += first;
      component.remove_prefix(1);
    }
  }
  return text;
}

/// The hash that each such name ends with.
bool is_hash(std::string_view component) noexcept {
  return component.size() == 17 && component[0] == 'h' && std::ranges::all_of(component.substr(1), is_hexadecimal);
}

// --- The newer one --------------------------------------------------------------------------------------------------

constexpr std::size_t kMaximumOutput = 2000;  // bytes
constexpr int kMaximumSteps = 4000;           // productions, those that references lead to counted each time
constexpr int kMaximumDepth = 100;

std::string_view basic_type(char c) noexcept {
  switch (c) {
    case 'a': return "i8";
    case 'b': return "bool";
    case 'c': return "char";
    case 'd': return "f64";
    case 'e': return "str";
    case 'f': return "f32";
    case 'h': return "u8";
    case 'i': return "isize";
    case 'j': return "usize";
    case 'l': return "i32";
    case 'm': return "u32";
    case 'n': return "i128";
    case 'o': return "u128";
    case 'p': return "_";
    case 's': return "i16";
    case 't': return "u16";
    case 'u': return "()";
    case 'v': return "...";
    case 'x': return "i64";
    case 'y': return "u64";
    case 'z': return "!";
    default: return "";
  }
}

class RustName {
 public:
  /// @param name  behind "_R".
  explicit RustName(std::string_view name) noexcept : name_(name) {}

  /// @return empty if the name is not of the grammar or outgrows a bound.
  [[nodiscard]] std::string demangle() {
    if (is_digit(peek())) return "";  // a version of the grammar that is still to come
    path(true);
    if (good() && position_ < name_.size() && peek() != '.' && peek() != '$') {
      silent_ = true;
      path(false);  // the crate for which a generic function was made
    }
    if (good() && position_ < name_.size() && peek() != '.' && peek() != '$') fail();
    return good() ? std::move(out_) : "";
  }

 private:
  /// Counts a production, and a level of their nesting for as long as it lives.
  class Step {
   public:
    explicit Step(RustName& name) noexcept : name_(name) {
      if (++name_.depth_ > kMaximumDepth || ++name_.steps_ > kMaximumSteps) name_.fail();
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { --name_.depth_; }

   private:
    RustName& name_;
  };

  [[nodiscard]] bool good() const noexcept { return good_; }
  /// Then nothing is read any more: peek() and next() return 0, which no production begins with.
  void fail() noexcept { good_ = false; }

  [[nodiscard]] char peek() const noexcept { return good_ && position_ < name_.size() ? name_[position_] : '\0'; }
  char next() noexcept {
    const char c = peek();
    if (c == '\0')
      fail();
    else
      ++position_;
    return c;
  }
  bool take(char c) noexcept {
    if (peek() != c) return false;
    ++position_;
    return true;
  }

  void print(std::string_view text) {
    if (silent_ || !good_) return;
    if (out_.size() + text.size() > kMaximumOutput) return fail();
    out_ += text;
  }

  std::uint64_t base_62_number() {
    if (take('_')) return 0;
    std::uint64_t number = 0;
    while (good() && !take('_')) {
      const char c = next();
      std::uint64_t digit = 0;
      if (is_digit(c))
        digit = static_cast<std::uint64_t>(c - '0');
      else if (c >= 'a' && c <= 'z')
        digit = static_cast<std::uint64_t>(c - 'a') + 10;
      else if (c >= 'A' && c <= 'Z')
        digit = static_cast<std::uint64_t>(c - 'A') + 36;
      else
        fail();
      if (number > (std::numeric_limits<std::uint64_t>::max() - digit - 1) / 62) {
        fail();
        return 0;
      }
      number = number * 62 + digit;
    }
    return number + 1;
  }
  /// A number that is there only behind a letter; 0 if it is not there.
  std::uint64_t optional_number(char letter) { return take(letter) ? base_62_number() + 1 : 0; }

  struct Identifier {
    std::uint64_t disambiguator = 0;
    std::string_view text;
    bool is_punycode = false;
  };
  Identifier plain_identifier() {
    Identifier identifier;
    identifier.is_punycode = take('u');
    std::size_t length = 0;
    if (!take('0')) {  // a zero has no further digits
      if (!is_digit(peek())) fail();
      while (is_digit(peek()) && length <= name_.size()) length = length * 10 + static_cast<std::size_t>(next() - '0');
    }
    (void)take('_');
    if (!good() || length > name_.size() - position_) {
      fail();
      return identifier;
    }
    identifier.text = name_.substr(position_, length);
    position_ += length;
    return identifier;
  }
  Identifier identifier() {
    const std::uint64_t disambiguator = optional_number('s');
    Identifier identifier = plain_identifier();
    identifier.disambiguator = disambiguator;
    return identifier;
  }
  void print(const Identifier& identifier) {
    if (identifier.is_punycode) {
      print("punycode{");
      print(identifier.text);
      print("}");
    } else {
      print(identifier.text);
    }
  }

  /// Reads at an earlier place what `production` reads, and comes back.
  template <typename Production>
  void reference(Production&& production) {
    const std::size_t start = position_ - 1;  // of the reference itself: where it leads lies before
    const std::uint64_t target = base_62_number();
    if (!good() || target >= start) return fail();
    if (silent_) return;  // it was read before
    const std::size_t back = position_;
    position_ = static_cast<std::size_t>(target);  // below `start`
    production();
    position_ = back;
  }

  /// @param in_value  whether generic arguments are written with a turbofish.
  void path(bool in_value) {
    const Step step(*this);
    switch (next()) {
      case 'C': print(identifier()); return;
      case 'M':
        impl_path();
        print("<");
        type();
        print(">");
        return;
      case 'X': impl_path(); [[fallthrough]];
      case 'Y':
        print("<");
        type();
        print(" as ");
        path(false);
        print(">");
        return;
      case 'N': nested_path(in_value); return;
      case 'I':
        path(in_value);
        print(in_value ? "::<" : "<");
        list([&] { generic_argument(); });
        print(">");
        return;
      case 'B': reference([&] { path(in_value); }); return;
      default: fail();
    }
  }

  /// Says where an impl stands, which is not shown.
  void impl_path() {
    const bool was_silent = std::exchange(silent_, true);
    (void)optional_number('s');
    path(false);
    silent_ = was_silent;
  }

  void nested_path(bool in_value) {
    const char name_space = next();
    path(in_value);
    const Identifier inner = identifier();
    if (name_space >= 'A' && name_space <= 'Z') {
      print("::{");
      print(name_space == 'C'   ? std::string_view("closure")
            : name_space == 'S' ? std::string_view("shim")
                                : std::string_view(&name_space, 1));
      if (!inner.text.empty()) {
        print(":");
        print(inner);
      }
      print(fmt::format("#{}}}", inner.disambiguator));
    } else if (name_space >= 'a' && name_space <= 'z') {
      if (inner.text.empty()) return;
      print("::");
      print(inner);
    } else {
      fail();
    }
  }

  /// Productions up to an E, with commas between.
  template <typename Production>
  std::size_t list(Production&& production, std::string_view separator = ", ") {
    std::size_t count = 0;
    for (; good() && !take('E'); ++count) {
      if (count > 0) print(separator);
      production();
    }
    return count;
  }

  void generic_argument() {
    if (take('L')) return lifetime();
    if (take('K')) return constant();
    type();
  }

  void lifetime() { print_lifetime(base_62_number()); }
  /// @param index  0 for one without a name, else counted from the innermost binder.
  void print_lifetime(std::uint64_t index) {
    if (index == 0) return print("'_");
    if (index > bound_lifetimes_) return fail();
    const std::uint64_t depth = bound_lifetimes_ - index;
    constexpr std::uint64_t kLetters = 26;
    print(depth < kLetters ? fmt::format("'{}", static_cast<char>('a' + depth)) : fmt::format("'_{}", depth));
  }

  /// Lifetimes that what `production` reads may name.
  template <typename Production>
  void binder(Production&& production) {
    const std::uint64_t count = optional_number('G');
    if (count > kMaximumOutput) return fail();
    const std::uint64_t outer = bound_lifetimes_;
    if (count > 0) {
      print("for<");
      for (std::uint64_t i = 0; i < count; ++i) {
        if (i > 0) print(", ");
        ++bound_lifetimes_;
        print_lifetime(1);
      }
      print("> ");
    }
    production();
    bound_lifetimes_ = outer;
  }

  void type() {
    const Step step(*this);
    const char first = peek();
    if (const std::string_view basic = basic_type(first); !basic.empty()) {
      ++position_;
      return print(basic);
    }
    switch (first) {
      case 'R':
      case 'Q':
        ++position_;
        print("&");
        if (take('L')) {
          if (const std::uint64_t index = base_62_number(); index != 0) {
            print_lifetime(index);
            print(" ");
          }
        }
        if (first == 'Q') print("mut ");
        return type();
      case 'P':
      case 'O':
        ++position_;
        print(first == 'P' ? "*const " : "*mut ");
        return type();
      case 'A':
      case 'S':
        ++position_;
        print("[");
        type();
        if (first == 'A') {
          print("; ");
          constant();
        }
        return print("]");
      case 'T':
        ++position_;
        print("(");
        if (list([&] { type(); }) == 1) print(",");
        return print(")");
      case 'F': ++position_; return binder([&] { function_type(); });
      case 'D':
        ++position_;
        print("dyn ");
        binder([&] { list([&] { dyn_trait(); }, " + "); });
        if (!take('L')) return fail();
        if (const std::uint64_t index = base_62_number(); index != 0) {
          print(" + ");
          print_lifetime(index);
        }
        return;
      case 'B': ++position_; return reference([&] { type(); });
      default: return path(false);
    }
  }

  void function_type() {
    if (take('U')) print("unsafe ");
    if (take('K')) {
      print("extern \"");
      if (take('C')) {
        print("C");
      } else {
        std::string abi(plain_identifier().text);
        std::ranges::replace(abi, '_', '-');
        print(abi);
      }
      print("\" ");
    }
    print("fn(");
    list([&] { type(); });
    print(")");
    if (take('u')) return;  // nothing is returned
    print(" -> ");
    type();
  }

  void dyn_trait() {
    const bool has_arguments = path_with_open_arguments();
    bool open = has_arguments;
    while (take('p')) {
      print(open ? ", " : "<");
      open = true;
      print(plain_identifier());
      print(" = ");
      type();
    }
    if (open) print(">");
  }

  /// A trait whose list of generic arguments, if there is one, stays open for the types that are bound.
  bool path_with_open_arguments() {
    const Step step(*this);
    if (take('B')) {
      bool open = false;
      reference([&] { open = path_with_open_arguments(); });
      return open;
    }
    if (!take('I')) {
      path(false);
      return false;
    }
    path(false);
    print("<");
    list([&] { generic_argument(); });
    return true;
  }

  void constant() {
    const Step step(*this);
    const char kind = next();
    switch (kind) {
      case 'p': return print("_");
      case 'B': return reference([&] { constant(); });
      case 'a':
      case 's':
      case 'l':
      case 'x':
      case 'n':
      case 'i':
        if (take('n')) print("-");
        [[fallthrough]];
      case 'h':
      case 't':
      case 'm':
      case 'y':
      case 'o':
      case 'j': return number();
      case 'b': return boolean();
      case 'c': return character();
      default: fail();  // of structured constants, which are rare, nothing is shown
    }
  }

  std::string_view hexadecimal_digits() {
    const std::size_t start = position_;
    while (is_hexadecimal(peek())) ++position_;
    const std::size_t end = position_;
    if (!take('_')) fail();
    return good() ? name_.substr(start, end - start) : std::string_view();
  }
  void number() {
    const std::string_view digits = hexadecimal_digits();
    std::uint64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value, 16).ec == std::errc{})
      return print(fmt::format("{}", value));
    if (digits.empty()) return fail();
    print("0x");  // more than 64 bits
    print(digits);
  }
  void boolean() {
    const std::string_view digits = hexadecimal_digits();
    if (digits != "0" && digits != "1") return fail();
    print(digits == "1" ? "true" : "false");
  }
  void character() {
    const std::string_view digits = hexadecimal_digits();
    unsigned code = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), code, 16).ec != std::errc{}) return fail();
    const bool is_ascii = code >= 0x20 && code < 0x7F;
    print(is_ascii ? fmt::format("'{}'", static_cast<char>(code)) : fmt::format("'\\u{{{:x}}}'", code));
  }

  std::string_view name_;
  std::size_t position_ = 0;
  std::string out_;
  bool good_ = true;
  bool silent_ = false;  ///< nothing is printed
  int steps_ = 0;
  int depth_ = 0;
  std::uint64_t bound_lifetimes_ = 0;
};

}  // namespace

std::string demangle_rust_legacy(std::string_view name) {
  if (!name.starts_with("_ZN")) return "";
  name.remove_prefix(3);
  std::string text;
  std::string_view last;
  while (!name.empty() && is_digit(name.front())) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), length);
    name.remove_prefix(static_cast<std::size_t>(end - name.data()));  // within the name
    if (error != std::errc{} || length > name.size()) return "";
    if (!last.empty()) {
      text += text.empty() ? "" : "::";
      text += unescape_component(last);
    }
    last = name.substr(0, length);
    name.remove_prefix(length);
  }
  return name.starts_with('E') && is_hash(last) ? text : "";
}

std::string demangle_rust(std::string_view name) {
  return name.starts_with("_R") ? RustName(name.substr(2)).demangle() : "";
}

}  // namespace anew::wasm
