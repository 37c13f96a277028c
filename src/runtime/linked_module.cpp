// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/linked_module.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/near_match.hpp"
#include "runtime/type_registry.hpp"

namespace anew::detail {
namespace {

std::string describe(const Limits& limits) {
  return limits.maximum ? fmt::format("{} to {}", limits.minimum, *limits.maximum)
                        : fmt::format("{} or more", limits.minimum);
}
std::string describe(const TableType& type) {
  return fmt::format("table of {} {}", describe(type.limits), to_string(type.element));
}
std::string describe_memory(const Limits& limits) { return fmt::format("memory of {} pages", describe(limits)); }
std::string describe(const GlobalType& type) {
  return fmt::format("{} global {}", type.is_mutable ? "mutable" : "immutable", to_string(type.type));
}
std::string describe(const LinkerDefinition& definition) {
  switch (static_cast<ExternalKind>(definition.index())) {
    case ExternalKind::kFunction: return "function " + to_string(std::get<HostDefinition>(definition).type);
    case ExternalKind::kTable: return describe(std::get<TableType>(definition));
    case ExternalKind::kMemory: return describe_memory(std::get<Limits>(definition));
    case ExternalKind::kGlobal: return describe(GlobalType{std::get<Value>(definition).type, false});
  }
  return "";
}

/// A message names this many imports: a hostile module has a million, with types that take kilobytes to write down.
constexpr std::size_t kShownProblems = 100;

/// Resolves the imports one after the other and collects everything that is wrong with them.
class Resolver {
 public:
  Resolver(LinkedModule& linked, const LinkerState& linker) : linked_(linked), linker_(linker) {}

  void resolve(const wasm::Import& import) {
    const auto found = linker_.definitions.find(std::pair(std::string(import.module), std::string(import.name)));
    const bool is_function = import.kind() == ExternalKind::kFunction;
    if (import.kind() == ExternalKind::kGlobal && std::get<GlobalType>(import.type).is_mutable) {
      return refuse(import, "is mutable: state outside the instance cannot be restored, so it cannot be imported");
    }
    if (found == linker_.definitions.end()) {
      if (is_function && linker_.trap_unknown_functions) return define(not_implemented(import));
      return refuse(import, "is not defined" + near(import));
    }
    const LinkerDefinition& definition = found->second;
    if (static_cast<ExternalKind>(definition.index()) != import.kind()) {
      return refuse(import, "is defined as " + describe(definition));
    }
    switch (import.kind()) {
      case ExternalKind::kFunction: return function(import, std::get<HostDefinition>(definition));
      case ExternalKind::kTable: return table(import, std::get<TableType>(definition));
      case ExternalKind::kMemory: return memory(import, std::get<Limits>(definition));
      case ExternalKind::kGlobal: return global(import, std::get<Value>(definition));
    }
  }

  /// What is wrong, a line each; of a module with very many problems, the first ones.
  std::vector<std::string> problems;
  std::uint64_t problems_in_all = 0;

 private:
  [[nodiscard]] std::string wanted(const wasm::Import& import) const {
    switch (import.kind()) {
      case ExternalKind::kFunction:
        return "function " + to_string(linked_.wasm().types[std::get<std::uint32_t>(import.type)]);
      case ExternalKind::kTable: return describe(std::get<TableType>(import.type));
      case ExternalKind::kMemory: return describe_memory(std::get<MemoryType>(import.type).limits);
      case ExternalKind::kGlobal: return describe(std::get<GlobalType>(import.type));
    }
    return "";
  }

  [[nodiscard]] bool is_shown() const noexcept { return problems.size() < kShownProblems; }

  void refuse(const wasm::Import& import, std::string_view why) {
    ++problems_in_all;
    if (is_shown()) problems.push_back(fmt::format("{}.{} ({}) {}", import.module, import.name, wanted(import), why));
  }

