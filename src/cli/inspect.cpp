// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew inspect: what a module holds, as text or JSON.
#include <fmt/format.h>

#include <anew/value.hpp>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "abi/cell.hpp"
#include "cli/command_line.hpp"
#include "cli/component_file.hpp"
#include "cli/inspection.hpp"
#include "cli/instance_options.hpp"
#include "cli/module_file.hpp"
#include "cli/output.hpp"
#include "component/linked.hpp"
#include "os/try.hpp"
#include "runtime/ledger_choice.hpp"
#include "runtime/type_text.hpp"
#include "wasm/decoder.hpp"

namespace anew::cli {

namespace {

constexpr const char* kNoHeapBase = "not known: there is no exported global __heap_base with a constant value";

struct InspectOptions {
  std::string file;
  Features features = Features::all();
  bool json = false;
};

std::string type_of(const wasm::Module& module, const wasm::Import& import) {
  return detail::to_text(detail::type_of(module, import));
}
std::string type_of(const wasm::Module& module, ExternalKind kind, std::uint32_t index) {
  return detail::to_text(detail::type_of(module, kind, index));
}
std::string type_of(const wasm::Module& module, const wasm::Export& exported) {
  return type_of(module, exported.kind, exported.index);
}

std::string section_name(const wasm::SectionRange& section) {
  static constexpr std::array<std::string_view, 14> kNames = {"custom", "type",   "import",     "function", "table",
                                                              "memory", "global", "export",     "start",    "element",
                                                              "code",   "data",   "data count", "tag"};
  if (section.id == 0) return fmt::format("custom \"{}\"", section.name);
  return std::string(section.id < kNames.size() ? kNames[section.id] : "unknown");
}

/// The names under which something is exported.
std::vector<std::string> exported_as(const wasm::Module& module, ExternalKind kind, std::uint32_t index) {
  std::vector<std::string> names;
  for (const wasm::Export& exported : module.exports)
    if (exported.kind == kind && exported.index == index) names.emplace_back(exported.name);
  return names;
}

std::string list(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

std::vector<std::string> names_of(Features features) {
  std::vector<std::string> names;
  for (const Feature each : features.list()) names.emplace_back(to_string(each));
  return names;
}

void print_lines(std::string_view title, const std::vector<std::string>& lines) {
  fmt::print("{}{}\n", title, lines.empty() ? ": none" : "");
  for (const std::string& line : lines) fmt::print("  {}\n", printable(line));
}

std::vector<std::string> section_lines(const wasm::Module& module) {
  std::vector<std::string> lines;
  for (const auto& section : module.sections)
    lines.push_back(fmt::format("{:<24} {:>10} bytes at {:#x}", section_name(section), section.size, section.offset));
  return lines;
}

/// A line for each memory, table or tag.
std::vector<std::string> lines_of(const wasm::Module& module, ExternalKind kind, std::size_t count,
                                  std::uint32_t imported) {
  std::vector<std::string> lines;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto names = exported_as(module, kind, i);
    lines.push_back(fmt::format("{}: {}{}{}", i, type_of(module, kind, i), i < imported ? ", imported" : "",
                                names.empty() ? "" : ", exported as " + list(names)));
  }
  return lines;
}

/// With a name for each count that is not 0.
std::vector<std::pair<const char*, std::uint64_t>> operator_counts(const OperatorCounts& operators) {
  std::vector<std::pair<const char*, std::uint64_t>> counts = {{"vectors", operators.vectors},
                                                               {"relaxed_vectors", operators.relaxed_vectors},
                                                               {"wide_integers", operators.wide_integers},
                                                               {"atomics", operators.atomics},
                                                               {"tail_calls", operators.tail_calls},
                                                               {"exceptions", operators.exceptions},
                                                               {"function_references", operators.function_references}};
  std::erase_if(counts, [](const auto& each) { return each.second == 0; });
  return counts;
}

std::vector<std::string> mutable_global_lines(const wasm::Module& module, const Inspection& inspection) {
  std::vector<std::string> lines;
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    if (!module.globals[i].type.is_mutable) continue;
    const auto name = inspection.global_names.find(i);
    const auto names = exported_as(module, ExternalKind::kGlobal, i);
    lines.push_back(fmt::format("{}: {}{}{}, {}", i, to_string(module.globals[i].type.type),
                                name == inspection.global_names.end() ? "" : " " + name->second,
                                i < module.imported_globals ? ", imported" : "",
                                names.empty() ? "not exported" : "exported as " + list(names)));
  }
  return lines;
}

void print_text(const wasm::Module& module, std::uint64_t bytes, const Inspection& inspection) {
  fmt::print("{} bytes; {} types, {} functions ({} imported), {} globals\n", bytes, module.types.size(),
             module.functions.size(), module.imported_functions, module.globals.size());
  print_lines("sections", section_lines(module));
  std::vector<std::string> lines;
  for (const auto& import : module.imports) {
    lines.push_back(
        fmt::format("{} {}.{}: {}", to_string(import.kind()), import.module, import.name, type_of(module, import)));
  }
  print_lines("imports", lines);
  lines.clear();
  for (const auto& exported : module.exports)
    lines.push_back(fmt::format("{} {}: {}", to_string(exported.kind), exported.name, type_of(module, exported)));
  print_lines("exports", lines);
  print_lines("memories", lines_of(module, ExternalKind::kMemory, module.memories.size(), module.imported_memories));
  print_lines("tables", lines_of(module, ExternalKind::kTable, module.tables.size(), module.imported_tables));
  print_lines("tags", lines_of(module, ExternalKind::kTag, module.tags.size(), module.imported_tags));
  fmt::print("image: {} pages of 4096 bytes with data, {} zero pages\n", inspection.image.data,
             inspection.image.all - inspection.image.data);
  for (const std::string& note : inspection.image.notes) fmt::print("  {}\n", note);
  print_lines("mutable globals", mutable_global_lines(module, inspection));
  fmt::print("start function: {}\n", inspection.start.empty() ? "none" : inspection.start);
  if (inspection.heap_base)
    fmt::print("heap base: {} ({})\n", inspection.heap_base->address, inspection.heap_base->found);
  else
    fmt::print("heap base: {}\n", kNoHeapBase);
  const detail::LedgerChoice ledger = detail::choose_ledger(Ledger::kAuto, true);
  fmt::print("ledger: {}, because {}\n", to_string(ledger.ledger), ledger.reason);
  fmt::print("card size: {} bytes\n", 1u << abi::default_card_shift(module));
  if (inspection.writes.memory_grows > 0) {
    fmt::print(
        "growth: the code grows its memory; if each call does, --bounds explicit or a --prelude that has grown "
        "it may pay\n");
  }
  lines.clear();
  for (const auto& [name, count] : operator_counts(inspection.operators))
    lines.push_back(fmt::format("{:<24} {:>10}", name, count));
  print_lines("operators of later proposals", lines);
  fmt::print("proposals needed: {}\n", inspection.features.empty() ? "none" : list(names_of(inspection.features)));
  print_lines("a reset restores", inspection.restored);
  print_lines("must come from a linked module", inspection.links);
}

nlohmann::ordered_json limits_json(const Limits& limits) {
  nlohmann::ordered_json object = {{"minimum", limits.minimum}, {"maximum", nullptr}};
  if (limits.maximum) object["maximum"] = *limits.maximum;
  return object;
}

nlohmann::ordered_json to_json(const wasm::Module& module, std::uint64_t bytes, const Inspection& inspection) {
  using json = nlohmann::ordered_json;
  json object = {{"bytes", bytes},
                 {"types", module.types.size()},
                 {"functions", {{"imported", module.imported_functions}, {"defined", module.defined_functions()}}},
                 {"sections", json::array()},
                 {"imports", json::array()},
                 {"exports", json::array()},
                 {"memories", json::array()},
                 {"tables", json::array()},
                 {"tags", json::array()},
                 {"mutable_globals", json::array()}};
  for (const auto& section : module.sections) {
    json entry = {
        {"id", section.id}, {"name", section_name(section)}, {"offset", section.offset}, {"size", section.size}};
    if (section.id == 0) entry["name"] = section.name;
    object["sections"].push_back(std::move(entry));
  }
  for (const auto& import : module.imports) {
    object["imports"].push_back({{"module", import.module},
                                 {"name", import.name},
                                 {"kind", to_string(import.kind())},
                                 {"type", type_of(module, import)}});
  }
  for (const auto& exported : module.exports) {
    object["exports"].push_back(
        {{"name", exported.name}, {"kind", to_string(exported.kind)}, {"type", type_of(module, exported)}});
  }
  for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
    json entry = limits_json(module.memories[i].limits);
    entry["is_64"] = module.memories[i].is_64;
    entry["imported"] = i < module.imported_memories;
    entry["exported_as"] = exported_as(module, ExternalKind::kMemory, i);
    object["memories"].push_back(std::move(entry));
  }
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
    json entry = limits_json(module.tables[i].limits);
    entry["is_64"] = module.tables[i].is_64;
    entry["element"] = to_string(module.tables[i].element);
    entry["imported"] = i < module.imported_tables;
    entry["exported_as"] = exported_as(module, ExternalKind::kTable, i);
    object["tables"].push_back(std::move(entry));
  }
  for (std::uint32_t i = 0; i < module.tags.size(); ++i) {
    object["tags"].push_back({{"type", type_of(module, ExternalKind::kTag, i)},
                              {"imported", i < module.imported_tags},
                              {"exported_as", exported_as(module, ExternalKind::kTag, i)}});
  }
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    if (!module.globals[i].type.is_mutable) continue;
    const auto name = inspection.global_names.find(i);
    object["mutable_globals"].push_back({{"index", i},
                                         {"type", to_string(module.globals[i].type.type)},
                                         {"name", name == inspection.global_names.end() ? "" : name->second},
                                         {"imported", i < module.imported_globals},
                                         {"exported_as", exported_as(module, ExternalKind::kGlobal, i)}});
  }
  object["image"] = {{"page_bytes", 4096},
                     {"pages", inspection.image.data},
                     {"zero_pages", inspection.image.all - inspection.image.data},
                     {"notes", inspection.image.notes}};
  object["start"] = nullptr;
  if (module.start) object["start"] = *module.start;
  if (inspection.heap_base)
    object["heap_base"] = {{"value", inspection.heap_base->address}, {"found", inspection.heap_base->found}};
  else
    object["heap_base"] = {{"value", nullptr}, {"found", kNoHeapBase}};
  const detail::LedgerChoice ledger = detail::choose_ledger(Ledger::kAuto, true);
  object["ledger"] = {{"name", to_string(ledger.ledger)}, {"reason", ledger.reason}};
  object["card_bytes"] = 1u << abi::default_card_shift(module);
  object["operators"] = json::object();
  for (const auto& [name, count] : operator_counts(inspection.operators)) object["operators"][name] = count;
  object["features"] = names_of(inspection.features);
  object["restores"] = inspection.restored;
  object["links"] = inspection.links;
  return object;
}

