// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/instance_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <variant>

#include "abi/stack_limit.hpp"
#include "cli/module_file.hpp"
#include "cli/values.hpp"
#include "os/try.hpp"
#include "runtime/module_state.hpp"
#include "runtime/near_match.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::cli {

namespace {

/// Makes the memories, tables and globals that modules import from elsewhere than a linked module.
class Provider {
 public:
  explicit Provider(Linker& linker) : linker_(linker) {}

  /// Memories and tables suit all modules that import them, if one can.
  void add(const Module& module) {
    for (const wasm::Import& import : module.state()->module.imports) {
      const std::pair names(std::string(import.module), std::string(import.name));
      if (const auto* const memory = std::get_if<MemoryType>(&import.type)) {
        const auto [limits, is_new] = memories_.try_emplace(names, memory->limits);
        limits->second = within_both(limits->second, memory->limits);
        linker_.define_memory(names.first, names.second, limits->second);
      } else if (const auto* const table = std::get_if<TableType>(&import.type)) {
        const auto [type, is_new] = tables_.try_emplace(names, *table);
        type->second.limits = within_both(type->second.limits, table->limits);
        linker_.define_table(names.first, names.second, type->second);
      } else if (const auto* const global = std::get_if<GlobalType>(&import.type)) {
        globals_.emplace(names, *global);
      }
    }
  }

  /// @param option  MODULE.NAME=VALUE; the type is that of the import.
  [[nodiscard]] Result<void> define_global(const std::string& option) {
    const std::size_t equals = option.rfind('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::kArgument, fmt::format("--global {}: write MODULE.NAME=VALUE", option));
    const std::string wanted = option.substr(0, equals);
    bool found = false;
    std::vector<std::string> names;
    for (const auto& [import, type] : globals_) {
      names.push_back(import.first + "." + import.second);
      if (names.back() != wanted) continue;
      auto value = parse_value(type.type, std::string_view(option).substr(equals + 1));
      if (!value) return fail(ErrorCode::kArgument, fmt::format("--global {}: {}", option, value.error().message));
      linker_.define_global(import.first, import.second, *value,
                            type.is_mutable ? Mutability::kMutable : Mutability::kImmutable);
      found = true;
    }
    if (found) return {};
    const std::vector<std::string_view> views(names.begin(), names.end());
    return fail(ErrorCode::kArgument, fmt::format("--global {}: no module imports that global{}", option,
                                                  detail::near_matches(wanted, views)));
  }

 private:
  using Names = std::pair<std::string, std::string>;

  static Limits within_both(const Limits& one, const Limits& other) {
    Limits limits = {std::max(one.minimum, other.minimum), one.maximum ? one.maximum : other.maximum};
    if (limits.maximum && other.maximum) limits.maximum = std::min(*limits.maximum, *other.maximum);
    return limits;
  }

  Linker& linker_;
  std::map<Names, Limits> memories_;
  std::map<Names, TableType> tables_;
  std::map<Names, GlobalType> globals_;
};

constexpr std::size_t kShownImports = 10;
constexpr std::string_view kWasiModule = "wasi_snapshot_preview1";

/// And how many are left out.
std::string first_lines(const std::string& text, std::size_t count) {
  std::size_t end = 0;
  for (; count > 0 && end != text.npos; --count) end = text.find('\n', end + 1);
  if (end == text.npos) return text;
  return fmt::format("{}\n  and {} more", text.substr(0, end),
                     std::count(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), '\n'));
}

}  // namespace

Tier default_tier() {
  static const Tier tier = tier::find_optimizer() ? Tier::kAuto : Tier::kQuick;
  return tier;
}

Option add_tier_option(const Command& command, Tier& tier) {
  return command
      .choice<Tier>(
          "--tier", tier, {{"quick", Tier::kQuick}, {"auto", Tier::kAuto}, {"optimized", Tier::kOptimized}},
          "How code is made: quick (one pass), auto (and again with LLVM what runs long, meanwhile) or optimized "
          "(all of it with LLVM, before the first call)")
      .value_name("TIER");
}

Option add_compile_options(const Command& command, CompileOptions& options) {
  command.choice<Ledger>(
      "--ledger", options.ledger,
      {{"auto", Ledger::kAuto}, {"cards", Ledger::kCards}, {"pagemap", Ledger::kPagemap}, {"cow", Ledger::kCow}},
      "What tells a restore which pages are dirty: auto, cards, pagemap or cow; anew inspect says what auto "
      "chooses and why");
  command
      .choice<bool>("--bounds", options.explicit_bounds, {{"guard", false}, {"explicit", true}},
                    "How accesses are kept inside the memory: guard (pages behind it that fault) or explicit "
                    "(comparisons; growing needs no system call then)")
      .value_name("KIND");
  const Option tier = add_tier_option(command, options.tier);
  command.flag("--canonical-nan", options.canonical_nan,
               "Give the canonical NaN where the specification leaves open which NaN an operator gives");
  command.number(
      "--stack-limit", 1, abi::kMaximumStackLimit,
      [&options](std::uint64_t units) { options.stack_limit = static_cast<std::uint32_t>(units); },  // checked
      "Count how deep calls nest, in units that the module alone determines, and end each call past N: a trap, \"call "
      "stack exhausted\"");
  return tier;
}

