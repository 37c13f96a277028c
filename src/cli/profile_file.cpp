// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/profile_file.hpp"

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace anew::cli {

std::string profile_text(const detail::Profile& profile) {
  using nlohmann::ordered_json;
  ordered_json nodes = ordered_json::array();
  // Numbers of nodes begin at 1; lines at 0.
  for (std::size_t i = 0; i < profile.nodes.size(); ++i) {
    const detail::Profile::Node& node = profile.nodes[i];
    const std::int64_t line = std::int64_t{node.function.source_line} - 1;
    nodes.push_back({{"id", i + 1},
                     {"callFrame",
                      {{"functionName", node.function.name},
                       {"scriptId", "0"},
                       {"url", node.function.source_file},
                       {"lineNumber", line},
                       {"columnNumber", line < 0 ? -1 : 0}}},
                     {"hitCount", node.hits},
                     {"children", ordered_json::array()}});
    if (i > 0) nodes[node.parent]["children"].push_back(i + 1);
  }
  ordered_json samples = ordered_json::array();
  ordered_json deltas = ordered_json::array();
  std::chrono::microseconds before{};
  for (const detail::Profile::Sample& sample : profile.samples) {
    samples.push_back(sample.node + 1);
    deltas.push_back((sample.time - before).count());
    before = sample.time;
  }
  const ordered_json object = {{"nodes", std::move(nodes)},
                               {"startTime", 0},
                               {"endTime", profile.duration.count()},
                               {"samples", std::move(samples)},
                               {"timeDeltas", std::move(deltas)}};
  return object.dump(-1, ' ', true, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace anew::cli