  [[nodiscard]] std::string near(const wasm::Import& import) const {
    if (!is_shown()) return "";
    std::vector<std::string> names;
    names.reserve(linker_.definitions.size());
    for (const auto& [name, definition] : linker_.definitions) names.push_back(name.first + "." + name.second);
    const std::vector<std::string_view> views(names.begin(), names.end());
    return near_matches(fmt::format("{}.{}", import.module, import.name), views);
  }

  [[nodiscard]] HostDefinition not_implemented(const wasm::Import& import) const {
    HostDefinition definition;
    definition.type = linked_.wasm().types[std::get<std::uint32_t>(import.type)];
    definition.environment = std::make_shared<std::string>(
        fmt::format("not implemented: {} (imported from {})", import.name, import.module));
    definition.call = [](void* environment, std::byte*, std::uint64_t*) -> std::uint32_t {
      try {
        // The environment made above, of this very type.
        return raise_host_error(
            Error{ErrorCode::kHost, *static_cast<const std::string*>(environment), std::nullopt, TrapKind::kNone, {}});
      } catch (...) {
        return raise_host_exception();
      }
    };
    return definition;
  }

  void define(const HostDefinition& definition) {
    linked_.host_functions.push_back({definition.call, definition.environment.get()});
    linked_.environments.push_back(definition.environment);
  }

  void function(const wasm::Import& import, const HostDefinition& definition) {
    if (definition.type != linked_.wasm().types[std::get<std::uint32_t>(import.type)]) {
      return refuse(import, "is defined as " + describe(LinkerDefinition(definition)));
    }
    define(definition);
  }

  void table(const wasm::Import& import, const TableType& definition) {
    const TableType& type = std::get<TableType>(import.type);
    // Matching of table types (specification, 4.5.4): the same elements, and limits within those that are declared.
    const bool fits =
        definition.element == type.element && definition.limits.minimum >= type.limits.minimum &&
        (!type.limits.maximum || (definition.limits.maximum && *definition.limits.maximum <= *type.limits.maximum));
    if (!fits) return refuse(import, "is defined as " + describe(definition));
    linked_.tables.push_back(definition.limits);
  }

  void memory(const wasm::Import& import, const Limits& definition) {
    const Limits& declared = std::get<MemoryType>(import.type).limits;
    // The memory is made for this import: a definition without a maximum takes the import's, and the size is the larger
    // of both minimums.
    Limits limits = {std::max(declared.minimum, definition.minimum), declared.maximum};
    if (definition.maximum) {
      if (declared.maximum && *definition.maximum > *declared.maximum) {
        return refuse(import, "is defined as " + describe_memory(definition));
      }
      limits.maximum = definition.maximum;
    }
    if (limits.maximum && limits.minimum > *limits.maximum) {
      return refuse(import, "is defined as " + describe_memory(definition));
    }
    imported_memory = limits;
  }

  void global(const wasm::Import& import, const Value& value) {
    const GlobalType& type = std::get<GlobalType>(import.type);
    if (type.type != value.type) return refuse(import, "is defined as " + describe(GlobalType{value.type, false}));
    if (value.type == ValueType::kFuncRef && value.bits != 0) {
      return refuse(import, "is defined as a reference to a function of another instance; only null can be imported");
    }
    linked_.imported_globals.push_back(value.bits);
  }

  LinkedModule& linked_;
  const LinkerState& linker_;

