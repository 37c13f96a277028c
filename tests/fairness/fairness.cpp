// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fairness/fairness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>

#include "fairness/generator.hpp"
#include "fairness/host.hpp"
#include "wasm/decoder.hpp"

namespace anew::fairness {
namespace {

constexpr std::size_t kCallsShown = 60;

struct Call {
  const Callable* function;
  std::vector<Value> arguments;
};

/// Calls to make in one instance, one after the other, until one traps.
struct Sequence {
  std::vector<Call> calls;
  std::optional<std::uint64_t> fuel;
  std::optional<std::vector<std::string>> expected;  ///< what a fresh instance answered
};

std::string to_text(const Call& call) {
  std::string text = call.function->name + "(";
  for (const Value& each : call.arguments) text += (text.back() == '(' ? "" : ", ") + to_string(each);
  return text + ")";
}

/// What the module imports, whatever it is: functions give zeros.
Linker link_foreign(const wasm::Module& module) {
  Linker linker;
  for (const wasm::Import& import : module.imports) {
    if (const auto* const type = std::get_if<std::uint32_t>(&import.type)) {
      linker.define(import.module, import.name, module.types[*type], [](Caller, std::span<std::uint64_t> slots) {
        std::ranges::fill(slots, 0);
        return Result<void>{};
      });
    } else if (const auto* const table = std::get_if<TableType>(&import.type)) {
      linker.define_table(import.module, import.name, *table);
    } else if (const auto* const memory = std::get_if<MemoryType>(&import.type)) {
      linker.define_memory(import.module, import.name, memory->limits);
    } else if (const auto* const global = std::get_if<GlobalType>(&import.type)) {
      linker.define_global(import.module, import.name, Value{global->type, 0},
                           global->is_mutable ? Mutability::kMutable : Mutability::kImmutable);
    }
  }
  return linker;
}

class Case {
 public:
  Case(const Engine& engine, std::uint64_t seed, const Settings& settings, Tally& tally)
      : engine_(engine), random_(seed), settings_(settings), tally_(tally) {}

  std::optional<Finding> run(const std::vector<std::byte>& foreign) {
    ++tally_.modules;
    choose_options();
    if (foreign.empty() ? make_own() : take_foreign(foreign)) {
      make_pool();
      if (pool_ && !finding_) use_pool();
    }
    if (pool_) {
      const PoolStatistics statistics = pool_->statistics();
      tally_.resets += statistics.restored;
      tally_.audits += statistics.audited;
    }
    if (finding_) {
      finding_->options = describe_options();
      finding_->calls.assign(calls_.begin(), calls_.end());
      finding_->modules = modules_;
    }
    return std::move(finding_);
  }

 private:
  void find(std::string difference) {
    if (!finding_) finding_ = Finding{.difference = std::move(difference), .options = {}, .calls = {}, .modules = {}};
  }

  // --- what to run ---

