// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the built command as a user would, and keeps all that it said.
#pragma once

#include <gtest/gtest.h>
#include <pty.h>
#include <stdlib.h>  // mkdtemp
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace anew::testing {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// A directory of its own for each test, which is also where the code cache lies.
class CommandTest : public ::testing::Test {
 protected:
  CommandTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "anew-cli-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
  }
  ~CommandTest() override { std::filesystem::remove_all(directory_); }
  CommandTest(const CommandTest&) = delete;
  CommandTest& operator=(const CommandTest&) = delete;

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_ / name; }

  /// Writes a file and returns its path.
  [[nodiscard]] std::string file(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name).string();
  }
  [[nodiscard]] static std::string read(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  /// The shell command for `anew ARGUMENTS`, with its output going to the files out and err.
  [[nodiscard]] std::string shell_command(const std::vector<std::string>& arguments, const std::string& tag) const {
    std::string command = quoted(std::string(ANEW_BINARY_DIR) + "/anew");
    for (const std::string& argument : arguments) command += ' ' + quoted(argument);
    return command + " > " + quoted(path("out" + tag)) + " 2> " + quoted(path("err" + tag));
  }
  [[nodiscard]] Outcome outcome(int status, const std::string& tag = "") const {
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(path("out" + tag)),
            read(path("err" + tag))};
  }
  /// @param before  shell text put before the command: assignments, `cd x &&`, or `cat x |`.
  [[nodiscard]] Outcome anew(const std::vector<std::string>& arguments, const std::string& before = "") const {
    const std::string cache = "export ANEW_CACHE_DIR=" + quoted(path("cache")) + "; ";
    return outcome(std::system((cache + before + shell_command(arguments, "")).c_str()));
  }

  /// What `command` prints on both outputs, run by a shell.
  [[nodiscard]] std::string output(const std::string& command) const {
    EXPECT_EQ(std::system(("(" + command + ") > " + quoted(path("said")) + " 2>&1").c_str()), 0) << read(path("said"));
    return read(path("said"));
  }
  [[nodiscard]] static std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char character : text) result += character == '\'' ? std::string("'\\''") : std::string(1, character);
    return result + "'";
  }

 private:
  std::filesystem::path directory_;
};

/// Runs a shell command on a terminal of its own. @return what it wrote there.
inline std::string run_on_terminal(const std::string& command) {
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(98);
  }
  std::string output;
  char buffer[4096];
  // Reading fails once the other side is closed.
  for (ssize_t size = 0; child > 0 && (size = ::read(terminal, buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(size));
  close(terminal);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return output;
}

/// EXPECT_TRUE(contains(...)) shows the text when it fails.
inline ::testing::AssertionResult contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << part << "\" is not in:\n" << text;
}

}  // namespace anew::testing
