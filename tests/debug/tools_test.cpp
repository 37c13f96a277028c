// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What perf and gdb are told of compiled code.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "debug/debug_module.hpp"
#include "debug/gdb.hpp"
#include "runtime/module_state.hpp"

extern "C" {
struct jit_descriptor {
  std::uint32_t version;
  std::uint32_t action;
  jit_code_entry* relevant;
  jit_code_entry* first;
};
extern jit_descriptor __jit_debug_descriptor;  // NOLINT(bugprone-reserved-identifier): gdb has reserved it
}

namespace anew::test {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Module compile(const EngineOptions& options, int dwarf = 4) {
  return Engine(options).compile(debug_module(dwarf)).value();
}

EngineOptions no_cache() {
  EngineOptions options;
  options.cache = false;
  return options;
}

/// A directory of the test's own, where the working directory is meanwhile.
class InDirectory : public testing::Test {
 protected:
  InDirectory() {
    std::string pattern = fs::temp_directory_path() / "anew-debug-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory = pattern;
    fs::current_path(directory);
  }
  ~InDirectory() override {
    fs::current_path(before_);
    fs::remove_all(directory);
  }
  static void TearDownTestSuite() { fs::remove("/tmp/perf-" + std::to_string(getpid()) + ".map"); }
  fs::path directory;
  const fs::path perf_map = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  const fs::path dump = "jit-" + std::to_string(getpid()) + ".dump";

