// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One instance of a module, in Anew or in V8, that benchmarks run and time.
#pragma once

#include <sys/types.h>

#include <anew/anew.hpp>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anew::bench {

/// A call of an export; all arguments are i32. Made `times` times in a row.
struct Call {
  std::string name;
  std::vector<std::uint32_t> arguments = {};
  std::uint32_t times = 1;
};

struct Outcome {
  std::uint32_t result = 0;  ///< of the last call; 0 if the function has none
  double ns = 0;             ///< processor time of all calls, taken where they run
};

/// Processor time of this process so far, all threads together, in ns.
[[nodiscard]] double processor_time();

/// What a guest's imports are.
struct Imports {
  std::optional<Limits> memory = {};  ///< of env.memory, if the module imports it
  /// Functions by field name, and the number that each answers with whatever it is asked. All others trap.
  std::map<std::string, double> answers = {};
};

/// What fails ends the program: a benchmark that cannot run has nothing to report.
class Guest {
 public:
  Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  virtual ~Guest() = default;

  virtual Outcome call(const Call& call) = 0;
  virtual void write(std::uint32_t address, std::string_view bytes) = 0;
  [[nodiscard]] virtual std::string read(std::uint32_t address, std::uint32_t bytes) = 0;
  virtual void grow(std::uint32_t pages) = 0;
};

/// What came of the compilation of a guest's module.
struct Compilation {
  Optimization optimization = {};
  double seconds = 0;  ///< all processes; wall clock
  std::optional<Module> module = {};
};

/// In this process. A module that was to be optimized and could not be ends the program.
/// @param compilation  told, if given.
[[nodiscard]] std::unique_ptr<Guest> make_anew_guest(const Engine& engine, const std::string& path,
                                                     const CompileOptions& options, const Imports& imports,
                                                     Compilation* compilation = nullptr);

/// A running node with some of its options, which runs liftoff.mjs. It serves one guest after the other.
class Node {
 public:
  explicit Node(std::vector<std::string> options);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  /// Sends a request and waits for its answer.
  nlohmann::json ask(const nlohmann::json& request);

 private:
  pid_t process_ = -1;
  std::FILE* requests_ = nullptr;
  std::FILE* answers_ = nullptr;
};

/// In node. Ends when the next guest of the same node is made.
[[nodiscard]] std::unique_ptr<Guest> make_v8_guest(Node& node, const std::string& path, const Imports& imports);

}  // namespace anew::bench