void print_snapshot(const artifact::SavedSnapshot& snapshot) {
  std::vector<std::string> lines;
  for (const auto& instance : snapshot.instances) {
    const std::string name = instance.names.empty() ? "main" : fmt::format("\"{}\"", list(instance.names));
    if (instance.memories.empty()) lines.push_back(name + ": no memory");
    for (const auto& memory : instance.memories) {
      lines.push_back(fmt::format("{}: memory {} of {} bytes, {} pages of 4096 bytes with data", name, memory.memory,
                                  memory.bytes, memory.pages.size()));
    }
  }
  print_lines("snapshot", lines);
}

nlohmann::ordered_json snapshot_json(const artifact::SavedSnapshot& snapshot) {
  auto instances = nlohmann::ordered_json::array();
  for (const auto& instance : snapshot.instances) {
    nlohmann::ordered_json entry = {{"names", instance.names}, {"memories", nlohmann::ordered_json::array()}};
    for (const auto& memory : instance.memories)
      entry["memories"].push_back({{"index", memory.memory}, {"bytes", memory.bytes}, {"pages", memory.pages.size()}});
    instances.push_back(std::move(entry));
  }
  return {{"start_after_restore", snapshot.start_after_restore}, {"instances", std::move(instances)}};
}

nlohmann::ordered_json to_json(const std::vector<component::Description>& descriptions) {
  auto array = nlohmann::ordered_json::array();
  for (const component::Description& each : descriptions) array.push_back({{"name", each.name}, {"type", each.type}});
  return array;
}

