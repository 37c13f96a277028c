// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mutate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "binary_text.hpp"

namespace anew::component {
namespace {

constexpr std::size_t kHeader = 8;
constexpr unsigned kCustom = 0;
constexpr unsigned kCoreModule = 1;
constexpr unsigned kComponent = 4;

struct Section {
  unsigned id;
  std::string payload;
};

/// Those before the first that is cut off.
std::vector<Section> sections(std::string_view component) {
  std::vector<Section> found;
  std::size_t at = std::min(kHeader, component.size());
  while (at < component.size()) {
    const unsigned id = static_cast<unsigned char>(component[at++]);
    std::size_t size = 0;
    for (unsigned shift = 0; at < component.size() && shift < 32; shift += 7) {
      const auto part = static_cast<unsigned char>(component[at++]);
      size |= static_cast<std::size_t>(part & 0x7F) << shift;
      if (part < 0x80) break;
    }
    if (size > component.size() - at) break;
    found.push_back({id, std::string(component.substr(at, size))});
    at += size;
  }
  return found;
}

std::string whole(const std::vector<Section>& all) {
  std::string text;
  for (const Section& each : all) text += section(each.id, each.payload);
  return component(text);
}

/// What stands in components for something: small indices, types, sorts, letters of names.
constexpr std::string_view kTelling(
    "\0\1\2\3\4\5\6\7\x10\x11\x12\x3F\x40\x41\x42\x50\x60\x68\x69\x6A\x6B\x6D\x6E\x6F\x70\x71\x72\x73"
    "\x79\x7D\x7F"
    "abAB-09.:/@[]",
    44);

class Mutation {
 public:
  explicit Mutation(std::mt19937& random) : random_(&random) {}

  std::string component(std::string_view text, std::string_view other, int depth) {
    std::vector<Section> all = sections(text);
    std::vector<std::size_t> candidates;  // core modules have fuzzers of their own
    for (std::size_t k = 0; k < all.size(); ++k)
      if (all[k].id != kCustom && all[k].id != kCoreModule && !all[k].payload.empty()) candidates.push_back(k);
    if (candidates.empty()) return std::string(text);
    const std::size_t at = candidates[below(candidates.size())];
    Section& section = all[at];
    const std::size_t way = below(100);
    if (section.id == kComponent && depth < 3 && way < 90) {
      section.payload = component(section.payload, other, depth + 1);
    } else if (way < 75) {
      for (std::size_t k = 0; k <= below(2); ++k) change(section.payload);
    } else if (way < 80) {
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (way < 85) {
      const Section copy = section;
      insert(all, copy);
    } else if (way < 92) {
      std::swap(section, all[below(all.size())]);
    } else if (way < 96) {
      const std::vector<Section> others = sections(other);
      if (!others.empty()) insert(all, others[below(others.size())]);
    } else {
      const auto place = section.payload.begin() + static_cast<std::ptrdiff_t>(below(section.payload.size()));
      if (below(2) == 0)
        section.payload.erase(place);
      else
        section.payload.insert(place, kTelling[below(kTelling.size())]);
    }
    return whole(all);
  }

 private:
  std::size_t below(std::size_t most) { return (*random_)() % most; }

  void insert(std::vector<Section>& all, const Section& section) {
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(below(all.size() + 1)), section);
  }

  void change(std::string& payload) {
    char& byte = payload[below(payload.size())];
    switch (below(6)) {
      case 0: ++byte; break;
      case 1: --byte; break;
      case 2: byte = payload[below(payload.size())]; break;
      default: byte = kTelling[below(kTelling.size())]; break;
    }
  }

  std::mt19937* random_;  ///< the caller's
};

}  // namespace

std::string mutate(std::string_view component, std::string_view other, std::mt19937& random) {
  return Mutation(random).component(component, other, 0);
}

}  // namespace anew::component
