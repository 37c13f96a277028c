// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components that were changed: what we say of them is what wasmparser says, the validator of wasm-tools and Wasmtime.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "binary_text.hpp"
#include "check.hpp"
#include "component/decoder.hpp"
#include "mutate.hpp"

namespace anew::component {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMutants = 20'000;
constexpr std::size_t kMostBytes = 6'000;  // of what is changed

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<std::string> components_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".wasm" && entry.file_size() < kMostBytes) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> found;
  for (const fs::path& each : files)
    if (std::string text = read(each); is_component(bytes(text))) found.push_back(std::move(text));
  return found;
}

/// wasmparser's answers, a line each: "ok" or what is wrong.
std::vector<std::string> answers(const fs::path& judge, const std::vector<std::string>& binaries) {
  const fs::path input = fs::temp_directory_path() / fmt::format("anew_mutants_{}", std::random_device()());
  std::ofstream stream(input, std::ios::binary);
  for (const std::string& each : binaries) {
    const auto size = static_cast<std::uint32_t>(each.size());         // some thousands
    stream.write(reinterpret_cast<const char*>(&size), sizeof(size));  // its bytes
    stream << each;
  }
  stream.close();
  std::vector<std::string> lines;
  FILE* const pipe = popen(fmt::format("'{}' < '{}'", judge.string(), input.string()).c_str(), "r");
  std::string line;
  for (int letter = std::fgetc(pipe); letter != EOF; letter = std::fgetc(pipe)) {
    if (letter == '\n')
      lines.push_back(std::exchange(line, {}));
    else
      line.push_back(static_cast<char>(letter));  // not EOF: a byte
  }
  EXPECT_EQ(pclose(pipe), 0);
  fs::remove(input);
  return lines;
}

/// What we accept otherwise, by design: types that are large when they are written out, and an export whose type says
/// that it is a resource of its own (Explainer.md, "Type Checking").
bool is_by_design(const std::string& theirs) {
  return theirs.find("effective type size exceeds the limit") != std::string::npos ||
         theirs.find("ascribed type of export is not compatible with item's type") != std::string::npos;
}

TEST(ComponentMutants, AreValidAsWasmparserSays) {
  const fs::path scripts = ANEW_SOURCE_DIR "/build/component-scripts";
  const fs::path judge = ANEW_SOURCE_DIR "/build/component-convert/debug/judge";
  if (!fs::exists(scripts) || !fs::exists(judge))
    GTEST_SKIP() << "no " << judge << ": run `scripts/fetch-component-scripts`";
  std::vector<std::string> components = components_below(scripts);
  for (std::string& each : components_below(ANEW_SOURCE_DIR "/tests/data/component"))
    components.push_back(std::move(each));
  ASSERT_GT(components.size(), 500);

  // Others for each change of the validator that is tested longer: ANEW_SEED=7 ANEW_MUTANTS=1000000.
  const char* const seed = std::getenv("ANEW_SEED");
  const char* const count = std::getenv("ANEW_MUTANTS");
  std::mt19937 random(seed != nullptr ? static_cast<unsigned>(std::atoi(seed)) : 1);
  const std::size_t wanted = count != nullptr ? static_cast<std::size_t>(std::atoll(count)) : kMutants;
  std::vector<std::string> mutants;
  while (mutants.size() < wanted) {
    const auto any = [&]() -> const std::string& { return components[random() % components.size()]; };
    std::string mutant = any();
    for (unsigned k = 0; k <= random() % 3; ++k) mutant = mutate(mutant, any(), random);
    mutants.push_back(std::move(mutant));
  }

  const std::vector<std::string> theirs = answers(judge, mutants);
  ASSERT_EQ(theirs.size(), mutants.size());
  std::size_t both_accept = 0;
  std::size_t both_refuse = 0;
  std::size_t unsupported = 0;
  std::size_t only_they_accept = 0;
  std::size_t only_we_accept = 0;
  for (std::size_t k = 0; k < mutants.size(); ++k) {
    const Result<void> ours = check(bytes(mutants[k]));
    const bool do_they = theirs[k] == "ok";
    if (!ours && ours.error().code == ErrorCode::kUnsupported)
      ++unsupported;
    else if (ours.has_value() == do_they)
      ++(do_they ? both_accept : both_refuse);
    else if (do_they)
      ++only_they_accept;
    else if (!is_by_design(theirs[k])) {
      ++only_we_accept;
      const fs::path kept = fs::temp_directory_path() / fmt::format("anew_mutant_{}.wasm", k);
      std::ofstream(kept, std::ios::binary) << mutants[k];
      ADD_FAILURE() << "accepted, but wasmparser says: " << theirs[k] << " (kept as " << kept << ")";
    }
  }
  fmt::print("of {} mutants both accept {} and refuse {}; {} need what is not supported; {} only wasmparser accepts\n",
             mutants.size(), both_accept, both_refuse, unsupported, only_they_accept);
  EXPECT_EQ(only_we_accept, 0);
  EXPECT_LT(only_they_accept, 1 + mutants.size() / 1000);
  EXPECT_GT(both_accept, mutants.size() / 50);
  EXPECT_GT(both_refuse, mutants.size() / 2);
}

}  // namespace
}  // namespace anew::component
