// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fairness/generator.hpp"

#include <fmt/format.h>

#include <array>

#include "fairness/host.hpp"
#include "fairness/statements.hpp"

namespace anew::fairness {
namespace {

using enum ValueType;

const FunctionType kPlain{{}, {kI64}};
const FunctionType kNullary{{}, {}};
const FunctionType kProbeType{{kI32}, {kI64}};

/// Makes one module; the parts in the order in which indices are given out.
class Maker {
 public:
  Maker(Random& random, const GeneratorOptions& options) : random_(random), options_(options) {}

  GeneratedModule make() {
    state_.stores = options_.stores;
    state_.plain_type = writer_.type(kPlain);
    state_.action_type = writer_.type(kActionType);
    import_all();
    define_memories();
    define_tables();
    declare_functions();
    define_globals();
    define_segments();
    write_bodies();
    if (options_.library) offer_all();
    made_.memory_bytes = state_.smallest_memory();
    made_.most_extra_pages = extra_pages();
    made_.bytes = writer_.finish();
    return std::move(made_);
  }

 private:
  // --- imports ---

  void import_all() {
    for (const HostFunction& each : host_functions()) {
      state_.functions.push_back(each.type);
      (void)writer_.import_function("host", each.name, each.type);
    }
    if (options_.offer != nullptr) import_library(*options_.offer);
    if (random_.percent(15)) {
      (void)writer_.import_memory("host", "memory", kHostMemory);
      state_.memories.push_back({kHostMemory, false});
    }
    if (random_.percent(15)) {
      (void)writer_.import_table("host", "table", kHostTable);
      state_.tables.push_back(kHostTable);
    }
    if (random_.percent(15)) {
      (void)writer_.import_global("host", "number", kHostGlobal);
      state_.globals.push_back(kHostGlobal);
    }
    for (const auto& [name, type] : kHostVariables) {
      if (!random_.percent(40)) continue;
      (void)writer_.import_global("host", name, type);
      state_.globals.push_back(type);
    }
  }

  void import_library(const Offer& offer) {
    for (const auto& each : offer.functions) {
      const std::uint32_t index = writer_.import_function("library", each.name, each.type);
      state_.functions.push_back(each.type);
      // Its probes are this module's, too: a lease calls the main instance only.
      if (each.name.starts_with("probe") || random_.percent(30)) {
        writer_.export_item("library_" + each.name, ExternalKind::kFunction, index);
        const bool probe = each.type == kPlain || each.type == kProbeType;
        (probe ? made_.probes : made_.actions)
            .push_back({"library_" + each.name, each.type,
                        each.type == kPlain ? Role::kNothing : (probe ? Role::kIndex : Role::kAction)});
      }
      if (each.type == kActionType) state_.callable.push_back(index);
      if (each.type == kPlain) state_.plain.push_back(index);
    }
    for (const auto& each : offer.memories) {
      if (!random_.percent(50)) continue;
      (void)writer_.import_memory("library", each.name, each.type);
      state_.memories.push_back({each.type, true});
    }
    for (const auto& each : offer.tables) {
      if (!random_.percent(50)) continue;
      (void)writer_.import_table("library", each.name, each.type);
      state_.tables.push_back(each.type);
    }
    for (const auto& each : offer.globals) {
      if (!random_.percent(50)) continue;
      (void)writer_.import_global("library", each.name, each.type);
      state_.globals.push_back(each.type);
    }
  }

  // --- memories, tables, globals ---

  void define_memories() {
    const std::uint32_t count = (state_.memories.empty() ? 1 : 0) + random_.below(random_.percent(30) ? 3 : 1);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t pages = 1 + random_.below(random_.percent(30) ? 3 : 1);
      MemoryType type{.limits = {pages, std::nullopt}, .is_64 = random_.percent(20)};
      if (random_.percent(80)) type.limits.maximum = pages + random_.below(5);
      own_memories_.push_back(writer_.memory(type));
      state_.memories.push_back({type, false});
    }
  }

