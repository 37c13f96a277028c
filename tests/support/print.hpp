// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How GoogleTest shows parameters, and names the tests of them: by name. What it knows no name of, it would show as raw
// bytes, and number.
#pragma once

#include <gtest/gtest.h>

#include <anew/engine.hpp>
#include <anew/value.hpp>
#include <cctype>
#include <ostream>
#include <string>

// GoogleTest finds these by argument-dependent lookup, and prescribes their name.
namespace anew {

inline void PrintTo(ValueType type, std::ostream* out) { *out << to_string(type); }
inline void PrintTo(Ledger ledger, std::ostream* out) { *out << to_string(ledger); }

}  // namespace anew

namespace anew::test {

/// A test's name from what is printed of its parameter: words with _ between them, and numbers with their sign.
template <typename T>
std::string name_of(const testing::TestParamInfo<T>& info) {
  std::string name;
  for (const char c : testing::PrintToString(info.param)) {
    const bool is_word = std::isalnum(static_cast<unsigned char>(c)) != 0;
    const bool is_sign = c == '-' && (name.empty() || name.back() == '_');
    if (is_word) name += c;
    if (is_sign) name += "minus";
    if (!is_word && !name.empty() && name.back() != '_') name += '_';
  }
  if (name.ends_with('_')) name.pop_back();
  return name;
}

/// Of a parameter that says whether bounds are explicit.
inline std::string bounds_name(bool explicit_bounds) { return explicit_bounds ? "explicit_bounds" : "guard"; }

}  // namespace anew::test
