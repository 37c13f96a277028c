// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rules that hold for the sources as a whole: which folder may include which, who may name the operating system and who
// the processor, and the licence line of every file.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// docs/architecture.md, "The house": each folder may include only those before it, and itself.
constexpr std::array<std::string_view, 19> kFolders = {
    "anew",    "os",    "wasm", "abi",       "codegen", "codegen/quick",  "codegen/llvm", "artifact", "tier", "debug",
    "runtime", "reset", "pool", "component", "c",       "host/substrate", "host/wasi",    "serve",    "cli"};

/// Folders that are one with another for this order. Of the public headers one that speaks for a group includes the
/// group's; abi/processor.hpp includes what the processor's folder has, as the quick tier does of its own.
struct Group {
  std::string_view folder, of;
};
constexpr std::array<Group, 5> kGroups = {{{"anew/substrate", "anew"},
                                           {"anew/component", "anew"},
                                           {"os/sandbox", "os"},
                                           {"abi/x86_64", "abi"},
                                           {"codegen/quick/x86_64", "codegen/quick"}}};

/// Who may know the processor: its folder, those who speak for it, and what is the processor's in a tier.
constexpr std::string_view kProcessorFolder = "abi/x86_64";
constexpr std::array<std::string_view, 4> kKnowTheProcessor = {kProcessorFolder, "abi", "codegen/quick/x86_64",
                                                               "codegen/llvm"};
/// Headers by which a source names a processor. Only its folder may; tiers have an assembler instead.
constexpr std::array<std::string_view, 5> kProcessorHeaders = {"immintrin.h", "emmintrin.h", "xmmintrin.h",
                                                               "x86intrin.h", "cpuid.h"};

/// Folders that no order forbids, but that the format must not depend on.
constexpr std::array<std::string_view, 2> kForbiddenToWasm = {"os", "llvm"};

/// Headers by which a source names an operating system. Only src/os may.
constexpr std::array<std::string_view, 10> kSystemHeaders = {
    "unistd.h", "fcntl.h", "signal.h", "csignal", "pthread.h", "sys/", "ucontext.h", "dlfcn.h", "linux/", "sched.h"};

std::string folder_of(const fs::path& path) { return path.parent_path().generic_string(); }

std::optional<std::size_t> place_of(std::string_view folder) {
  for (const Group& group : kGroups)
    if (folder == group.folder) folder = group.of;
  const auto* found = std::find(kFolders.begin(), kFolders.end(), folder);
  if (found == kFolders.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kFolders.begin());
}

/// What is wrong with a file in `folder` including `header` ("os/file.hpp", "anew/pool.hpp", "vector"); empty: nothing.
std::string violation(std::string_view folder, const std::string& header) {
  if (folder != "os" && folder != "os/sandbox") {
    for (const std::string_view system : kSystemHeaders)
      if (header == system || (system.ends_with('/') && header.starts_with(system)))
        return header + " names an operating system; only src/os may";
  }
  if (folder != kProcessorFolder && std::ranges::find(kProcessorHeaders, header) != kProcessorHeaders.end())
    return header + " names a processor; only the processor's folder may";
  if (folder_of(header) == kProcessorFolder && std::ranges::find(kKnowTheProcessor, folder) == kKnowTheProcessor.end())
    return header + " is the processor's; include abi/processor.hpp";
  if (folder == "wasm") {
    for (const std::string_view forbidden : kForbiddenToWasm)
      if (header.starts_with(std::string(forbidden) + "/")) return "wasm may not include " + header;
  }
  const auto own = place_of(folder);
  if (!own) return "the folder is not in the list";
  const auto other = place_of(folder_of(header));
  const bool is_neighbour = folder.starts_with("host/") && header.starts_with("host/") && folder != folder_of(header);
  if (is_neighbour) return std::string(folder) + " may not include " + header + ": they stand side by side";
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
  for (std::sregex_iterator match(text.begin(), text.end(), kInclude), end; match != end; ++match)
    headers.push_back((*match)[1]);
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
  EXPECT_NE(violation("codegen/quick", "codegen/llvm/unit.hpp"), "");
  EXPECT_NE(violation("codegen/llvm", "artifact/artifact.hpp"), "");
  EXPECT_NE(violation("tier", "runtime/tiers.hpp"), "");
  EXPECT_NE(violation("wasm", "os/file.hpp"), "");
  EXPECT_NE(violation("runtime", "sys/mman.h"), "");
  EXPECT_NE(violation("abi/x86_64", "codegen/image.hpp"), "");
  EXPECT_NE(violation("runtime", "abi/x86_64/frame.hpp"), "");
  EXPECT_NE(violation("codegen/quick", "abi/x86_64/convention.hpp"), "");
  EXPECT_NE(violation("reset", "emmintrin.h"), "");
  EXPECT_NE(violation("host/wasi", "sys/mman.h"), "");
  EXPECT_NE(violation("host/wasi", "host/substrate/hex.hpp"), "");
  EXPECT_NE(violation("host/substrate", "host/wasi/sandbox.hpp"), "");
  EXPECT_NE(violation("host/wasi", "serve/server.hpp"), "");
  EXPECT_NE(violation("somewhere", "vector"), "");
}