 private:
  const fs::path before_ = fs::current_path();
};
using Tools = InDirectory;

TEST_F(Tools, AreToldOfNothingUnlessAsked) {
  const Module module = compile(no_cache());
  EXPECT_FALSE(fs::exists(perf_map));
  EXPECT_FALSE(fs::exists(dump));
  EXPECT_EQ(__jit_debug_descriptor.first, nullptr);
}

TEST_F(Tools, PerfFindsNamesInItsMap) {
  EngineOptions options = no_cache();
  options.perf_map = true;
  const Module module = compile(options);
  const auto text = module.state()->image.text;
  std::istringstream lines(read(perf_map));
  std::set<std::string> names;
  std::uint64_t bytes = 0;
  for (std::string line; std::getline(lines, line);) {
    std::uint64_t address = 0, size = 0;
    int name = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%lx %lx %n", &address, &size, &name), 2) << line;
    names.insert(line.substr(static_cast<std::size_t>(name)));
    EXPECT_LE(address - reinterpret_cast<std::uint64_t>(text.data()), text.size());
    bytes += size;
  }
  for (const char* const name : {"run", "middle", "divide", "entry thunk 0"}) EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_LE(bytes, text.size());
  EXPECT_GT(bytes, text.size() / 2);
  struct stat status{};
  ASSERT_EQ(stat(perf_map.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Tools, ACodeCacheAndASecondModuleAddToTheMap) {
  EngineOptions options;
  options.perf_map = true;
  options.cache_directory = directory / "cache";
  fs::create_directory(options.cache_directory);
  fs::permissions(options.cache_directory, fs::perms::owner_all);
  const auto count = [&] {
    const std::string text = read(perf_map);
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(" divide\n", at)) != text.npos; ++at) ++found;
    return found;
  };
  const Module first = compile(options);
  const std::size_t before = count();
  const Module second = compile(options);
  EXPECT_TRUE(second.from_cache());
  EXPECT_EQ(count(), before + 1);
}

template <typename T>
T take(std::string_view& bytes) {
  T value;
  if (bytes.size() < sizeof value) throw std::runtime_error("the dump is cut");
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

TEST_F(Tools, TheDumpHasCodeAndLines) {
  EngineOptions options = no_cache();
  options.jitdump = true;
  const Module module = compile(options, 5);
  const std::string content = read(dump);
  std::string_view rest = content;
  EXPECT_EQ(take<std::uint32_t>(rest), 0x4A695444u);
  EXPECT_EQ(take<std::uint32_t>(rest), 1u);
  rest.remove_prefix(take<std::uint32_t>(rest) - 12);
  std::map<std::string, std::string> code;
  std::map<std::uint64_t, std::vector<std::uint32_t>> lines;  // by the address of the function
  std::map<std::string, std::uint64_t> addresses;
  while (!rest.empty()) {
    std::string_view record = rest;
    const auto kind = take<std::uint32_t>(record);
    const auto bytes = take<std::uint32_t>(record);
    ASSERT_LE(bytes, rest.size());
    record = rest.substr(16, bytes - 16);
    rest.remove_prefix(bytes);
    if (kind == 0) {
      EXPECT_EQ(take<std::uint32_t>(record), static_cast<std::uint32_t>(getpid()));
      (void)take<std::uint32_t>(record);
      const auto address = take<std::uint64_t>(record);
      EXPECT_EQ(take<std::uint64_t>(record), address);
      const auto size = take<std::uint64_t>(record);
      (void)take<std::uint64_t>(record);
      const std::string name(record.substr(0, record.find('\0')));
      code[name] = record.substr(name.size() + 1);
      addresses[name] = address;
      EXPECT_EQ(code[name].size(), size);
      EXPECT_EQ(std::memcmp(code[name].data(), reinterpret_cast<const void*>(address), size), 0);
    } else {
      ASSERT_EQ(kind, 2u);
      const auto address = take<std::uint64_t>(record);
      for (auto count = take<std::uint64_t>(record); count > 0; --count) {
        (void)take<std::uint64_t>(record);
        lines[address].push_back(take<std::uint32_t>(record));
        (void)take<std::uint32_t>(record);
        EXPECT_EQ(record.substr(0, record.find('\0')), "/guest/divide.c");
        record.remove_prefix(record.find('\0') + 1);
      }
    }
  }
  EXPECT_TRUE(code.contains("run"));
  EXPECT_EQ(lines[addresses["run"]].front(), 17u);
  EXPECT_EQ(lines[addresses["divide"]].front(), 5u);
}

TEST_F(Tools, AFileOfAnotherKindInTheWayIsAnError) {
  // perf's map stands where everybody may write, so a link there may be a trap.
  const pid_t child = fork();
  if (child == 0) {
    const std::string map = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    EngineOptions options = no_cache();
    options.perf_map = true;
    const auto refuses = [&] {
      const auto module = Engine(options).compile(debug_module(4));
      fs::remove(map);
      return !module && module.error().code == ErrorCode::kIo && module.error().message.find(map) != std::string::npos;
    };
    fs::create_symlink(directory / "victim", map);
    if (!refuses()) _exit(1);
    std::ofstream(directory / "kept") << "kept";
    fs::create_hard_link(directory / "kept", map);
    _exit(refuses() ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(fs::exists(directory / "victim"));
  EXPECT_EQ(fs::file_size(directory / "kept"), 4u);
}

TEST_F(Tools, GdbKnowsCodeForAsLongAsItIsThere) {
  EngineOptions options = no_cache();
  options.gdb = true;
  std::optional<Module> first = compile(options), second = compile(options, 5), third = compile(options);
  const auto count = [] {
    std::size_t found = 0;
    const jit_code_entry* previous = nullptr;
    for (const jit_code_entry* entry = __jit_debug_descriptor.first; entry != nullptr; entry = entry->next, ++found) {
      EXPECT_EQ(entry->previous, previous);
      previous = entry;
    }
    return found;
  };
  EXPECT_EQ(count(), 3u);
  second.reset();
  EXPECT_EQ(count(), 2u);
  first.reset();
  third.reset();
  EXPECT_EQ(count(), 0u);
}

TEST_F(Tools, TheObjectForGdbIsWholeAndNamesTheText) {
  EngineOptions options = no_cache();
  options.gdb = true;
  const Module module = compile(options);
  const std::span object(__jit_debug_descriptor.first->object, __jit_debug_descriptor.first->object_bytes);
  Elf64_Ehdr header;
  ASSERT_GT(object.size(), sizeof header);
  std::memcpy(&header, object.data(), sizeof header);
  EXPECT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
  ASSERT_EQ(header.e_shoff + std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), object.size());
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  std::memcpy(sections.data(), object.data() + header.e_shoff, sections.size() * sizeof(Elf64_Shdr));
  const auto text = module.state()->image.text;
  bool has_text = false;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == SHT_NOBITS) {
      has_text = section.sh_addr == reinterpret_cast<std::uint64_t>(text.data()) && section.sh_size == text.size();
    } else {
      EXPECT_LE(section.sh_offset + section.sh_size, object.size());
    }
  }
  EXPECT_TRUE(has_text);
}

}  // namespace
}  // namespace anew::test
