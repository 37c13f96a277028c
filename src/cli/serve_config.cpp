// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/serve_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/output.hpp"
#include "os/file.hpp"
#include "os/try.hpp"

namespace anew::cli {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMostBytes = 16 << 20;
constexpr std::array kKeys = {"file",       "host",          "path",         "dir",          "dir-read-only", "env",
                              "allow-host", "allow-address", "allow-listen", "allow-lookup", "warm-up"};

/// Reads one configuration, and says where in it something is wrong.
class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file), folder_(std::filesystem::path(file).parent_path()) {}

  Result<std::vector<ConfiguredRoute>> read(const Served& common) {
    const auto bytes = TRY(os::read_file(file_, kMostBytes));
    const Json config = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (config.is_discarded()) return wrong("it is no JSON");
    if (!config.is_object() || config.size() != 1 || !config.contains("routes") || !config["routes"].is_array())
      return wrong("it is to be {\"routes\": [...]}");
    std::vector<ConfiguredRoute> routes;
    for (const Json& each : config["routes"]) {
      place_ = fmt::format("route {}: ", routes.size() + 1);
      routes.push_back(TRY(read_route(each, common)));
    }
    place_.clear();
    if (routes.empty()) return wrong("it has no routes");
    return routes;
  }

 private:
  Result<ConfiguredRoute> read_route(const Json& json, const Served& common) {
    if (!json.is_object()) return wrong("it is no object");
    for (const auto& [key, value] : json.items())
      if (std::ranges::find(kKeys, key) == kKeys.end())
        return wrong(fmt::format("\"{}\" is not known: there are {}", printable(key), fmt::join(kKeys, ", ")));
    ConfiguredRoute route;
    route.served = common;
    TRY(read_text(json, "host", route.host));
    TRY(read_text(json, "path", route.path));
    TRY(read_text(json, "file", route.served.file));
    if (route.served.file.empty()) return wrong("it has no \"file\"");
    route.served.file = (folder_ / route.served.file).string();
    TRY(read_texts(json, "dir", route.served.wasi.directories, true));
    TRY(read_texts(json, "dir-read-only", route.served.wasi.read_only_directories, true));
    TRY(read_texts(json, "env", route.served.wasi.environment, false));
    TRY(read_texts(json, "allow-host", route.served.wasi.allowed_hosts, false));
    TRY(read_texts(json, "allow-address", route.served.wasi.network.connect, false));
    TRY(read_texts(json, "allow-listen", route.served.wasi.network.listen, false));
    TRY(read_texts(json, "allow-lookup", route.served.wasi.network.look_up, false));
    TRY(read_texts(json, "warm-up", route.served.warm_up, false));
    return route;
  }
  Result<void> read_text(const Json& json, const char* key, std::string& text) {
    if (!json.contains(key)) return {};
    if (!json[key].is_string()) return wrong(fmt::format("\"{}\" is no text", key));
    text = json[key].get<std::string>();
    return {};
  }
  /// @param are_paths  of directories: "HOST[::GUEST]"; the guest finds it as it is written here.
  Result<void> read_texts(const Json& json, const char* key, std::vector<std::string>& texts, bool are_paths) {
    if (!json.contains(key)) return {};
    if (!json[key].is_array()) return wrong(fmt::format("\"{}\" is no list", key));
    for (const Json& each : json[key]) {
      if (!each.is_string()) return wrong(fmt::format("\"{}\" has something that is no text", key));
      std::string text = each.get<std::string>();
      if (are_paths) {
        const std::size_t separator = text.find("::");
        const std::string host = text.substr(0, separator);
        const std::string guest = separator == std::string::npos ? host : text.substr(separator + 2);
        text = fmt::format("{}::{}", (folder_ / host).string(), guest);
      }
      texts.push_back(std::move(text));
    }
    return {};
  }
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorCode::kArgument, fmt::format("{}: {}{}", printable(file_), place_, what));
  }

  const std::string& file_;
  const std::filesystem::path folder_;
  std::string place_;
};

}  // namespace

Result<std::vector<ConfiguredRoute>> read_serve_config(const std::string& file, const Served& common) {
  return Reader(file).read(common);
}

}  // namespace anew::cli