std::vector<std::string> lines_of(const std::vector<component::Description>& descriptions) {
  std::vector<std::string> lines;
  for (const component::Description& each : descriptions) lines.push_back(fmt::format("{}: {}", each.name, each.type));
  return lines;
}

Result<ExitCode> inspect_component(const InspectOptions& options) {
  EngineOptions engine;
  engine.features = options.features;
  const auto inspected = TRY(load_component(options.file, {}, std::move(engine)));
  const auto& state = *inspected.state();
  if (options.json) {
    auto modules = nlohmann::ordered_json::array();
    for (const auto& bytes : state.plan.modules) modules.push_back({{"bytes", bytes.size()}});
    print_json({{"component", true},
                {"bytes", state.binary.size()},
                {"snapshot", state.saved != nullptr},
                {"core_modules", std::move(modules)},
                {"core_instances", state.plan.members.size()},
                {"instances", state.plan.instances},
                {"imports", to_json(inspected.imports())},
                {"exports", to_json(inspected.exports())}});
    return kSuccess;
  }
  fmt::print("{}a component of {} bytes; {} core modules, {} core instances, {} instances of components\n",
             state.saved != nullptr ? "the snapshot of " : "", state.binary.size(), state.plan.modules.size(),
             state.plan.members.size(), state.plan.instances);
  print_lines("imports", lines_of(inspected.imports()));
  print_lines("exports", lines_of(inspected.exports()));
  return kSuccess;
}

