// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executes the commands of one script of the specification's test suite, in one of several ways.
#pragma once

#include <anew/engine.hpp>
#include <anew/features.hpp>
#include <anew/linker.hpp>
#include <anew/store.hpp>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher.hpp"

namespace anew::spec {

enum class Way : std::uint8_t {
  kFresh,      ///< as the script says
  kReset,      ///< each action is run, undone by an audited reset, and run again: the second time counts
  kArtifact,   ///< each module is compiled, saved, and loaded again before it is used
  kOptimized,  ///< all functions are optimized
  kMixed,      ///< about half of them are, the others have their quick code
};
[[nodiscard]] std::string_view to_string(Way way) noexcept;

struct Verdict {
  enum class Kind : std::uint8_t { kPassed, kFailed, kNotApplicable };
  Kind kind = Kind::kPassed;
  std::string text;          ///< expected and found; or why the command does not apply
  bool consequence = false;  ///< failed only because the module it needs did
  /// What came of a failed command, where later releases may demand just that: "valid" or "invalid" of a module,
  /// "returns" or "traps" of an action.
  std::string_view outcome = {};
};

class Script {
 public:
  /// @param corpus     where the converter wrote to; its spectest.wasm is what scripts import as "spectest"
  /// @param directory  where the script's modules lie
  /// @param scratch    a directory for artifacts
  /// @param features   what the engine accepts
  /// @throws std::exception if spectest itself does not work: no script can be run then.
  Script(Way way, const std::filesystem::path& corpus, std::filesystem::path directory, std::filesystem::path scratch,
         Features features = Features::every());

  /// @throws std::exception if the command is none, or a file is missing.
  [[nodiscard]] Verdict run(const Json& command);

 private:
  /// A verdict in place of what could not be made: whatever needs it gets that verdict too.
  template <typename T>
  using Made = std::expected<T, Verdict>;
  using Results = Result<std::vector<Value>>;

  [[nodiscard]] Verdict run_as_stated(const Json& command);
  [[nodiscard]] Verdict run_module(const Json& command);
  [[nodiscard]] Verdict run_definition(const Json& command);
  [[nodiscard]] Verdict run_instance(const Json& command);
  [[nodiscard]] Verdict run_register(const Json& command);
  [[nodiscard]] Verdict run_refused(const Json& command, bool malformed);
  [[nodiscard]] Verdict run_unlinkable(const Json& command);
  [[nodiscard]] Verdict run_action(const Json& command);

  /// The engine's own answer, for commands about it.
  [[nodiscard]] Result<Module> compile(const Json& file);
  [[nodiscard]] Result<Instance> instantiate(const Module& module);
  /// What all other commands need: the thing, or the verdict on its absence.
  [[nodiscard]] Made<Module> make_module(const Json& file);
  [[nodiscard]] Made<Instance> make_instance(const Module& module);
  /// The verdict on a module that imports from an instance that could not be made.
  [[nodiscard]] std::optional<Verdict> missing_import(const Module& module) const;
  [[nodiscard]] Made<Instance> instance_of(const Json& command) const;
  [[nodiscard]] Made<Results> execute(const Json& action);

  /// Does `action`; in the way kReset first once for nothing.
  template <typename Action>
  [[nodiscard]] auto perform(const Action& action) -> decltype(action());

  Way way_;
  bool all_features_;  ///< are accepted
  std::filesystem::path directory_;
  std::filesystem::path artifact_;
  Engine engine_;
  Linker linker_;
  Store store_;
  std::map<std::string, Made<Module>> modules_;       // definitions by name; "" is the latest
  std::map<std::string, Made<Instance>> instances_;   // by name; "" is the latest
  std::map<std::string, Made<Instance>> registered_;  // by the name under which others import
};

}  // namespace anew::spec