TEST(IncludeDirection, AllowsWhatPointsDownwards) {
  EXPECT_EQ(violation("cli", "pool/pool_state.hpp"), "");
  EXPECT_EQ(violation("codegen/quick", "codegen/image.hpp"), "");
  EXPECT_EQ(violation("codegen/quick/x86_64", "codegen/quick/blocks.hpp"), "");
  EXPECT_EQ(violation("tier", "codegen/llvm/protocol.hpp"), "");
  EXPECT_EQ(violation("os", "sys/mman.h"), "");
  EXPECT_EQ(violation("abi/x86_64", "abi/cell.hpp"), "");
  EXPECT_EQ(violation("abi", "abi/x86_64/frame.hpp"), "");
  EXPECT_EQ(violation("codegen/quick/x86_64", "abi/x86_64/convention.hpp"), "");
  EXPECT_EQ(violation("wasm", "anew/error.hpp"), "");
}

TEST(IncludeDirection, SeesEveryFormOfInclude) {
  const std::vector<std::string> expected = {"a/b.hpp", "vector", "c.hpp"};
  EXPECT_EQ(includes("#include \"a/b.hpp\"\n  # include <vector>\n// #include \"no.hpp\"\n#include\t\"c.hpp\"\n"),
            expected);
}

/// Those of x86-64's registers that no other word is named like.
const std::regex kRegister(R"re(\b(r[abcd]x|e[abcd]x|r[sd]i|r[sb]p|rip|r8d?|r9d?|r1[0-5]d?|[xyz]mm\d*|mxcsr)\b)re",
                           std::regex::icase);

TEST(Processor, IsKnownToItsFolderAndToThoseOfTiersOnly) {
  std::size_t checked = 0;
  for (const fs::path& path : sources(kRoot / "src")) {
    const std::string folder = folder_of(path.lexically_relative(kRoot / "src"));
    if (folder == kProcessorFolder || folder == "codegen/quick/x86_64" || folder == "os")
      continue;  // where the system has them
    const std::string text = read(path);
    std::smatch found;
    EXPECT_FALSE(std::regex_search(text, found, kRegister)) << path << " names the register " << found[0];
    ++checked;
  }
  EXPECT_GT(checked, 100u) << "the sources were not found";
  EXPECT_TRUE(std::regex_search(std::string("mov r13, [rbp - 40]"), kRegister));
}

TEST(QuickTier, NamesInstructionsInItsTargetsFolderOnly) {
  const std::regex assembler(R"re(\bx86\b|\basmjit\b|\ba_\.|\b(cell_field|gp|gp32|gp64|xmm|Gp|Xmm|InstId)\b)re");
  std::size_t checked = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "src/codegen/quick")) {
    // compile.cpp hands the assembler the memory that it writes to.
    if (!entry.is_regular_file() || entry.path().filename() == "compile.cpp") continue;
    std::istringstream lines(read(entry.path()));
    for (std::string line; std::getline(lines, line);) {
      std::smatch found;
      const std::string code = line.substr(0, line.find("//"));
      EXPECT_FALSE(std::regex_search(code, found, assembler)) << entry.path() << ": " << line;
    }
    ++checked;
  }
  EXPECT_GT(checked, 8u) << "the sources were not found";
}

/// Headers that only these files, or those in these folders, may include: what they bring belongs to one library, or
/// takes seconds to compile.
struct Confined {
  std::string_view header;  ///< or what it begins with
  std::vector<std::string_view> places;
};
const std::vector<Confined> kConfined = {
    {"anew/substrate", {"include/anew/substrate", "src/host/substrate/", "src/cli/"}},
    {"host/substrate/", {"src/host/substrate/", "src/cli/"}},
    {"anew/wasi", {"include/anew/wasi_http.hpp", "src/host/wasi/", "src/cli/", "src/serve/"}},
    {"os/sandbox/", {"src/os/sandbox/", "src/host/wasi/", "src/serve/"}},
    {"botan/", {"src/host/substrate/"}},
    {"secp256k1", {"src/host/substrate/"}},
    {"zstd.h", {"src/host/substrate/"}},
    {"nlohmann/json.hpp", {"src/host/substrate/", "src/serve/", "src/cli/"}},
    {"asmjit/x86.h", {"src/codegen/quick/"}},
    {"llvm/", {"src/codegen/llvm/"}},
    {"wabt/", {"src/cli/wat.cpp"}},
    {"CLI/", {"src/cli/command_line.cpp"}},
    {"boost/", {"src/serve/"}},
};