Result<ExitCode> run_inspect(const InspectOptions& options) {
  const bool is_component = TRY(is_component_file(options.file));
  if (is_component) return inspect_component(options);
  const auto file = TRY(read_binary(options.file));
  const std::vector<std::byte>* const binary = &file.binary;
  const auto module =
      TRY(wasm::decode_module(*binary, wasm::MemoryLimit(binary->size(), UINT64_MAX), options.features));
  const auto inspection = TRY(inspect(module));
  if (options.json) {
    auto object = to_json(module, binary->size(), inspection);
    object["snapshot"] = nullptr;
    if (file.snapshot) object["snapshot"] = snapshot_json(*file.snapshot);
    print_json(object);
  } else {
    print_text(module, binary->size(), inspection);
    if (file.snapshot) print_snapshot(*file.snapshot);
  }
  return kSuccess;
}

}  // namespace

void add_inspect(const Command& anew) {
  const Command command = anew.subcommand("inspect",
                                          "Prints a module's sections, imports, exports and memories, the size of its "
                                          "image, what a reset must restore, and what only another module can provide");
  const auto options = std::make_shared<InspectOptions>();
  command
      .text("FILE", options->file,
            "A module: .wasm, .wat, or a snapshot; or a component. - reads a module from standard input")
      .required();
  add_features_option(command, options->features);
  command.flag("--json", options->json, "Print one JSON object");
  command.runs([options] { return run_inspect(*options); });
}

}  // namespace anew::cli
