// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts the dates and addresses in a text of n lines with std::regex: virtual calls, allocation, backtracking.
#include <regex>
#include <string>

extern "C" __attribute__((export_name("run"))) int run(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) {
    text +=
        "On " + std::to_string(1990 + i % 40) + "-" + std::to_string(10 + i % 3) + "-" + std::to_string(10 + i % 20);
    text += " user" + std::to_string(i) + "@example" + std::to_string(i % 5) + ".org wrote line " + std::to_string(i) +
            ";\n";
  }
  const std::regex pattern("([0-9]{4})-([0-9]{2})-([0-9]{2})|([a-z0-9]+)@([a-z0-9]+)\\.(org|com)");
  int digest = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    digest = digest * 31 + static_cast<int>(match->position(0)) + static_cast<int>(match->length(0));
  return digest;
}