  CompileOptions some_compile_options() {
    // Mostly the largest cards: an audit scans the whole table, which is eight times longer with the smallest.
    constexpr std::array<std::uint32_t, 8> kCardBytes = {4096, 4096, 4096, 2048, 2048, 1024, 512, 0};
    constexpr std::array kLedgers = {Ledger::kCards, Ledger::kCards, Ledger::kCards,   Ledger::kCards,
                                     Ledger::kCards, Ledger::kCow,   Ledger::kPagemap, Ledger::kAuto};
    // A mark that is missing shows best where no other store marks that card.
    return {.card_bytes = settings_.stores ? 512 : kCardBytes[random_.below(kCardBytes.size())],
            .ledger = settings_.stores ? Ledger::kCards : kLedgers[random_.below(kLedgers.size())],
            .explicit_bounds = random_.percent(20),
            .fuel = random_.percent(20),
            .canonical_nan = random_.percent(20),
            .stack_limit = random_.percent(20) ? 1 + random_.below(3'000) : 0,
            .tier = settings_.tier};
  }

  void choose_options() {
    main_options_ = some_compile_options();
    library_options_ = some_compile_options();
    pool_options_.capacity = 1 + random_.below(random_.percent(30) ? 3 : 1);
    pool_options_.audit_every = random_.percent(80) ? 1 : random_.below(4);
    if (!settings_.audit) pool_options_.audit_every = 0;
    pool_options_.snapshot.freeze_start = random_.percent(15);
    // Little more than the modules' memories and tables begin with, or less.
    if (random_.percent(40)) pool_options_.maximum_memory_bytes = (8 + random_.below(120)) * 8192;
  }

  std::string describe_options() const {
    const auto describe = [](const CompileOptions& options) {
      return fmt::format("cards of {} bytes, ledger {}, explicit bounds {}, fuel {}, canonical NaNs {}, stack limit {}",
                         options.card_bytes, to_string(options.ledger), options.explicit_bounds, options.fuel,
                         options.canonical_nan, options.stack_limit);
    };
    std::string text = "main module: " + describe(main_options_);
    if (modules_.size() > 1) text += "\nlibrary: " + describe(library_options_);
    return text +
           fmt::format("\npool: capacity {}, {} extra pages, freeze_start {}, prelude {}, audit_every {}, {} bytes",
                       pool_options_.capacity, pool_options_.snapshot.extra_memory_pages,
                       pool_options_.snapshot.freeze_start, !pool_options_.snapshot.prelude.empty(),
                       pool_options_.audit_every, pool_options_.maximum_memory_bytes);
  }

  void note_optimization(const Module& module) {
    const Optimization optimization = module.optimization();
    tally_.optimized += optimization.optimized;
    if (settings_.tier == Tier::kOptimized && !optimization.note.empty())
      find("no optimized code: " + optimization.note);
  }

  std::optional<Module> compile(const std::string& name, const std::vector<std::byte>& bytes,
                                const CompileOptions& options) {
    modules_.emplace_back(name, bytes);
    auto module = engine_.compile(bytes, options);
    if (module) {
      note_optimization(*module);
      return std::move(*module);
    }
    find("the module is refused: " + module.error().to_string());
    return {};
  }

  bool make_own() {
    linker_ = make_host();
    GeneratedModule library;
    if (random_.percent(30)) {
      library = generate(random_, {.library = true, .offer = nullptr, .endless = false, .stores = settings_.stores});
      const auto module = compile("library", library.bytes, library_options_);
      if (!module) return false;
      linker_.define_module("library", *module);
    }
    GeneratedModule main = generate(random_, {.library = false,
                                              .offer = library.bytes.empty() ? nullptr : &library.offer,
                                              .endless = settings_.kills,
                                              .stores = settings_.stores});
    module_ = compile("main", main.bytes, main_options_);
    if (main.has_prelude && random_.percent(20)) {
      pool_options_.snapshot.prelude = {"prelude"};
      // A start function that runs after each reset would run behind the prelude.
      pool_options_.snapshot.freeze_start |= main.start_calls_host;
    }
    if (random_.percent(15)) pool_options_.snapshot.extra_memory_pages = random_.below(main.most_extra_pages + 1);
    actions_ = std::move(main.actions);
    probes_ = std::move(main.probes);
    memory_bytes_ = main.memory_bytes;
    return module_.has_value();
  }

  bool take_foreign(const std::vector<std::byte>& bytes) {
    const auto decoded = wasm::decode_module(bytes);
    if (!decoded) return ++tally_.refused, false;
    linker_ = link_foreign(*decoded);
    auto module = engine_.compile(bytes, main_options_);
    if (!module) return ++tally_.refused, false;
    modules_.emplace_back("main", bytes);
    note_optimization(*module);
    module_ = std::move(*module);
    for (const ExportDescription& each : module_->exports()) {
      if (each.kind != ExternalKind::kFunction) continue;
      actions_.push_back({each.name, module_->function_type(each.name).value(), Role::kForeign});
    }
    probes_ = actions_;
    return !actions_.empty();
  }

  void make_pool() {
    auto pool = Pool::create(*module_, linker_, pool_options_);
    if (!pool && pool.error().code == ErrorCode::kLimit) {
      pool_options_.maximum_memory_bytes = PoolOptions{}.maximum_memory_bytes;
      pool = Pool::create(*module_, linker_, pool_options_);
    }
    if (pool) {
      pool_ = std::move(*pool);
    } else if (pool.error().code == ErrorCode::kUnsupported || pool.error().code == ErrorCode::kTrap ||
               actions_.front().role == Role::kForeign) {
      ++tally_.refused;
    } else {
      find("no pool: " + pool.error().to_string());
    }
  }

  // --- calls ---

  std::vector<Value> arguments_of(const Callable& function) {
    switch (function.role) {
      case Role::kNothing: return {};
      case Role::kIndex: return {Value::i32(random_.below(16))};
      case Role::kGrowth: return {Value::i32(random_.percent(10) ? 70'000 : random_.below(5))};
      case Role::kAction:
      case Role::kEndless:
      case Role::kRecursion: {
        const std::uint64_t address = near_an_edge(random_, memory_bytes_);
        std::uint32_t number = random_.percent(60) ? random_.below(4096) : static_cast<std::uint32_t>(random_.bits());
        if (function.role == Role::kRecursion && !random_.percent(3)) number %= 50;
        return {Value::i32(static_cast<std::uint32_t>(random_.percent(97) ? address : random_.bits())),
                Value::i32(number), Value::i64(random_.bits())};
      }
      case Role::kForeign: break;
    }
    std::vector<Value> values;
    for (const ValueType type : function.type.parameters) {
      const std::uint64_t bits = random_.percent(50) ? random_.below(100'000) : random_.bits();
      const bool narrow = type == ValueType::kI32 || type == ValueType::kF32;
      values.push_back({type, is_reference(type) ? 0 : (narrow ? bits & 0xFFFF'FFFF : bits)});
    }
    return values;
  }

  Call some_call(const std::vector<Callable>& from) {
    const Callable& function = random_.pick(from);
    return {&function, arguments_of(function)};
  }

  Sequence some_sequence() {
    Sequence sequence;
    for (std::uint32_t i = random_.below(3); i-- != 0;) {
      Call call = some_call(actions_);
      if (call.function->role != Role::kEndless) sequence.calls.push_back(std::move(call));
    }
    // First what only reads.
    if (random_.percent(70) && probes_.front().role != Role::kForeign) {
      const auto probe = std::ranges::find(probes_, "probe", &Callable::name);
      sequence.calls.insert(sequence.calls.begin(), {&*probe, {}});
    }
    for (std::uint32_t i = 1 + random_.below(4); i-- != 0;) sequence.calls.push_back(some_call(probes_));
    if (settings_.fuel && main_options_.fuel && random_.percent(50)) sequence.fuel = random_.below(20'000);
    return sequence;
  }

  void log(std::string line) {
    calls_.push_back(std::move(line));
    if (calls_.size() > kCallsShown) calls_.pop_front();
  }

  /// @return what the call answered: results, or the trap.
  std::string make_call(Lease& lease, const Call& call, bool& trapped) {
    ++tally_.calls;
    const auto results = lease.call_values(call.function->name, call.arguments);
    std::string text;
    if (results) {
      for (const Value& each : *results) {
        if (!text.empty()) text += " ";
        // What a reference's bits are depends on the cell.
        text += is_reference(each.type) ? (each.bits == 0 ? "null" : "reference") : to_string(each);
      }
    } else {
      trapped = true;
      ++tally_.traps;
      ++tally_.traps_by_kind[results.error().trap];
      if (results.error().trap == TrapKind::kInterrupted) ++tally_.kills;
      text = results.error().code == ErrorCode::kTrap ? fmt::format("trap: {}", to_string(results.error().trap))
                                                      : results.error().to_string();
    }
    log(fmt::format("  {} -> {}", to_text(call), text));
    return text;
  }

  std::vector<std::string> answers(Lease& lease, const Sequence& sequence) {
    std::vector<std::string> found;
    if (settings_.fuel) found.push_back(fmt::format("fuel at first: {}", lease.fuel()));
    if (sequence.fuel) lease.set_fuel(*sequence.fuel);
    bool trapped = false;
    for (const Call& call : sequence.calls) {
      found.push_back(make_call(lease, call, trapped));
      if (trapped) break;
    }
    if (sequence.fuel && !trapped) found.push_back(fmt::format("fuel left: {}", lease.fuel()));
    return found;
  }

  /// Makes the calls in a leased instance, and once in a fresh one.
  void probe(Lease& lease, Sequence& sequence) {
    ++tally_.probes;
    if (!sequence.expected) {
      log("fresh instance:");
      auto fresh = pool_->instantiate();
      if (!fresh) return find("no fresh instance: " + fresh.error().to_string());
      sequence.expected = answers(*fresh, sequence);
    }
    log("leased instance, as new:");
    const std::vector<std::string> found = answers(lease, sequence);
    const auto differs = std::ranges::mismatch(*sequence.expected, found);
    if (differs.in1 == sequence.expected->end() && differs.in2 == found.end()) return;
    const auto at = static_cast<std::size_t>(differs.in1 - sequence.expected->begin());
    const std::size_t call = settings_.fuel ? at - 1 : at;
    find(fmt::format("{}\n  in a fresh instance:  {}\n  in a leased instance: {}",
                     call < sequence.calls.size() ? to_text(sequence.calls[call]) : "fuel",
                     differs.in1 == sequence.expected->end() ? "nothing" : *differs.in1,
                     differs.in2 == found.end() ? "nothing" : *differs.in2));
  }

  /// Changes the instance's state in any way.
  void change(Lease& lease) {
    log("leased instance, to be changed:");
    const bool deadline = settings_.kills && random_.percent(15);
    if (deadline) {
      lease.set_deadline(std::chrono::steady_clock::now() + std::chrono::microseconds(random_.below(600)));
      log("  with a deadline");
    }
    if (settings_.fuel && main_options_.fuel && random_.percent(30)) lease.set_fuel(random_.below(10'000));
    bool trapped = false;
    for (std::uint32_t i = 1 + random_.below(5); i-- != 0 && !trapped;) {
      if (random_.percent(10)) write_from_host(lease);
      const Call call = some_call(random_.percent(85) ? actions_ : probes_);
      if (call.function->role == Role::kEndless && !deadline) continue;
      (void)make_call(lease, call, trapped);
    }
  }

  void write_from_host(Lease& lease) {
    MemoryView memory = lease.memory();
    if (memory.size() == 0) return;
    const std::uint64_t address = near_an_edge(random_, memory.size());
    const std::uint64_t count = std::min<std::uint64_t>(1 + random_.below(1500), memory.size() - address);
    auto bytes = memory.write(address, count);
    if (!bytes) return find("the host may not write to memory: " + bytes.error().to_string());
    std::ranges::fill(*bytes, static_cast<std::byte>(1 + random_.below(255)));
    log(fmt::format("  the host writes {} bytes at {:#x}", count, address));
  }

  void use_pool() {
    std::vector<Sequence> sequences;
    for (std::uint32_t i = 0; i < 4; ++i) sequences.push_back(some_sequence());
    for (std::uint32_t round = 10 + random_.below(30); round-- != 0 && !finding_;) {
      std::vector<Lease> leases;
      for (std::uint32_t i = 1 + random_.below(pool_options_.capacity); i-- != 0 && !finding_;) {
        auto lease = pool_->acquire();
        if (!lease) return find("no lease: " + lease.error().to_string());
        leases.push_back(std::move(*lease));
        if (random_.percent(40))
          probe(leases.back(), sequences[random_.below(sequences.size())]);
        else
          change(leases.back());
      }
      while (!leases.empty()) {
        std::swap(leases[random_.below(leases.size())], leases.back());
        leases.pop_back();
        log("reset");
        if (pool_->statistics().audit_failures != 0) return find("audit: " + pool_->audit_report());
      }
    }
  }

  const Engine& engine_;
  Random random_;
  const Settings settings_;
  Tally& tally_;
  CompileOptions main_options_, library_options_;
  PoolOptions pool_options_;
  Linker linker_;
  std::optional<Module> module_;
  std::optional<Pool> pool_;
  std::vector<Callable> actions_, probes_;
  std::uint64_t memory_bytes_ = 65'536;
  std::vector<std::pair<std::string, std::vector<std::byte>>> modules_;
  std::deque<std::string> calls_;
  std::optional<Finding> finding_;
};

}  // namespace

std::optional<Finding> run_case(const Engine& engine, std::uint64_t seed, const std::vector<std::byte>& foreign,
                                const Settings& settings, Tally& tally) {
  return Case(engine, seed, settings, tally).run(foreign);
}

}  // namespace anew::fairness