void add_features_option(const Command& command, Features& features) {
  command.parsed(
      "--features", "LIST",
      [&features](std::string_view list) -> Result<void> {
        features = TRY(Features::parse(list));
        return {};
      },
      "The proposals to WebAssembly that modules may use: mvp, 2.0, 3.0, substrate or all (the default), with names "
      "of proposals added or, with - before them, taken away: mvp,sign-extension or all,-simd. With "
      "all,unshared-memory "
      "a memory that is declared shared between threads is the instance's own");
}

void add_cache_option(const Command& command, bool& cache) {
  command.flag(
      "--no-cache", [&cache] { cache = false; }, "Neither take compiled code from the code cache nor put it there");
}

void add_instance_options(const Command& command, InstanceOptions& options) {
  command
      .texts("--link", options.links,
             "Link the module in FILE: its exports can be imported under NAME, also by those of later --link. Each "
             "instance gets its own of it")
      .value_name("NAME=FILE")
      .one_value()
      .repeatable();
  command
      .texts("--global", options.globals,
             "What an imported global holds, such as env.__stack_pointer=65536; its type is that of the import. A "
             "mutable one is shared by all modules that import it")
      .value_name("MODULE.NAME=VALUE")
      .one_value()
      .repeatable();
  command.flag("--trap-unknown-imports", options.trap_unknown_imports,
               "Link each imported function that no linked module provides to a trap that names it");
  add_compile_options(command, options.compile);
  add_features_option(command, options.features);
  add_cache_option(command, options.cache);
  command
      .texts("--prelude", options.snapshot.prelude,
             "Functions to call once, in this order, before the snapshot is taken that every instance starts from")
      .comma_separated()
      .value_name("NAME,...");
  command.flag("--freeze-start", options.snapshot.freeze_start,
               "Run a start function that calls imports once, and make its effect part of the snapshot");
  command.time(
      "--start-timeout", [&options](auto time) { options.snapshot.start_timeout = time; },
      "How long the start function and each function of the prelude may take (10s)");
  command.size(
      "--max-memory", [&options](auto bytes) { options.maximum_memory_bytes = bytes; },
      "What all memories and tables of an instance may have, with those of linked modules (8GiB); past it growing "
      "gives -1");
  command.flag("--perf-map", options.perf_map,
               "Write /tmp/perf-PID.map, in which perf looks up the names of the guest's functions");
  command.flag("--jitdump", options.jitdump,
               "Write jit-PID.dump, for perf inject --jit: the guest's machine code, names and lines");
  command.flag("--gdb", options.gdb, "Tell gdb of the guest's functions and lines");
}

void CallLimits::apply(Lease& lease) const {
  using Clock = std::chrono::steady_clock;
  // No time at all is over before the shortest call.
  if (timeout) lease.set_deadline(timeout->count() == 0 ? Clock::time_point::min() : Clock::now() + *timeout);
  if (fuel) lease.set_fuel(*fuel);
}

void add_limit_options(const Command& command, std::string_view what, CallLimits& limits) {
  command.time(
      "--timeout", [&limits](auto time) { limits.timeout = time; },
      fmt::format("End each {} after this time (20ms, 1.5s): a trap, \"interrupted\"", what).c_str());
  command.number(
      "--fuel", 0, std::numeric_limits<std::uint64_t>::max(), [&limits](auto fuel) { limits.fuel = fuel; },
      fmt::format("Count what the code executes, and end each {} after N: a trap, \"out of fuel\"", what).c_str());
}

Result<Linker> make_linker(const Module& module, const InstanceOptions& options) {
  Linker linker;
  Provider provider(linker);
  if (options.trap_unknown_imports) linker.trap_unknown_functions();
  for (const std::string& link : options.links) {
    const std::size_t equals = link.find('=');
    if (equals == std::string::npos || equals + 1 == link.size())
      return fail(ErrorCode::kArgument, fmt::format("--link {}: write NAME=FILE", link));
    const auto linked = TRY(load_module(link.substr(equals + 1), options.compile, options.engine()));
    provider.add(linked);
    linker.define_module(link.substr(0, equals), linked);
  }
  provider.add(module);
  for (const std::string& global : options.globals) TRY(provider.define_global(global));
  return linker;
}

Error explain(Error error, const Module& module, Provided provided) {
  if (error.code != ErrorCode::kLink) return error;
  error.message = first_lines(error.message, kShownImports + 1);
  const std::vector<wasm::Import>& imports = module.state()->module.imports;
  const auto imports_some = [&imports](auto&& is_such) { return std::ranges::any_of(imports, is_such); };
  if (kWithSubstrate && imports_some([](const wasm::Import& import) { return import.name.starts_with("ext_"); })) {
    error.message +=
        "\nThe functions ext_... are those that a Substrate chain gives to its runtime, which this module is: `anew "
        "substrate version FILE` and `anew substrate call --chain SPEC METHOD` have them";
    return error;
  }
  const bool is_program = imports_some([](const wasm::Import& import) { return import.module == kWasiModule; });
  if (provided == Provided::kNothing && kWithWasi && is_program) {
    error.message +=
        "\nThe functions of wasi_... are WASI, by which a program reaches the system: `anew run FILE` has them";
    return error;
  }
  error.message += provided == Provided::kWasi
                       ? "\nThe command provides the functions of wasi_snapshot_preview1 and no others"
                       : "\nThe command provides no functions";
  error.message +=
      "; --link NAME=FILE provides a module's exports, --global MODULE.NAME=VALUE a global, and --trap-unknown-imports "
      "links each function that is left to a trap";
  return error;
}

}  // namespace anew::cli
