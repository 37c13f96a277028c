// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The component model's own test scripts, and those of wasm-tools, as far as they say which components are valid.
// scripts/fetch-component-scripts makes them into what is read here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "check.hpp"
#include "component/decoder.hpp"

namespace anew::component {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kScripts = fs::path(ANEW_SOURCE_DIR) / "build" / "component-scripts";

std::vector<std::byte> read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const auto* const bytes = reinterpret_cast<const std::byte*>(text.data());  // what std::byte may alias
  return {bytes, bytes + text.size()};
}

struct Counts {
  int accepted = 0;
  int refused = 0;
  int unsupported = 0;  ///< async, threads and so on, whatever the script says of them
};

/// What the scripts call invalid for a limit that is not the specification's: types that are large when they are
/// written out are compared without that. "script:line".
const std::set<std::string> kAcceptedHere = {"wasm-tools/very-nested:1781", "wasm-tools/very-nested:2545"};

/// Scripts of proposals that no engine option of Anew accepts, so that their modules are malformed.
const std::set<std::string> kNotApplicable = {"wasm-tools/custom-descriptors", "wasm-tools/custom-page-sizes",
                                              "wasm-tools/nested-names", "wasm-tools/shared-everything-threads/globals",
                                              "wasm-tools/shared-everything-threads/not-accepted"};

void run(const fs::path& script, Counts& counts) {
  std::ifstream stream(script);
  const Json json = Json::parse(stream);
  const std::string name = fs::relative(script.parent_path(), kScripts).string();
  if (kNotApplicable.contains(name)) return;
  for (const Json& command : json.at("commands")) {
    const std::string type = command.at("type");
    if (!command.contains("filename") || command.value("module_type", "binary") != "binary") continue;
    const std::vector<std::byte> bytes = read(script.parent_path() / command.at("filename").get<std::string>());
    if (!is_component(bytes) && type != "assert_malformed") continue;
    const std::string place = fmt::format("{}:{}", name, command.at("line").get<int>());
    const bool is_wrong = (type == "assert_invalid" || type == "assert_malformed") && !kAcceptedHere.contains(place);
    const Result<void> result = check(bytes);
    if (!result && result.error().code == ErrorCode::kUnsupported) {
      ++counts.unsupported;
      continue;
    }
    ++(result ? counts.accepted : counts.refused);
    EXPECT_NE(result.has_value(), is_wrong)
        << place << ": " << (result ? "accepted, but: " + command.value("text", "") : result.error().to_string());
  }
}

TEST(ComponentScripts, SayWhatWeSayOfWhatIsValid) {
  if (!fs::exists(kScripts)) GTEST_SKIP() << "no " << kScripts << ": run `scripts/fetch-component-scripts`";
  Counts counts;
  for (const auto& entry : fs::recursive_directory_iterator(kScripts))
    if (entry.path().filename() == "script.json") run(entry.path(), counts);
  fmt::print("accepted {}, refused {}, unsupported {}\n", counts.accepted, counts.refused, counts.unsupported);
  EXPECT_GT(counts.accepted, 300);
  EXPECT_GT(counts.refused, 300);
}

}  // namespace
}  // namespace anew::component