  void define_tables() {
    constexpr std::array kElements = {kFuncRef, kFuncRef, kExternRef, kExnRef};
    const std::uint32_t count = (state_.tables.empty() ? 1 : 0) + random_.below(3);
    for (std::uint32_t i = 0; i < count; ++i) {
      // A card of a table stands for 128 elements.
      const bool many_cards = random_.percent(25);
      const std::uint64_t size = 2 + random_.below(many_cards ? 800 : 12);
      TableType type{.element = i == 0 ? kFuncRef : kElements[random_.below(kElements.size())],
                     .limits = {size, size + random_.below(many_cards ? 400 : 8)},
                     .is_64 = random_.percent(15)};
      own_tables_.push_back(writer_.table(type));
      state_.tables.push_back(type);
    }
    state_.tags.push_back({kI64});
    state_.tags.push_back({kI32, kF64, kI64});
    for (const auto& each : state_.tags) (void)writer_.tag(each);
  }

  /// A constant expression.
  Code initial(ValueType type) {
    switch (type) {
      case kFuncRef:
        if (random_.percent(60)) return Code().op(Op::kRefFunc, random_.pick(state_.referable));
        return Code().op(Op::kRefNull).type(type);
      case kV128: return Code().v128(random_.bits(), random_.bits());
      default: return Code().constant(type, random_.bits());
    }
  }

  void define_globals() {
    state_.budget = writer_.global({kI32, true}, Code().i32(kCallsOfALease));
    state_.globals.push_back({kI32, false});  // not for statements to set
    constexpr std::array kTypes = {kI32, kI64, kF32, kF64, kV128, kFuncRef, kExternRef, kExnRef};
    const std::uint32_t count = 1 + random_.below(8);
    for (std::uint32_t i = 0; i < count; ++i) {
      const GlobalType type{kTypes[random_.below(kTypes.size())], random_.percent(90)};
      own_globals_.push_back(writer_.global(type, initial(type.type)));
      state_.globals.push_back(type);
    }
  }

  void define_segments() {
    const auto bytes = [this] {
      std::vector<std::byte> made(1 + random_.below(random_.percent(20) ? 6000 : 300));
      for (std::byte& each : made) each = static_cast<std::byte>(1 + random_.below(255));
      return made;
    };
    for (std::uint32_t i = 0; i < state_.memories.size(); ++i) {
      const MemoryType& type = state_.memories[i].type;
      for (std::uint32_t j = random_.below(4); j-- != 0;) {
        const auto content = bytes();
        const std::uint64_t at =
            std::min(near_an_edge(random_, state_.bytes_of(i)), state_.bytes_of(i) - content.size());
        Code mode;
        mode.byte(2).unsigned_leb(i).constant(type.is_64 ? kI64 : kI32, at).end();
        state_.data.push_back({static_cast<std::uint32_t>(content.size()), false});
        (void)writer_.data_segment(mode, content);
      }
    }
    for (std::uint32_t j = random_.below(4); j-- != 0;) {
      const auto content = bytes();
      state_.data.push_back({static_cast<std::uint32_t>(content.size()), true});
      (void)writer_.data_segment(Code().byte(1), content);
    }
    for (std::uint32_t i = 0; i < state_.tables.size(); ++i) {
      if (state_.tables[i].element != kFuncRef || random_.percent(15)) continue;
      const std::uint32_t count = 1 + random_.below(state_.tables[i].limits.minimum);
      const std::uint64_t at = random_.below(state_.tables[i].limits.minimum - count + 1);
      Code segment;
      segment.byte(2).unsigned_leb(i).constant(state_.tables[i].is_64 ? kI64 : kI32, at).end().byte(0);
      element_segment(segment, count, false);
    }
    for (std::uint32_t j = random_.below(3); j-- != 0;)
      element_segment(Code().byte(1).byte(0), 1 + random_.below(6), true);
    // Every function that a reference may be made of is declared.
    Code declared;
    declared.byte(3).byte(0).unsigned_leb(state_.referable.size());
    for (const std::uint32_t each : state_.referable) declared.unsigned_leb(each);
    state_.elements.push_back({0, false});
    (void)writer_.element_segment(declared);
  }

