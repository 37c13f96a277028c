// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/import_resolver.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/near_match.hpp"
#include "runtime/type_registry.hpp"
#include "wasm/printable.hpp"

namespace anew::detail {
namespace {

/// A message names this many imports: a hostile module has a million, with types that take kilobytes to write down.
constexpr std::size_t kShownProblems = 100;
/// And looks at this many exports for the name that was meant.
constexpr std::size_t kLookedAt = 10'000;

ExternalType type_of(const LinkerDefinition& definition) {
  switch (static_cast<ExternalKind>(definition.index())) {  // the alternatives are in the order of ExternalKind
    case ExternalKind::kFunction: return std::get<HostDefinition>(definition).type;
    case ExternalKind::kTable: return std::get<TableType>(definition);
    case ExternalKind::kMemory: return MemoryType{.limits = std::get<Limits>(definition)};
    default: {
      const auto& global = std::get<GlobalDefinition>(definition);
      return GlobalType{.type = global.value.type, .is_mutable = global.is_mutable};
    }
  }
}

/// Matching of limits (specification, 3.4.14): within those that are declared.
bool fits(const Limits& found, const Limits& declared) noexcept {
  return found.minimum >= declared.minimum &&
         (!declared.maximum || (found.maximum && *found.maximum <= *declared.maximum));
}

/// What trap_unknown_functions links a function to.
HostDefinition not_implemented(const wasm::Import& import) {
  HostDefinition definition;
  definition.environment = std::make_shared<std::string>(fmt::format("not implemented: {} (imported from {})",
                                                                     wasm::printable_name(import.name),
                                                                     wasm::printable_name(import.module)));
  definition.call = [](void* environment, std::byte*, std::uint64_t*) -> std::uint32_t {
    try {
      // The environment made above, of this very type.
      return raise_host_error(make_error(ErrorCode::kHost, *static_cast<const std::string*>(environment)));
    } catch (...) {
      return raise_host_exception();
    }
  };
  return definition;
}

/// Of memories or tables.
bool only_limits_differ(const wasm::Import& import, const ExternalType& type) {
  if (const auto* const memory = std::get_if<MemoryType>(&type)) {
    const auto& wanted = std::get<MemoryType>(import.type);
    return memory->is_64 == wanted.is_64 && memory->shared == wanted.shared;
  }
  if (const auto* const table = std::get_if<TableType>(&type)) {
    const auto& wanted = std::get<TableType>(import.type);
    return table->is_64 == wanted.is_64 && table->element == wanted.element;
  }
  return false;
}

}  // namespace

ImportResolver::ImportResolver(LinkedModule& linked, const LinkerState& linker, const StoreState& store)
    : linked_(linked), linker_(linker), store_(store) {
  for (const auto& instance : store.instances) {
    for (const auto [number, index] : instance->linked->made) {
      const wasm::Import& import = instance->linked->wasm().imports[number];
      made_.try_emplace({import.module, import.name}, Item{import.kind(), instance.get(), index});
    }
  }
}

void ImportResolver::resolve(const wasm::Import& import) {
  if (const auto item = find_in_store(import)) return resolve_to(import, *item);
  const auto found = linker_.definitions.find(std::pair(std::string(import.module), std::string(import.name)));
  if (found == linker_.definitions.end()) {
    if (import.kind() == ExternalKind::kFunction && linker_.trap_unknown_functions) {
      const HostDefinition definition = not_implemented(import);
      return add_function({}, {definition.call, definition.environment.get()}, definition.environment);
    }
    return refuse(import, "is not defined" + near(import));
  }
  const LinkerDefinition& definition = found->second;
  if (static_cast<ExternalKind>(definition.index()) != import.kind()) return refuse(import, type_of(definition));
  if (const auto made = made_.find({import.module, import.name}); made != made_.end())
    return resolve_to(import, made->second);
  std::visit([&](const auto& each) { resolve_to(import, each); }, definition);
}

void ImportResolver::resolve(const wasm::Import& import, const Supplied& supplied) {
  resolve_to(import, follow(supplied.kind, *supplied.instance, supplied.index));
}

void ImportResolver::resolve(const wasm::Import& import, const HostDefinition& definition) {
  import.kind() == ExternalKind::kFunction ? resolve_to(import, definition) : refuse(import, definition.type);
}

Result<void> ImportResolver::finish() const {
  if (problems_.empty()) return {};
  return fail(ErrorCode::kLink, fmt::format("{} of the module's {} imports cannot be linked:\n  {}{}", problems_in_all_,
                                            linked_.wasm().imports.size(), fmt::join(problems_, "\n  "),
                                            problems_in_all_ > problems_.size() ? "\n  and more" : ""));
}

// --- What is wrong --------------------------------------------------------------------------------------------------

bool ImportResolver::is_shown() const noexcept { return problems_.size() < kShownProblems; }

void ImportResolver::refuse(const wasm::Import& import, std::string_view why) {
  ++problems_in_all_;
  if (!is_shown()) return;
  problems_.push_back(fmt::format("{}.{} ({}) {}", wasm::printable_name(import.module),
                                  wasm::printable_name(import.name),
                                  to_text_with_kind(detail::type_of(linked_.wasm(), import)), why));
}

void ImportResolver::refuse(const wasm::Import& import, const ExternalType& found) {
  refuse(import, "is defined as " + to_text_with_kind(found));
}

std::string ImportResolver::near(const wasm::Import& import) {
  if (!is_shown()) return "";
  if (names_.empty()) {
    for (const auto& [name, definition] : linker_.definitions) names_.push_back(name.first + "." + name.second);
    for (const auto& [name, number] : store_.names) {
      const std::vector<wasm::Export>& exports = store_.instances[number]->linked->wasm().exports;
      for (std::size_t i = 0; i < exports.size() && names_.size() < kLookedAt; ++i)
        names_.push_back(fmt::format("{}.{}", name, exports[i].name));
    }
  }
  const std::vector<std::string_view> views(names_.begin(), names_.end());
  return near_matches(fmt::format("{}.{}", import.module, import.name), views);
}

// --- What other instances export ------------------------------------------------------------------------------------

std::optional<ImportResolver::Item> ImportResolver::find_in_store(const wasm::Import& import) const {
  const auto named = store_.names.find(import.module);
  if (named == store_.names.end()) return std::nullopt;
  const Instance& exporter = *store_.instances[named->second];
  const auto found = exporter.linked->exports.find(import.name);
  if (found == exporter.linked->exports.end()) return std::nullopt;
  return follow(found->second.kind, exporter, found->second.index);
}

ImportResolver::Item ImportResolver::follow(ExternalKind kind, const Instance& instance, std::uint32_t index) const {
  // It may itself be imported: it was followed to its owner when that instance was linked.
  const std::vector<Source>& sources = instance.linked->sources(kind);
  if (index >= sources.size() || sources[index].is_own()) return Item{kind, &instance, index};
  return Item{kind, store_.instances[sources[index].instance].get(), sources[index].index};
}

/// With the sizes that memories and tables have now.
ExternalType ImportResolver::type_of_item(const Item& item) const {
  const LinkedModule& linked = linked_of(item);
  ExternalType type = detail::type_of(linked.wasm(), item.kind, item.index);
  if (auto* const table = std::get_if<TableType>(&type)) {
    table->limits = item.owner == nullptr ? host_tables[item.index]
                                          : Limits{table_header(item.owner->table(item.index)).size,
                                                   linked.table_sizes[item.index].declared};
  } else if (auto* const memory = std::get_if<MemoryType>(&type)) {
    memory->limits =
        item.owner == nullptr
            ? host_memories[item.index]
            : Limits{abi::hot_header(item.owner->memory(item.index).base).memory_bytes / abi::kWasmPageBytes,
                     linked.memory_sizes[item.index].declared};
  } else if (auto* const global = std::get_if<GlobalType>(&type);
             global != nullptr && item.index < linked.globals.size()) {
    global->type = linked.host_globals[item.index].type;  // an import of it may ask for less
  }
  return type;
}

bool ImportResolver::matches(const wasm::Import& import, const Item& item, const ExternalType& type) const {
  const LinkedModule& from = linked_of(item);
  switch (import.kind()) {
    case ExternalKind::kFunction:
      return is_subtype(from.type_scope(), from.wasm().functions[item.index], linked_.type_scope(),
                        std::get<std::uint32_t>(import.type));
    case ExternalKind::kTable: {
      const auto& found = std::get<TableType>(type);
      const auto& declared = std::get<TableType>(import.type);
      return equal_types({found.element, from.type_scope()}, {declared.element, linked_.type_scope()}) &&
             found.is_64 == declared.is_64 && fits(found.limits, declared.limits);
    }
    case ExternalKind::kMemory: {
      const auto& found = std::get<MemoryType>(type);
      const auto& declared = std::get<MemoryType>(import.type);
      return found.is_64 == declared.is_64 && found.shared == declared.shared && fits(found.limits, declared.limits);
    }
    case ExternalKind::kGlobal: {
      const auto& found = std::get<GlobalType>(type);
      const auto& declared = std::get<GlobalType>(import.type);
      const ScopedType value = {found.type, from.type_scope()};
      const ScopedType wanted = {declared.type, linked_.type_scope()};
      return found.is_mutable == declared.is_mutable &&
             (found.is_mutable ? equal_types(value, wanted) : is_subtype(value, wanted));
    }
    case ExternalKind::kTag:
      return from.type_ids[from.wasm().tags[item.index].type] ==
             linked_.type_ids[std::get<wasm::Tag>(import.type).type];
  }
  return false;
}

void ImportResolver::resolve_to(const wasm::Import& import, const Item& item) {
  const ExternalType type = type_of_item(item);
  if (item.kind != import.kind()) return refuse(import, type);
  if (!matches(import, item, type)) {
    // Text does not tell groups, supertypes and indices of one module from those of another.
    const bool reads_alike = to_text_with_kind(type) == to_text_with_kind(detail::type_of(linked_.wasm(), import));
    const bool is_made = item.index < linked_of(item).sources(item.kind).size();
    if (is_made && only_limits_differ(import, type)) {
      return refuse(import, fmt::format("is defined as {}, made for the first import of it in the store: define it "
                                        "with limits that suit all",
                                        to_text_with_kind(type)));
    }
    return reads_alike ? refuse(import,
                                "is defined with a type that reads alike, but of another recursive group, with "
                                "other supertypes, final where this one is not, or naming other types")
                       : refuse(import, type);
  }
  const auto own_number = static_cast<std::uint32_t>(store_.instances.size());  // each takes pages: far fewer than 2^32
  const Source source = {item.owner != nullptr ? item.owner->number : own_number, item.index};
  const LinkedModule& from = linked_of(item);
  switch (item.kind) {
    case ExternalKind::kFunction:
      // A host function that the other instance imports is called with the cell of the one that calls it.
      if (item.index < from.functions.size())
        return add_function({}, from.host_functions[item.index], from.environments[item.index]);
      return add_function(source, {}, nullptr);
    case ExternalKind::kTable:
      linked_.tables.push_back(source);
      host_tables.emplace_back();
      return;
    case ExternalKind::kMemory:
      linked_.memories.push_back(source);
      host_memories.emplace_back();
      return;
    case ExternalKind::kGlobal:
      linked_.globals.push_back(source);
      linked_.host_globals.emplace_back();
      return;
    case ExternalKind::kTag: linked_.tags.push_back(source); return;
  }
}

// --- What the host defines ------------------------------------------------------------------------------------------

void ImportResolver::add_function(Source source, abi::HostFunction function, std::shared_ptr<void> environment) {
  linked_.functions.push_back(source);
  linked_.host_functions.push_back(function);
  linked_.environments.push_back(std::move(environment));
}

void ImportResolver::resolve_to(const wasm::Import& import, const HostDefinition& definition) {
  const FunctionType& type = linked_.wasm().types[std::get<std::uint32_t>(import.type)];
  if (definition.type != type) return refuse(import, definition.type);
  for (const StateType* const state : definition.states)
    if (std::ranges::none_of(linker_.states, [state](const auto& each) { return &each->type() == state; }))
      return refuse(import, fmt::format("takes a host state {} that the linker does not define", state->name));
  if (has_typed_references(type))
    return refuse(import, "is the host's, whose functions cannot have references to functions of a given type");
  add_function({}, {definition.call, definition.environment.get()}, definition.environment);
}

void ImportResolver::resolve_to(const wasm::Import& import, const TableType& definition) {
  const auto& declared = std::get<TableType>(import.type);
  // Its elements are null at first.
  const bool can_be_made = is_nullable(definition.element) && !is_typed_reference(definition.element);
  if (!can_be_made || definition.element != declared.element || definition.is_64 != declared.is_64 ||
      !fits(definition.limits, declared.limits)) {
    return refuse(import, definition);
  }
  note_made(import, linked_.tables.size());
  linked_.tables.emplace_back();
  host_tables.push_back(definition.limits);
}

void ImportResolver::resolve_to(const wasm::Import& import, const Limits& definition) {
  const Limits& declared = std::get<MemoryType>(import.type).limits;
  // The memory is made for this import, the first of its store: a definition without a maximum takes the import's, and
  // the size is the larger of both minimums.
  Limits limits = {std::max(declared.minimum, definition.minimum), declared.maximum};
  if (definition.maximum) limits.maximum = definition.maximum;
  if ((definition.maximum && declared.maximum && *definition.maximum > *declared.maximum) ||
      (limits.maximum && limits.minimum > *limits.maximum)) {
    return refuse(import, MemoryType{.limits = definition});
  }
  note_made(import, linked_.memories.size());
  linked_.memories.emplace_back();
  host_memories.push_back(limits);
}

void ImportResolver::resolve_to(const wasm::Import& import, const GlobalDefinition& definition) {
  const auto& declared = std::get<GlobalType>(import.type);
  const Value& value = definition.value;
  const ScopedType given = {value.type, {}};
  const ScopedType wanted = {declared.type, linked_.type_scope()};
  if (definition.is_mutable != declared.is_mutable ||
      !(declared.is_mutable ? equal_types(given, wanted) : is_subtype(given, wanted))) {
    return refuse(import, GlobalType{.type = value.type, .is_mutable = definition.is_mutable});
  }
  if (is_reference(value.type)) {
    // The same for every store that the module is linked into: a function or exception of one cannot be meant.
    const bool needs_null = with_null(value.type) != ValueType::kExternRef;
    if (needs_null && value.bits != 0)
      return refuse(import, "is defined as a reference into another instance; only null can be imported");
    if (value.bits == 0 && !is_nullable(value.type))
      return refuse(import, "is defined as null, which its type does not allow");
  }
  if (definition.is_mutable) note_made(import, linked_.globals.size());
  linked_.globals.emplace_back();
  linked_.host_globals.push_back(value);
}

void ImportResolver::note_made(const wasm::Import& import, std::size_t index) {
  // Both are bounded by limits::kImports.
  const auto number = static_cast<std::uint32_t>(&import - linked_.wasm().imports.data());
  const auto place = static_cast<std::uint32_t>(index);
  linked_.made.push_back({number, place});
  made_.emplace(Names{import.module, import.name}, Item{import.kind(), nullptr, place});
}

}  // namespace anew::detail