TEST(ConfinedHeaders, AreIncludedWhereTheyBelongOnly) {
  std::set<std::string_view> seen;
  for (const char* const base : {"src", "include"}) {
    for (const fs::path& path : sources(kRoot / base)) {
      const std::string file = path.lexically_relative(kRoot).generic_string();
      for (const std::string& header : includes(read(path))) {
        for (const Confined& confined : kConfined) {
          if (!header.starts_with(confined.header)) continue;
          seen.insert(confined.header);
          EXPECT_TRUE(std::ranges::any_of(confined.places, [&](auto place) { return file.starts_with(place); }))
              << file << " may not include " << header;
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), kConfined.size()) << "a header that nobody includes is confined";
}

/// Adds a header that is included, "wasm/module.hpp" or "anew/error.hpp", and all that it includes; of src, with the
/// sources in its folder, which hold what it declares.
void add_reachable(const std::string& header, std::set<fs::path>& reached) {
  const bool is_public = header.starts_with("anew/");
  const fs::path path = kRoot / (is_public ? "include" : "src") / header;
  if (!fs::exists(path) || reached.contains(path)) return;
  std::vector<fs::path> together = {path};
  if (!is_public) {
    for (const auto& entry : fs::directory_iterator(path.parent_path()))
      if (entry.is_regular_file()) together.push_back(entry.path());
  }
  reached.insert(together.begin(), together.end());
  for (const fs::path& each : together)
    for (const std::string& included : includes(read(each))) add_reachable(included, reached);
}

TEST(CodeVersion, CoversAllThatDecidesTheCodeOrIsTrustedWithIt) {
  std::set<fs::path> reached;
  add_reachable("codegen/image.hpp", reached);
  add_reachable("codegen/quick/quick_compiler.hpp", reached);
  add_reachable("artifact/artifact.hpp", reached);
  EXPECT_GT(reached.size(), 60u) << "the sources were not found";
  EXPECT_TRUE(reached.contains(kRoot / "src/wasm/validator.cpp") && reached.contains(kRoot / "include/anew/error.hpp"));

  // The patterns of CMakeLists.txt: a file, a folder's "*", or a folder's "*.?pp".
  std::smatch list;
  const std::string text = read(kRoot / "CMakeLists.txt");
  ASSERT_TRUE(std::regex_search(text, list, std::regex(R"re(set\(ANEW_CODE_SOURCES\s+([^)]*)\))re")));
  std::set<std::string> patterns;
  std::istringstream words(list[1]);
  for (std::string word; words >> word;) patterns.insert(word);
  for (const fs::path& path : reached) {
    const fs::path file = path.lexically_relative(kRoot);
    const std::string folder = folder_of(file);
    const bool is_source = file.extension() == ".cpp" || file.extension() == ".hpp";
    EXPECT_TRUE(patterns.contains(file.generic_string()) || patterns.contains(folder + "/*") ||
                (is_source && patterns.contains(folder + "/*.?pp")))
        << file << " decides what compiled code is or how it is read, and is not in ANEW_CODE_SOURCES";
  }
}

TEST(LicenceLine, StandsAtTheTopOfEverySource) {
  constexpr std::string_view kLine = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception";
  std::size_t checked = 0;
  for (const char* const base : {"src", "include", "tests", "bench", "bindings", "examples", "scripts", "cmake"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / base)) {
      // Binaries, what cargo writes and what Debian's tools read have no place for it.
      const fs::path extension = entry.path().extension();
      if (!entry.is_regular_file() || extension == ".wasm" || extension == ".anew" || extension == ".lock" ||
          extension == ".hex" || extension == ".debug_line" || entry.path().parent_path() == kRoot / "cmake/debian") {
        continue;
      }
      const std::string text = read(entry.path());
      EXPECT_LT(text.find(kLine), 100u) << entry.path() << " lacks its licence line";
      ++checked;
    }
  }
  EXPECT_GT(checked, 50u) << "the sources were not found";
}

/// All matches of a pattern in a text.
std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

TEST(HostFunctionTable, ListsWhatIsDefinedAndNothingElse) {
  std::set<std::string> defined;
  for (const auto& entry : fs::directory_iterator(kRoot / "src/host/substrate")) {
    const std::string text = read(entry.path());
    for (const auto& match : matches(text, std::regex(R"re("(ext_\w+_version_\d+)")re"))) defined.insert(match[1]);
  }
  EXPECT_GT(defined.size(), 90u) << "the sources were not found";

  std::set<std::string> done;
  std::size_t refused = 0;
  const std::string table = read(kRoot / "docs/host-functions.md");
  for (const auto& row : matches(table, std::regex(R"re(\| `(ext_\w+)` \| ([\d, ]+) \| (done|no) \| (.*) ?\|)re"))) {
    const std::string versions = row[2];
    for (const auto& version : matches(versions, std::regex(R"re(\d+)re"))) {
      const std::string name = row[1].str() + "_version_" + version.str();
      if (row[3] == "done") {
        EXPECT_TRUE(done.insert(name).second) << name << " is there twice";
      } else {
        EXPECT_FALSE(defined.contains(name)) << name;
        EXPECT_GT(row[4].length(), 5) << "why is " << name << " not done?";
        ++refused;
      }
    }
  }
  EXPECT_EQ(done, defined);
  EXPECT_GT(refused, 10u);
}

/// The host functions that the source of sp-io defines: `ext_`, the trait's name, the function's and its version, which
/// an attribute says unless it is 1.
std::set<std::string> functions_of_sp_io(const std::string& source) {
  std::set<std::string> functions;
  std::string interface;  // empty: not in one
  std::string version = "1";
  bool is_interface = false;
  std::istringstream lines(source);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("#[runtime_interface")) {
      is_interface = true;
    } else if (is_interface && std::regex_search(line, match, std::regex(R"re(^pub trait (\w+))re"))) {
      for (const char c : match[1].str()) {
        if (std::isupper(static_cast<unsigned char>(c)) != 0 && !interface.empty()) interface += '_';
        interface += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      is_interface = false;
    } else if (line == "}") {
      interface.clear();
    } else if (std::regex_search(line, match, std::regex(R"re(^\t#\[version\((\d+))re"))) {
      version = match[1];
    } else if (!interface.empty() && std::regex_search(line, match, std::regex(R"re(^\tfn (\w+)\()re"))) {
      functions.insert("ext_" + interface + "_" + match[1].str() + "_version_" + version);
      version = "1";
    }
  }
  return functions;
}