  void element_segment(Code head, std::uint32_t count, bool passive) {
    head.unsigned_leb(count);
    for (std::uint32_t i = 0; i < count; ++i) head.unsigned_leb(random_.pick(state_.referable));
    state_.elements.push_back({count, passive});
    (void)writer_.element_segment(head);
  }

  // --- functions ---

  std::uint32_t declare(const FunctionType& type, std::string_view name) {
    const std::uint32_t index = writer_.declare_function(type);
    state_.functions.push_back(type);
    if (!name.empty()) writer_.export_item(name, ExternalKind::kFunction, index);
    return index;
  }
  void declare_action(const std::string& name, Role role) {
    const std::uint32_t index = declare(kActionType, name);
    made_.actions.push_back({name, kActionType, role});
    if (role == Role::kAction) {
      actions_.push_back(index);
      state_.referable.push_back(index);
    }
  }

  void declare_functions() {
    plains_ = 2 + random_.below(3);
    for (std::uint32_t i = 0; i < plains_; ++i) {
      const std::uint32_t index = declare(kPlain, i == 0 ? "plain0" : "");
      state_.plain.push_back(index);
    }
    for (const std::uint32_t each : state_.plain) state_.referable.push_back(each);
    const std::uint32_t count = 3 + random_.below(5);
    for (std::uint32_t i = 0; i < count; ++i) declare_action(fmt::format("action{}", i), Role::kAction);
    declare_action("recursion", Role::kRecursion);
    if (options_.endless) declare_action("endless", Role::kEndless);
    (void)declare(kPlain, "probe");
    made_.probes.push_back({"probe", kPlain, Role::kNothing});
    const auto each_of = [this](const char* name, std::size_t number, Role role) {
      for (std::size_t i = 0; i < number; ++i) {
        const std::string whole = fmt::format("probe_{}{}", name, i);
        (void)declare(kProbeType, whole);
        made_.probes.push_back({whole, kProbeType, role});
      }
    };
    each_of("memory_growth", state_.memories.size(), Role::kGrowth);
    each_of("table_growth", state_.tables.size(), Role::kGrowth);
    each_of("element", state_.tables.size(), Role::kIndex);
    for (const char* const name : {"probe_segment", "probe_function", "probe_host"}) {
      (void)declare(kProbeType, name);
      made_.probes.push_back({name, kProbeType, Role::kIndex});
    }
    made_.has_prelude = !options_.library;
    if (made_.has_prelude) (void)declare(kNullary, "prelude");
    has_start_ = random_.percent(40);
    if (has_start_) writer_.start(declare(kNullary, ""));
  }

  /// Of the next function declared, which is of this type.
  template <typename Fill>
  void body(const FunctionType& type, const State& state, Fill&& fill) {
    Statements made(random_, state);
    fill(made);
    // Every function has the same locals, the first of which may be parameters.
    writer_.body(std::span(Statements::kLocals).subspan(type.parameters.size()), made.code());
  }

