// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// C++'s mangling, of which the name of a function is decoded: its parameters are not looked at, its template arguments
// are passed over. Each character is looked at once.
#include "wasm/demangle.hpp"

#include <cstddef>
#include <utility>

namespace anew::wasm {
namespace {

/// Longer names are not tried.
constexpr std::size_t kMaximumNameBytes = 16 << 10;
constexpr int kMaximumDepth = 100;
constexpr std::size_t kMaximumOutput = 4000;

constexpr std::string_view kOperators[][2] = {
    {"nw", " new"}, {"na", " new[]"}, {"dl", " delete"}, {"da", " delete[]"}, {"aw", " co_await"}, {"ps", "+"},
    {"ng", "-"},    {"ad", "&"},      {"de", "*"},       {"co", "~"},         {"pl", "+"},         {"mi", "-"},
    {"ml", "*"},    {"dv", "/"},      {"rm", "%"},       {"an", "&"},         {"or", "|"},         {"eo", "^"},
    {"aS", "="},    {"pL", "+="},     {"mI", "-="},      {"mL", "*="},        {"dV", "/="},        {"rM", "%="},
    {"aN", "&="},   {"oR", "|="},     {"eO", "^="},      {"ls", "<<"},        {"rs", ">>"},        {"lS", "<<="},
    {"rS", ">>="},  {"eq", "=="},     {"ne", "!="},      {"lt", "<"},         {"gt", ">"},         {"le", "<="},
    {"ge", ">="},   {"ss", "<=>"},    {"nt", "!"},       {"aa", "&&"},        {"oo", "||"},        {"pp", "++"},
    {"mm", "--"},   {"cm", ","},      {"pm", "->*"},     {"pt", "->"},        {"cl", "()"},        {"ix", "[]"},
};

constexpr std::pair<char, std::string_view> kStandardNames[] = {
    {'a', "allocator"}, {'b', "basic_string"}, {'s', "string"}, {'i', "istream"}, {'o', "ostream"}, {'d', "iostream"}};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The functions are called as the grammar's productions. Each says whether it could read what it is for; once one
/// could not, nothing is read any more.
class CppName {
 public:
  /// @param name  behind "_Z".
  explicit CppName(std::string_view name) noexcept : rest_(name) {}
  [[nodiscard]] std::string demangle() { return name() && !outgrown_ ? std::move(out_) : ""; }

 private:
  class Level {
   public:
    explicit Level(int& depth) noexcept : depth_(depth) { ++depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }
    [[nodiscard]] bool too_deep() const noexcept { return depth_ > kMaximumDepth; }

   private:
    int& depth_;
  };
  /// Prints nothing for as long as it lives.
  class Silence {
   public:
    explicit Silence(CppName& name) noexcept : name_(name), before_(std::exchange(name.silent_, true)) {}
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() { name_.silent_ = before_; }

   private:
    CppName& name_;
    bool before_;
  };