 public:
  std::optional<Limits> imported_memory;
};

Result<void> size_memory(LinkedModule& linked, const std::optional<Limits>& imported, std::uint64_t extra_pages) {
  const wasm::Module& module = linked.wasm();
  if (module.memories.empty()) {
    if (extra_pages == 0) return {};
    return fail(ErrorCode::kArgument, "extra memory pages were asked for, but the module has no memory");
  }
  constexpr std::uint64_t kMostPages = abi::kMemoryAddressSpace / abi::kWasmPageBytes;
  const Limits limits = imported ? *imported : module.memories[0].limits;
  const std::uint64_t most = std::min(limits.maximum.value_or(kMostPages), kMostPages);
  // Written so that no sum can overflow.
  if (limits.minimum > most || extra_pages > most - limits.minimum) {
    return fail(
        ErrorCode::kArgument,
        fmt::format("memory 0 begins with {} pages and may have {}: {} extra pages do not fit; ask for {} at most",
                    limits.minimum, most, extra_pages, most - std::min(limits.minimum, most)));
  }
  linked.memory_initial = (limits.minimum + extra_pages) * abi::kWasmPageBytes;
  linked.memory_maximum = most * abi::kWasmPageBytes;
  return {};
}

Result<void> size_tables(LinkedModule& linked) {
  const wasm::Module& module = linked.wasm();
  for (std::size_t i = linked.tables.size(); i < module.tables.size(); ++i) {
    linked.tables.push_back(module.tables[i].limits);
  }
  for (std::size_t i = 0; i < linked.tables.size(); ++i) {
    Limits& limits = linked.tables[i];
    const std::uint64_t room = linked.layout().table_capacity(static_cast<std::uint32_t>(i));
    if (limits.minimum > room) {
      return fail(ErrorCode::kLimit,
                  fmt::format("table {} begins with {} elements; there is room for {}", i, limits.minimum, room));
    }
    limits.maximum = std::min(limits.maximum.value_or(room), room);
  }
  return {};
}

}  // namespace

Result<wasm::Export> LinkedModule::find_export(std::string_view name, ExternalKind kind) const {
  const auto found = exports.find(name);
  if (found != exports.end() && found->second.kind == kind) return found->second;
  if (found != exports.end()) {
    return fail(ErrorCode::kArgument, fmt::format("the export \"{}\" is a {}, not a {}", name,
                                                  to_string(found->second.kind), to_string(kind)));
  }
  std::vector<std::string_view> names;
  for (const wasm::Export& each : wasm().exports) {
    if (each.kind == kind) names.push_back(each.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("the module exports no {} \"{}\"{}", to_string(kind), name, near_matches(name, names)));
}

Result<std::shared_ptr<const LinkedModule>> link(std::shared_ptr<const ModuleState> module, const LinkerState& linker,
                                                 std::uint64_t extra_pages) {
  auto linked = std::make_shared<LinkedModule>();
  linked->module = std::move(module);
  const wasm::Module& wasm = linked->wasm();
  for (const MemoryType& memory : wasm.memories) {
    if (memory.shared) {
      return fail(ErrorCode::kUnsupported,
                  "the module uses shared memory, which other threads may change at any time: it cannot be restored");
    }
    if (memory.is_64) return fail(ErrorCode::kUnsupported, "the module uses a 64-bit memory");
  }

  Resolver resolver(*linked, linker);
  for (const wasm::Import& import : wasm.imports) resolver.resolve(import);
  if (!resolver.problems.empty()) {
    return fail(ErrorCode::kLink,
                fmt::format("{} of the module's {} imports cannot be linked:\n  {}{}", resolver.problems_in_all,
                            wasm.imports.size(), fmt::join(resolver.problems, "\n  "),
                            resolver.problems_in_all > resolver.problems.size() ? "\n  and more" : ""));
  }
  if (auto sized = size_memory(*linked, resolver.imported_memory, extra_pages); !sized) {
    return std::unexpected(std::move(sized.error()));
  }
  if (auto sized = size_tables(*linked); !sized) return std::unexpected(std::move(sized.error()));

  linked->type_ids.reserve(wasm.types.size());
  for (const FunctionType& type : wasm.types) linked->type_ids.push_back(type_identity(type));
  linked->exports.reserve(wasm.exports.size());
  for (const wasm::Export& each : wasm.exports) linked->exports.emplace(each.name, each);
  return linked;
}

}  // namespace anew::detail
