// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds a JSON document of n records, prints it, parses it and prints it again (nlohmann::json).
#define JSON_NOEXCEPTION
#include <nlohmann/json.hpp>

extern "C" __attribute__((export_name("run"))) int run(int n) {
  nlohmann::json document;
  for (int i = 0; i < n; ++i) {
    document["records"].push_back({{"id", i},
                                   {"name", "record \"" + std::to_string(i) + "\""},
                                   {"weight", i * 0.125},
                                   {"tags", {"a", "b", std::to_string(i % 7)}},
                                   {"parent", nullptr},
                                   {"leaf", i % 2 == 0}});
  }
  const std::string text = document.dump();
  const std::string again = nlohmann::json::parse(text).dump(2);
  unsigned digest = text == nlohmann::json::parse(again).dump() ? 1 : 0;
  for (const char c : again) digest = digest * 31 + static_cast<unsigned char>(c);
  return static_cast<int>(digest);
}