  [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(std::string_view text) noexcept {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool take_one_of(std::string_view letters) noexcept {
    if (rest_.empty() || letters.find(rest_.front()) == letters.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void print(std::string_view text) {
    if (silent_) return;
    outgrown_ = outgrown_ || text.size() > kMaximumOutput - out_.size();
    if (!outgrown_) out_ += text;
  }

  /// Digits, or none.
  void number() noexcept {
    (void)take("n");
    while (is_digit(peek())) rest_.remove_prefix(1);
  }

  bool source_name(std::string_view& name) noexcept {
    std::size_t length = 0;
    while (is_digit(peek()) && length <= rest_.size()) {
      length = length * 10 + static_cast<std::size_t>(peek() - '0');
      rest_.remove_prefix(1);
    }
    if (length == 0 || length > rest_.size()) return false;
    name = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  bool name() {
    const Level level(depth_);
    if (level.too_deep()) return false;
    if (take("N")) return nested_name();
    if (take("Z")) return local_name();
    if (take("St")) print("std::");
    return component() && (peek() != 'I' || template_arguments());
  }

  bool nested_name() {
    while (take_one_of("rVK")) {
    }
    (void)take_one_of("RO");
    bool first = true;
    while (!take("E")) {
      if (peek() == 'I') {
        if (first || !template_arguments()) return false;
        continue;
      }
      if (take("M")) continue;  // what initializes a member: the lambda is the next component
      if (!first) print("::");
      first = false;
      if (!(peek() == 'S' || peek() == 'T' ? prefix() : component())) return false;
    }
    return !first;
  }

  /// What a name within a type may begin with, and that of a function only if it refers to nothing.
  bool prefix() {
    if (silent_ && take("S")) return take("t") || substitution();
    return silent_ && peek() == 'T' ? type() : standard_name();
  }

  bool standard_name() {
    if (take("St")) {
      print("std");
      return true;
    }
    for (const auto& [letter, name] : kStandardNames) {
      const char abbreviation[] = {'S', letter};
      if (take({abbreviation, 2})) {
        print("std::");
        print(name);
        last_ = name;
        return true;
      }
    }
    return false;  // what refers back: the beginning of a name has nothing to refer to
  }

  /// A name within a function.
  bool local_name() {
    if (!name()) return false;
    {
      const Silence silence(*this);
      while (!take("E"))
        if (!type()) return false;
    }
    if (take("s")) return true;  // a string
    if (take("d")) {             // in an argument's default
      number();
      if (!take("_")) return false;
    }
    print("::");
    return name();
  }

  bool component() {
    (void)take("L");  // not seen from other files
    if (!component_without_tags()) return false;
    std::string_view tag;
    while (take("B"))
      if (!source_name(tag)) return false;
    return true;
  }

  bool component_without_tags() {
    if (is_digit(peek())) {
      if (!source_name(last_)) return false;
      print(last_.starts_with("_GLOBAL__N") ? "(anonymous namespace)" : last_);
      return true;
    }
    if (take("C")) {
      if (last_.empty() || !take_one_of("12345")) return false;
      print(last_);
      return true;
    }
    if (peek() == 'D' && rest_.size() > 1 && is_digit(rest_[1])) {
      if (last_.empty()) return false;
      rest_.remove_prefix(2);
      print("~");
      print(last_);
      return true;
    }
    if (take("Ut")) {
      print("{unnamed type}");
      number();
      return take("_");
    }
    if (take("Ul")) {
      print("{lambda}");
      const Silence silence(*this);
      while (!take("E"))
        if (!type()) return false;
      number();
      return take("_");
    }
    return operator_name();
  }

  bool operator_name() {
    if (take("li")) {
      std::string_view suffix;
      if (!source_name(suffix)) return false;
      print("operator\"\" ");
      print(suffix);
      return true;
    }
    if (take("cv")) {
      print("operator <type>");
      const Silence silence(*this);
      return type();
    }
    for (const auto& [code, symbol] : kOperators) {
      if (take(code)) {
        print("operator");
        print(symbol);
        return true;
      }
    }
    return false;
  }

  bool template_arguments() {
    const Level level(depth_);
    if (level.too_deep() || !take_one_of("IJ")) return false;
    print(out_.ends_with('<') ? " <...>" : "<...>");
    const Silence silence(*this);
    const std::string_view last = last_;  // that of the template: a constructor's name
    while (!take("E"))
      if (!template_argument()) return false;
    last_ = last;
    return true;
  }

  bool template_argument() {
    if (peek() == 'J') return template_arguments();  // a pack
    if (!take("L")) return type();
    if (take("_Z")) {  // a function or variable
      if (!name()) return false;
      while (!take("E"))
        if (!type()) return false;
      return true;
    }
    if (!type()) return false;
    while (take_one_of("n0123456789abcdef_")) {  // the value
    }
    return take("E");
  }

  /// Passes a type over. Silent already.
  bool type() {
    const Level level(depth_);
    if (level.too_deep()) return false;
    std::string_view ignored;
    while (take_one_of("rVKPROCG")) {
    }
    if (take_one_of("vwbcahstijlmxynofdegz")) return true;
    if (is_digit(peek()) || peek() == 'N' || peek() == 'Z') return name();
    if (take("S")) return substitution();
    if (take("T")) {
      if (take_one_of("sue")) return name();  // struct, union, enum
      number();
      return take("_") && (peek() != 'I' || template_arguments());
    }
    if (take("F")) {
      (void)take("Y");
      while (!take("E")) {
        (void)take_one_of("RO");
        if (take("E")) return true;
        if (!type()) return false;
      }
      return true;
    }
    if (take("A")) {
      number();
      return take("_") && type();
    }
    if (take("M")) return type() && type();
    if (take("U")) return source_name(ignored) && (peek() != 'I' || template_arguments()) && type();
    if (take("u")) return source_name(ignored) && (peek() != 'I' || template_arguments());
    if (take("D")) {
      if (take_one_of("defhisuacn")) return true;
      if (take("p") || take("o")) return type();
      if (take("v")) {
        number();
        return take("_") && type();
      }
      if (take("F")) {
        number();
        return take("_") || take("b");
      }
    }
    return false;  // expressions, decltype: too rare in a function's name
  }

  bool substitution() {
    if (take("t")) return component() && (peek() != 'I' || template_arguments());
    if (!take_one_of("abisod")) {
      while (take_one_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
      }
      if (!take("_")) return false;
    }
    return peek() != 'I' || template_arguments();
  }

  std::string_view rest_;
  std::string out_;
  std::string_view last_;  ///< the last component that is a name: what constructors are called
  bool silent_ = false;
  bool outgrown_ = false;
  int depth_ = 0;
};

}  // namespace

std::string demangle_cpp(std::string_view name) {
  if (!name.starts_with("_Z") || name.size() > kMaximumNameBytes) return "";
  return CppName(name.substr(2)).demangle();
}

std::string demangle(std::string_view name) {
  if (name.size() > kMaximumNameBytes) return "";
  if (name.starts_with("_R")) return demangle_rust(name);
  std::string text = demangle_rust_legacy(name);
  return text.empty() ? demangle_cpp(name) : text;
}

}  // namespace anew::wasm
