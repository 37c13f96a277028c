// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "script.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#if ANEW_WITH_LLVM
#include "support/optimizing/optimize_here.hpp"
#endif

namespace anew::spec {
namespace {

[[nodiscard]] Verdict passed() { return {}; }
[[nodiscard]] Verdict failed(std::string text, std::string_view outcome = {}) {
  return {Verdict::Kind::kFailed, std::move(text), false, outcome};
}
[[nodiscard]] Verdict not_applicable(std::string why) { return {Verdict::Kind::kNotApplicable, std::move(why)}; }

[[nodiscard]] std::string_view outcome_of(const Result<std::vector<Value>>& results) {
  if (results) return "returns";
  return results.error().code == ErrorCode::kTrap ? "traps" : "";
}

constexpr std::string_view kNeeds = "needs the proposal ";

/// Why a refusal is no failure: features that Anew refuses on purpose.
[[nodiscard]] std::optional<Verdict> unsupported(const Error& error) {
  if (error.code != ErrorCode::kUnsupported) return std::nullopt;
  if (error.message.find("garbage-collected types") != std::string::npos)
    return not_applicable("garbage-collected types");
  if (error.message.find("shared memor") != std::string::npos) return not_applicable("shared memories");
  if (const auto at = error.message.find(kNeeds); at != std::string::npos)
    return not_applicable(error.message.substr(at, error.message.find(',', at) - at));
  return std::nullopt;
}

/// Whether a module is refused for a proposal that is not accepted.
[[nodiscard]] bool needs_proposal(const Error& error) {
  return error.code == ErrorCode::kUnsupported && error.message.find(kNeeds) != std::string::npos;
}

[[nodiscard]] std::string text_of(const Error& error) {
  return error.code == ErrorCode::kTrap ? fmt::format("the trap '{}'", error.message)
                                        : fmt::format("{}: {}", anew::to_string(error.code), error.message);
}

/// Why a function may keep its quick code: what object.cpp says of frames, and what is left out on purpose. Anything
/// else is a defect of the optimizing tier.
constexpr std::string_view kNotOptimized[] = {"it handles exceptions", "its body is too large", "its frame "};

/// What is wrong with how a module was optimized; "" if nothing is.
[[nodiscard]] std::string complaint(const Optimization& optimization) {
  for (const Optimization::Function& each : optimization.not_optimized) {
    const auto is_said = [&](std::string_view reason) { return each.reason.starts_with(reason); };
    if (std::ranges::none_of(kNotOptimized, is_said))
      return fmt::format("function {} was not optimized: {}", each.function, each.reason);
  }
  return optimization.note;
}

/// What becomes of the commands that need what failed here.
[[nodiscard]] Verdict consequence(Verdict verdict) {
  verdict.consequence = verdict.kind == Verdict::Kind::kFailed;
  return verdict;
}

[[nodiscard]] std::vector<std::byte> read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

[[nodiscard]] std::string optional_name(const Json& object, const char* key) {
  return object.contains(key) ? object[key].get<std::string>() : std::string();
}

[[nodiscard]] Linker make_linker() {
  Linker linker;
  linker.define("host", "print", [] {});
  linker.define("host", "print_i32", [](std::int32_t) {});
  linker.define("host", "print_i64", [](std::int64_t) {});
  linker.define("host", "print_f32", [](float) {});
  linker.define("host", "print_f64", [](double) {});
  linker.define("host", "print_i32_f32", [](std::int32_t, float) {});
  linker.define("host", "print_f64_f64", [](double, double) {});
  return linker;
}

}  // namespace

std::string_view to_string(Way way) noexcept {
  switch (way) {
    case Way::kFresh: return "fresh";
    case Way::kReset: return "reset";
    case Way::kArtifact: return "artifact";
    case Way::kOptimized: return "optimized";
    case Way::kMixed: return "mixed";
  }
  return "";
}

Script::Script(Way way, const std::filesystem::path& corpus, std::filesystem::path directory,
               std::filesystem::path scratch, Features features)
    : way_(way),
      all_features_(features == Features::every()),
      directory_(std::move(directory)),
      artifact_(std::move(scratch) / fmt::format("{}.anew", getpid())),
      // The scripts are what runs side by side.
      engine_({.compile_threads = 1, .cache = false, .features = features}),
      linker_(make_linker()),
      store_({.audit = true}) {
#if ANEW_WITH_LLVM
  test::optimize_here(way == Way::kMixed ? test::Share::kHalf : test::Share::kAll);
#endif
  // It has something of everything, and is the host's, not the script's.
  const Engine host_engine({.compile_threads = 1, .cache = false, .features = Features::every()});
  const auto module = host_engine.compile(read(corpus / "spectest.wasm"));
  if (!module) throw std::runtime_error("spectest.wasm: " + module.error().to_string());
  const auto instance = store_.instantiate(*module, linker_);
  if (!instance) throw std::runtime_error("spectest: " + instance.error().to_string());
  store_.define("spectest", *instance);
}

Verdict Script::run(const Json& command) {
  const Verdict verdict = run_as_stated(command);
  if (!command.contains("superseded") || verdict.kind == Verdict::Kind::kNotApplicable) return verdict;
  // What a proposal takes back stands where it is not accepted.
  if (!all_features_ && verdict.kind == Verdict::Kind::kPassed) return verdict;
  const auto now = command["superseded"].at("now").get<std::string>();
  if (verdict.kind == Verdict::Kind::kFailed && verdict.outcome == now)
    return not_applicable("superseded: " + command["superseded"].at("reason").get<std::string>());
  return failed(fmt::format("listed as superseded, now '{}', which is not what came of it; {}", now,
                            verdict.kind == Verdict::Kind::kPassed ? "it is as the script says" : verdict.text));
}

Verdict Script::run_as_stated(const Json& command) {
  const auto& type = command.at("type").get_ref<const std::string&>();
  if (type == "module") return run_module(command);
  if (type == "module_definition") return run_definition(command);
  if (type == "module_instance") return run_instance(command);
  if (type == "register") return run_register(command);
  if (type == "assert_malformed") return run_refused(command, true);
  if (type == "assert_invalid") return run_refused(command, false);
  if (type == "assert_unlinkable") return run_unlinkable(command);
  if (type == "action" || type == "assert_return" || type == "assert_trap" || type == "assert_exhaustion" ||
      type == "assert_exception") {
    return run_action(command);
  }
  if (type == "assert_malformed_custom" || type == "assert_invalid_custom")
    return not_applicable("custom sections never make a module invalid");
  if (type == "assert_suspension") return not_applicable("stack switching");
  if (type == "thread" || type == "wait") return not_applicable("threads");
  throw std::runtime_error("unknown command " + type);
}

Verdict Script::run_module(const Json& command) {
  const Made<Module> module = make_module(command.at("file"));
  const Made<Instance> instance = module ? make_instance(*module) : std::unexpected(module.error());
  const Made<Instance> kept = instance ? instance : std::unexpected(consequence(instance.error()));
  instances_.insert_or_assign("", kept);
  if (const std::string name = optional_name(command, "name"); !name.empty()) instances_.insert_or_assign(name, kept);
  return instance ? passed() : instance.error();
}

Verdict Script::run_definition(const Json& command) {
  const Made<Module> module = make_module(command.at("file"));
  const Made<Module> kept = module ? module : std::unexpected(consequence(module.error()));
  modules_.insert_or_assign("", kept);
  if (const std::string name = optional_name(command, "name"); !name.empty()) modules_.insert_or_assign(name, kept);
  return module ? passed() : module.error();
}

Verdict Script::run_instance(const Json& command) {
  const auto found = modules_.find(optional_name(command, "module"));
  if (found == modules_.end()) throw std::runtime_error("no such module: " + command.dump());
  const Made<Module>& module = found->second;
  const Made<Instance> instance = module ? make_instance(*module) : std::unexpected(module.error());
  const Made<Instance> kept = instance ? instance : std::unexpected(consequence(instance.error()));
  instances_.insert_or_assign("", kept);
  if (const auto name = optional_name(command, "name"); !name.empty()) instances_.insert_or_assign(name, kept);
  return instance ? passed() : instance.error();
}

Verdict Script::run_register(const Json& command) {
  const auto name = command.at("as").get<std::string>();
  const Made<Instance> instance = instance_of(command);
  registered_.insert_or_assign(name, instance);
  if (!instance) return instance.error();
  store_.define(name, *instance);
  return passed();
}

Verdict Script::run_refused(const Json& command, bool malformed) {
  if (!command.contains("file")) return not_applicable("a module that exists as text only");
  const Result<Module> module = compile(command["file"]);
  if (!module) {
    // Where the proposal is not accepted, the module is what the script says: the release did not know it.
    if (needs_proposal(module.error())) return passed();
    if (const auto verdict = unsupported(module.error())) return *verdict;
  }
  const auto& text = command.at("text").get_ref<const std::string&>();
  if (module) return failed(fmt::format("expected a refusal, '{}', but the module was accepted", text), "valid");
  const ErrorCode code = module.error().code;
  if (code == ErrorCode::kMalformed || (!malformed && code == ErrorCode::kInvalid)) return passed();
  return failed(fmt::format("expected the module to be {}, '{}', but found {}", malformed ? "malformed" : "invalid",
                            text, text_of(module.error())),
                code == ErrorCode::kInvalid ? "invalid" : "");
}

Verdict Script::run_unlinkable(const Json& command) {
  const Made<Module> module = make_module(command.at("file"));
  if (!module) return module.error();
  if (const auto missing = missing_import(*module)) return *missing;
  const Result<Instance> instance = instantiate(*module);
  const auto& text = command.at("text").get_ref<const std::string&>();
  if (instance) return failed(fmt::format("expected a link error, '{}', but the module was instantiated", text));
  if (instance.error().code == ErrorCode::kLink) return passed();
  return failed(fmt::format("expected a link error, '{}', but found {}", text, text_of(instance.error())),
                instance.error().code == ErrorCode::kTrap ? "traps" : "");
}

Verdict Script::run_action(const Json& command) {
  const auto& type = command.at("type").get_ref<const std::string&>();
  const Made<Results> made = execute(command.at("action"));
  if (!made) return made.error();
  const Results& results = *made;
  const std::string found = results ? to_string(*results) : text_of(results.error());
  const auto differs = [&](const std::string& expected) {
    return failed(fmt::format("expected {}, but found {}", expected, found), outcome_of(results));
  };
  if (type == "action") return results ? passed() : differs("a return");
  if (type == "assert_return") {
    const Json& expected = command.at("expected");
    return results && matches(expected, *results) ? passed() : differs(expected.dump());
  }
  const bool trapped = !results && results.error().code == ErrorCode::kTrap;
  const TrapKind kind = trapped ? results.error().trap : TrapKind::kNone;
  if (type == "assert_exception")
    return kind == TrapKind::kUnhandledException ? passed() : differs("an unhandled exception");
  const auto& text = command.at("text").get_ref<const std::string&>();
  const bool right_kind = type != "assert_exhaustion" || kind == TrapKind::kStackExhausted;
  return right_kind && matches(text, kind) ? passed() : differs(fmt::format("the trap '{}'", text));
}

Result<Module> Script::compile(const Json& file) {
  CompileOptions options;
  if (way_ == Way::kOptimized || way_ == Way::kMixed) options.tier = Tier::kOptimized;
  Result<Module> module = engine_.compile(read(directory_ / file.get<std::string>()), options);
  if (module) {
    if (const std::string wrong = complaint(module->optimization()); !wrong.empty())
      return fail(ErrorCode::kHost, wrong);
  }
  if (!module || way_ != Way::kArtifact) return module;
  if (const auto saved = engine_.save(*module, artifact_); !saved) return std::unexpected(saved.error());
  module = engine_.load(artifact_);
  return module;
}

template <typename Action>
auto Script::perform(const Action& action) -> decltype(action()) {
  if (way_ == Way::kReset) {
    // Their errors must not pass for the action's own, so they get a code that no command expects.
    if (const auto frozen = store_.freeze(); !frozen)
      return fail(ErrorCode::kHost, "cannot freeze: " + frozen.error().to_string());
    static_cast<void>(action());
    if (const auto reset = store_.reset(); !reset)
      return fail(ErrorCode::kHost, "wrong after a reset: " + reset.error().to_string());
  }
  return action();
}

Result<Instance> Script::instantiate(const Module& module) {
  return perform([&] { return store_.instantiate(module, linker_); });
}

Script::Made<Module> Script::make_module(const Json& file) {
  Result<Module> module = compile(file);
  if (module) return *std::move(module);
  if (auto verdict = unsupported(module.error())) return std::unexpected(*std::move(verdict));
  return std::unexpected(failed("expected a valid module, but found " + text_of(module.error())));
}

Script::Made<Instance> Script::make_instance(const Module& module) {
  if (auto missing = missing_import(module)) return std::unexpected(*std::move(missing));
  const Result<Instance> instance = instantiate(module);
  if (instance) return *instance;
  if (auto verdict = unsupported(instance.error())) return std::unexpected(*std::move(verdict));
  return std::unexpected(failed("expected an instance, but found " + text_of(instance.error())));
}

std::optional<Verdict> Script::missing_import(const Module& module) const {
  for (const ImportDescription& import : module.imports()) {
    const auto found = registered_.find(import.module);
    if (found != registered_.end() && !found->second) return found->second.error();
  }
  return std::nullopt;
}

Script::Made<Instance> Script::instance_of(const Json& command) const {
  const auto found = instances_.find(optional_name(command, "module"));
  if (found == instances_.end()) throw std::runtime_error("no such instance: " + command.dump());
  return found->second;
}

Script::Made<Script::Results> Script::execute(const Json& action) {
  const auto& type = action.at("type").get_ref<const std::string&>();
  if (type == "module") {
    const Made<Module> module = make_module(action.at("file"));
    if (!module) return std::unexpected(module.error());
    if (auto missing = missing_import(*module)) return std::unexpected(*std::move(missing));
    const Result<Instance> instance = instantiate(*module);
    return instance ? Results() : Results(std::unexpected(instance.error()));
  }
  const Made<Instance> instance = instance_of(action);
  if (!instance) return std::unexpected(instance.error());
  const auto field = action.at("field").get<std::string>();
  if (type == "get") {
    const auto value = perform([&] { return instance->global(field); });
    return value ? Results(std::vector{*value}) : Results(std::unexpected(value.error()));
  }
  if (type != "invoke") throw std::runtime_error("unknown action " + type);
  std::vector<Value> arguments;
  for (const Json& argument : action.at("arguments")) {
    const auto value = to_value(argument);
    if (!value) return std::unexpected(not_applicable("garbage-collected types"));
    arguments.push_back(*value);
  }
  return perform([&] { return instance->call_values(field, arguments); });
}

}  // namespace anew::spec
