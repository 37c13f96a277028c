// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/features.hpp>
#include <array>
#include <optional>

namespace anew {
namespace {

constexpr std::array<const char*, kFeatures> kNames = {"mutable-global",
                                                       "saturating-float-to-int",
                                                       "sign-extension",
                                                       "multi-value",
                                                       "bulk-memory",
                                                       "reference-types",
                                                       "simd",
                                                       "tail-call",
                                                       "extended-const",
                                                       "function-references",
                                                       "gc",
                                                       "multi-memory",
                                                       "memory64",
                                                       "exceptions",
                                                       "relaxed-simd",
                                                       "threads"};

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
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Feature>(found - kNames.begin());  // its place is its number
}

std::unexpected<Error> refuse_name(std::string_view name) {
  std::string known;
  for (const Preset& each : kPresets) known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
  known += "; ";
  for (std::size_t i = 0; i < kFeatures; ++i) known += fmt::format("{}{}", i == 0 ? "" : ", ", kNames[i]);
  return fail(ErrorCode::kArgument,
              fmt::format("\"{}\" is no set of features and no proposal; known are {}", name, known));
}

}  // namespace

const char* to_string(Feature feature) noexcept { return kNames[static_cast<std::size_t>(feature)]; }

std::vector<Feature> Features::list() const {
  std::vector<Feature> members;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const auto each = static_cast<Feature>(i);  // below kFeatures
    if (has(each)) members.push_back(each);
  }
  return members;
}

Result<Features> Features::parse(std::string_view list) {
  Features features = all();
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
      features = mvp();
    }
    if (!is_removed) {
      features = features.with(preset ? *preset : Features(*proposal));
    } else if (proposal) {
      features = features.without(*proposal);
    } else {
      for (const Feature each : preset->list()) features = features.without(each);
    }
    first = false;
  }
  return features;
}

}  // namespace anew
