// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sets of proposals as text.
#include <fmt/format.h>

#include <algorithm>
#include <anew/features.hpp>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "runtime/near_match.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew {
namespace {

struct Preset {
  std::string_view name;
  Features features;
};
constexpr std::array<Preset, 5> kPresets = {{{"mvp", Features::mvp()},
                                             {"2.0", Features::wasm_2()},
                                             {"3.0", Features::wasm_3()},
                                             {"substrate", Features::substrate()},
                                             {"all", Features::all()}}};

std::optional<Features> find_preset(std::string_view name) {
  const auto* const found = std::ranges::find(kPresets, name, &Preset::name);
  return found == kPresets.end() ? std::nullopt : std::optional(found->features);
}

std::optional<Feature> find_proposal(std::string_view name) {
  const std::vector<Feature> proposals = Features::every().list();
  const auto found = std::ranges::find(proposals, name, [](Feature each) { return std::string_view(to_string(each)); });
  return found == proposals.end() ? std::nullopt : std::optional(*found);
}

std::unexpected<Error> refuse_name(std::string_view name) {
  std::vector<std::string_view> names;
  std::string known;
  const auto add = [&](std::string_view each, std::string_view separator) {
    known += fmt::format("{}{}", separator, each);
    names.push_back(each);
  };
  for (const Preset& each : kPresets) add(each.name, known.empty() ? "" : ", ");
  std::string_view separator = "; ";
  for (const Feature each : Features::every().list()) add(to_string(each), std::exchange(separator, ", "));
  return fail(ErrorCode::kArgument, fmt::format("\"{}\" is no set of features and no proposal; known are {}{}", name,
                                                known, detail::near_matches(name, names)));
}

Result<Features> parse_list(std::string_view list) {
  Features features = Features::all();
  bool first = true;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    std::string_view name = list.substr(0, comma);
    more = comma != list.npos;
    list.remove_prefix(more ? comma + 1 : list.size());
    const bool is_removed = name.starts_with('-');
    const bool has_sign = is_removed || name.starts_with('+');
    if (has_sign) name.remove_prefix(1);
    const std::optional<Features> preset = find_preset(name);
    const std::optional<Feature> proposal = find_proposal(name);
    if (!preset && !proposal) return refuse_name(name);
    if (first && !has_sign) {
      if (!preset) {
        return fail(
            ErrorCode::kArgument,
            fmt::format("\"{0}\" does not say what it is added to: write \"mvp,{0}\" or another set of features "
                        "before it, \"+{0}\" to add it to all, or \"-{0}\" to take it away",
                        name));
      }
      features = Features::mvp();
    }
    if (!is_removed)
      features = features.with(preset ? *preset : Features(*proposal));
    else if (proposal)
      features = features.without(*proposal);
    else
      for (const Feature each : preset->list()) features = features.without(each);
    first = false;
  }
  return features;
}

}  // namespace

Result<Features> Features::parse(std::string_view list) {
  return detail::without_exceptions("a list of features is read", [&] { return parse_list(list); });
}

}  // namespace anew
