// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/output.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace anew::cli {

std::string printable_lines(std::string_view text) {
  std::string safe;
  for (;;) {
    const std::size_t end = text.find('\n');
    safe += printable(text.substr(0, end));
    if (end == text.npos) return safe;
    safe += '\n';
    text.remove_prefix(end + 1);
  }
}

void print_json(const nlohmann::ordered_json& object) {
  using nlohmann::ordered_json;
  constexpr bool kOnlyAscii = true;  // JSON itself would let pass what turns the direction of a terminal's text
  fmt::print("{}\n", object.dump(-1, ' ', kOnlyAscii, ordered_json::error_handler_t::replace));
}

}  // namespace anew::cli
