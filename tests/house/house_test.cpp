// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rules that hold for the sources as a whole: which folder may include which, who may name the operating system, and
// the licence line of every file.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// docs/architecture.md, "The house": each folder may include only those before it, and itself.
constexpr std::array<std::string_view, 15> kFolders = {
    "anew",           "anew/substrate", "os",       "wasm",    "abi",   "codegen",
    "codegen/quick",  "codegen/llvm",   "artifact", "runtime", "reset", "pool",
    "host/substrate", "host/wasi",      "cli"};

/// Folders that no order forbids, but that the format must not depend on.
constexpr std::array<std::string_view, 2> kForbiddenToWasm = {"os", "llvm"};

/// Headers by which a source names an operating system. Only src/os may.
constexpr std::array<std::string_view, 10> kSystemHeaders = {
    "unistd.h", "fcntl.h", "signal.h", "csignal", "pthread.h", "sys/", "ucontext.h", "dlfcn.h", "linux/", "sched.h"};

std::string folder_of(const fs::path& path) { return path.parent_path().generic_string(); }

std::optional<std::size_t> place_of(std::string_view folder) {
  const auto* found = std::find(kFolders.begin(), kFolders.end(), folder);
  if (found == kFolders.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kFolders.begin());
}

/// What is wrong with a file in `folder` including `header` ("os/file.hpp", "anew/pool.hpp", "vector"); empty: nothing.
std::string violation(std::string_view folder, const std::string& header) {
  if (folder != "os") {
    for (const std::string_view system : kSystemHeaders) {
      if (header == system || (system.ends_with('/') && header.starts_with(system))) {
        return header + " names an operating system; only src/os may";
      }
    }
  }
  if (folder == "wasm") {
    for (const std::string_view forbidden : kForbiddenToWasm) {
      if (header.starts_with(std::string(forbidden) + "/")) return "wasm may not include " + header;
    }
  }
  const auto own = place_of(folder);
  if (!own) return "the folder is not in the list";
  const auto other = place_of(folder_of(header));
  if (other && *other > *own) return std::string(folder) + " may not include " + header + ": it points upwards";
  return {};
}

std::vector<fs::path> sources(const fs::path& root) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp" || extension == ".S") paths.push_back(entry.path());
  }
  return paths;
}

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<std::string> includes(const std::string& text) {
  static const std::regex kInclude(R"re(^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"])re", std::regex::multiline);
  std::vector<std::string> headers;
  for (std::sregex_iterator match(text.begin(), text.end(), kInclude), end; match != end; ++match) {
    headers.push_back((*match)[1]);
  }
  return headers;
}

const fs::path kRoot = ANEW_SOURCE_DIR;

TEST(IncludeDirection, PointsFromEachFolderToThoseBeforeItOnly) {
  std::size_t checked = 0;
  for (const char* const base : {"src", "include"}) {
    for (const fs::path& path : sources(kRoot / base)) {
      const std::string folder = folder_of(path.lexically_relative(kRoot / base));
      for (const std::string& header : includes(read(path))) {
        EXPECT_EQ(violation(folder, header), "") << path;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 100u) << "the sources were not found";
}

TEST(IncludeDirection, RefusesWhatPointsUpwards) {
  EXPECT_NE(violation("wasm", "codegen/image.hpp"), "");
  EXPECT_NE(violation("anew", "os/file.hpp"), "");
  EXPECT_NE(violation("codegen", "codegen/quick/quick_compiler.hpp"), "");
  EXPECT_NE(violation("wasm", "os/file.hpp"), "");
  EXPECT_NE(violation("runtime", "sys/mman.h"), "");
  EXPECT_NE(violation("somewhere", "vector"), "");
}

TEST(IncludeDirection, AllowsWhatPointsDownwards) {
  EXPECT_EQ(violation("cli", "pool/pool_state.hpp"), "");
  EXPECT_EQ(violation("codegen/quick", "codegen/image.hpp"), "");
  EXPECT_EQ(violation("os", "sys/mman.h"), "");
  EXPECT_EQ(violation("wasm", "anew/error.hpp"), "");
}

TEST(IncludeDirection, SeesEveryFormOfInclude) {
  const std::vector<std::string> expected = {"a/b.hpp", "vector", "c.hpp"};
  EXPECT_EQ(includes("#include \"a/b.hpp\"\n  # include <vector>\n// #include \"no.hpp\"\n#include\t\"c.hpp\"\n"),
            expected);
}

TEST(LicenceLine, StandsAtTheTopOfEverySource) {
  constexpr std::string_view kLine = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception";
  std::size_t checked = 0;
  for (const char* const base : {"src", "include", "tests", "bench", "examples", "scripts", "cmake"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / base)) {
      // Binaries and what cargo writes have no place for it.
      const fs::path extension = entry.path().extension();
      if (!entry.is_regular_file() || extension == ".wasm" || extension == ".anew" || extension == ".lock") continue;
      const std::string text = read(entry.path());
      EXPECT_LT(text.find(kLine), 100u) << entry.path() << " lacks its licence line";
      ++checked;
    }
  }
  EXPECT_GT(checked, 50u) << "the sources were not found";
}

TEST(Guarantees, NameTestsThatExist) {
  std::string tests;
  for (const fs::path& path : sources(kRoot / "tests")) tests += read(path);
  const std::string text = read(kRoot / "docs" / "guarantees.md");
  static const std::regex kName("`([A-Z][A-Za-z]+)\\.([A-Z][A-Za-z0-9]+)`");
  std::size_t checked = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), kName), end; match != end; ++match) {
    EXPECT_NE(tests.find("(" + (*match)[1].str() + ", " + (*match)[2].str() + ")"), std::string::npos)
        << "there is no test " << (*match)[0];
    ++checked;
  }
  EXPECT_GT(checked, 10u);
}

}  // namespace