TEST(HostFunctionTable, NamesAllThatSubstrateHas) {
  const fs::path source = fs::path(ANEW_BINARY_DIR) / "sp-io" / "sp-io-49.0.0" / "src" / "lib.rs";
  if (!fs::exists(source)) GTEST_SKIP() << "fetched with -DANEW_BUILD_SPEC=ON only";
  const std::set<std::string> functions = functions_of_sp_io(read(source));
  EXPECT_GT(functions.size(), 110u) << "they were not found";
  EXPECT_TRUE(functions.contains("ext_default_child_storage_storage_kill_version_4"));

  std::set<std::string> listed;
  const std::string table = read(kRoot / "docs/host-functions.md");
  for (const auto& row : matches(table, std::regex(R"re(\| `(ext_\w+)` \| ([\d, ]+) \|)re"))) {
    const std::string versions = row[2];
    for (const auto& version : matches(versions, std::regex(R"re(\d+)re")))
      listed.insert(row[1].str() + "_version_" + version.str());
  }
  for (const std::string& function : functions) EXPECT_TRUE(listed.contains(function)) << function;
}

TEST(Guarantees, NameTestsThatExist) {
  std::string tests;
  for (const fs::path& path : sources(kRoot / "tests")) tests += read(path);
  const std::string text = read(kRoot / "docs" / "guarantees.md") + read(kRoot / "docs" / "optimizing.md");
  static const std::regex kName("`([A-Z][A-Za-z]+)\\.([A-Z][A-Za-z0-9]+)`");
  std::size_t checked = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), kName), end; match != end; ++match) {
    EXPECT_NE(tests.find("(" + (*match)[1].str() + ", " + (*match)[2].str() + ")"), std::string::npos)
        << "there is no test " << (*match)[0];
    ++checked;
  }
  EXPECT_GT(checked, 10u);
}

TEST(Documentation, NamesFilesThatExist) {
  static const std::regex kPath("`((?:src|tests|include|docs|bench|cmake|scripts|examples)/[A-Za-z0-9_./-]*)`");
  std::size_t checked = 0;
  for (const char* const page : {"docs/architecture.md", "docs/where-to-put-what.md"}) {
    const std::string text = read(kRoot / page);
    for (const auto& path : matches(text, kPath)) {
      EXPECT_TRUE(fs::exists(kRoot / path[1].str())) << page << " names " << path[1];
      ++checked;
    }
  }
  EXPECT_GT(checked, 80u) << "they were not found";
}

}  // namespace