  void write_bodies() {
    for (std::uint32_t i = 0; i < plains_; ++i) body(kPlain, state_, [](Statements& made) { made.plain(); });
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      // Calls by name lead to later functions; those through tables anywhere, as long as the budget lasts.
      State state = state_;
      for (std::size_t j = i + 1; j < actions_.size(); ++j) state.callable.push_back(actions_[j]);
      const std::uint32_t statements = options_.stores ? 1 + random_.below(4) : 2 + random_.below(8);
      body(kActionType, state, [statements](Statements& made) { made.action(statements); });
    }
    const std::uint32_t recursion = actions_.back() + 1;
    body(kActionType, state_, [recursion](Statements& made) { made.recursion(recursion); });
    if (options_.endless) body(kActionType, state_, [](Statements& made) { made.endless(); });
    body(kPlain, state_, [](Statements& made) { made.probe(); });
    const auto probe = [this](auto&& fill) { body(kProbeType, state_, fill); };
    for (std::uint32_t i = 0; i < state_.memories.size(); ++i)
      probe([i](Statements& made) { made.probe_memory_growth(i); });
    for (std::uint32_t i = 0; i < state_.tables.size(); ++i)
      probe([i](Statements& made) { made.probe_table_growth(i); });
    for (std::uint32_t i = 0; i < state_.tables.size(); ++i) probe([i](Statements& made) { made.probe_element(i); });
    probe([](Statements& made) { made.probe_segment(); });
    probe([](Statements& made) { made.probe_function(); });
    probe([](Statements& made) { made.probe_host(); });
    const auto safe = [this](bool with_host) {
      body(kNullary, state_, [&](Statements& made) { made.safe(3 + random_.below(6), with_host); });
    };
    if (made_.has_prelude) safe(random_.percent(50));
    if (!has_start_) return;
    made_.start_calls_host = !options_.library && random_.percent(50);
    safe(made_.start_calls_host);
  }

  // --- what others see ---

  void offer_all() {
    for (const std::uint32_t index : own_memories_) {
      if (random_.percent(20)) continue;  // hidden
      made_.offer.memories.push_back({fmt::format("memory{}", index), state_.memories[index].type});
      writer_.export_item(made_.offer.memories.back().name, ExternalKind::kMemory, index);
    }
    for (const std::uint32_t index : own_tables_) {
      if (random_.percent(20)) continue;
      made_.offer.tables.push_back({fmt::format("table{}", index), state_.tables[index]});
      writer_.export_item(made_.offer.tables.back().name, ExternalKind::kTable, index);
    }
    for (const std::uint32_t index : own_globals_) {
      if (random_.percent(20)) continue;
      made_.offer.globals.push_back({fmt::format("global{}", index), state_.globals[index]});
      writer_.export_item(made_.offer.globals.back().name, ExternalKind::kGlobal, index);
    }
    made_.offer.functions.push_back({"plain0", kPlain});
    for (const auto& list : {made_.actions, made_.probes}) {
      for (const Callable& each : list)
        if (each.role != Role::kEndless) made_.offer.functions.push_back({each.name, each.type});
    }
  }

  std::uint32_t extra_pages() const {
    const StateMemory& first = state_.memories.front();
    if (first.linked) return 0;
    if (own_memories_.empty() || own_memories_.front() != 0) return 0;  // the host's: of a fixed type
    if (!first.type.limits.maximum) return 2;
    return static_cast<std::uint32_t>(*first.type.limits.maximum - first.type.limits.minimum);
  }

  Random& random_;
  const GeneratorOptions options_;
  test::ModuleBuilder writer_;
  GeneratedModule made_;
  State state_;
  std::vector<std::uint32_t> own_memories_, own_tables_, own_globals_, actions_;
  std::uint32_t plains_ = 0;
  bool has_start_ = false;
};

}  // namespace

std::uint64_t near_an_edge(Random& random, std::uint64_t size) {
  constexpr std::array<std::uint64_t, 6> kUnits = {512, 512, 1024, 4096, 65'536, 256};
  constexpr std::array<std::int64_t, 14> kNear = {0, 1, -1, -2, -3, -4, -7, -8, -9, -15, -16, -17, -255, 250};
  if (random.percent(20)) return random.bits() % size;
  const std::uint64_t unit = kUnits[random.below(kUnits.size())];
  const auto edge = static_cast<std::int64_t>(unit * (random.bits() % (size / unit + 1)));  // sizes are small
  const std::int64_t delta =
      random.percent(70) ? kNear[random.below(kNear.size())] : static_cast<std::int64_t>(random.below(600)) - 300;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(edge + delta, 0, static_cast<std::int64_t>(size) - 1));
}

GeneratedModule generate(Random& random, const GeneratorOptions& options) { return Maker(random, options).make(); }

}  // namespace anew::fairness
