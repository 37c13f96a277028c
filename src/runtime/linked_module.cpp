// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/linked_module.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "os/try.hpp"
#include "runtime/import_resolver.hpp"
#include "runtime/near_match.hpp"
#include "runtime/type_registry.hpp"
#include "wasm/limits.hpp"
#include "wasm/printable.hpp"

namespace anew::detail {
namespace {

Result<void> size_memories(LinkedModule& linked, const std::vector<Limits>& host_memories, std::uint64_t extra_pages) {
  const wasm::Module& module = linked.wasm();
  if (extra_pages != 0 && (module.memories.empty() || !linked.memory_source(0).is_own())) {
    return fail(ErrorCode::kArgument, module.memories.empty()
                                          ? "extra memory pages were asked for, but the module has no memory"
                                          : "extra memory pages were asked for, but memory 0 is another instance's");
  }
  constexpr std::uint64_t kMaximumPages = abi::kMemoryAddressSpace / abi::kWasmPageBytes;
  linked.memory_sizes.resize(module.memories.size());
  for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
    if (!linked.memory_source(i).is_own()) continue;
    const Limits limits = i < host_memories.size() ? host_memories[i] : module.memories[i].limits;
    const std::uint64_t extra = i == 0 ? extra_pages : 0;
    const std::uint64_t most = std::min(limits.maximum.value_or(kMaximumPages), kMaximumPages);
    // Written so that no sum can overflow.
    if (limits.minimum > most || extra > most - limits.minimum) {
      return fail(
          ErrorCode::kArgument,
          fmt::format("memory {} begins with {} pages and may have {}: {} extra pages do not fit; ask for {} at most",
                      i, limits.minimum, most, extra, most - std::min(limits.minimum, most)));
    }
    linked.memory_sizes[i] = {(limits.minimum + extra) * abi::kWasmPageBytes, most * abi::kWasmPageBytes,
                              limits.maximum};
  }
  return {};
}

Result<void> size_tables(LinkedModule& linked, const std::vector<Limits>& host_tables) {
  const wasm::Module& module = linked.wasm();
  linked.table_sizes.resize(module.tables.size());
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
    if (!linked.table_source(i).is_own()) continue;
    const Limits limits = i < host_tables.size() ? host_tables[i] : module.tables[i].limits;
    const std::uint64_t room = linked.layout().table_capacity(i);
    if (limits.minimum > room) {
      return fail(ErrorCode::kLimit,
                  fmt::format("table {} begins with {} elements; there is room for {} (an instance's tables share {})",
                              i, limits.minimum, room, wasm::limits::kTableElements));
    }
    linked.table_sizes[i] = {{limits.minimum, std::min(limits.maximum.value_or(room), room)}, limits.maximum};
  }
  return {};
}

}  // namespace

const std::vector<Source>& LinkedModule::sources(ExternalKind kind) const noexcept {
  switch (kind) {
    case ExternalKind::kFunction: return functions;
    case ExternalKind::kTable: return tables;
    case ExternalKind::kMemory: return memories;
    case ExternalKind::kGlobal: return globals;
    case ExternalKind::kTag: break;
  }
  return tags;
}

Result<wasm::Export> LinkedModule::find_export(std::string_view export_name, ExternalKind kind) const {
  const auto found = exports.find(export_name);
  if (found != exports.end() && found->second.kind == kind) return found->second;
  if (found != exports.end()) {
    return fail(ErrorCode::kArgument,
                fmt::format("the export \"{}\" is a {}, not a {}", wasm::printable_name(export_name),
                            to_string(found->second.kind), to_string(kind)));
  }
  std::vector<std::string_view> names;
  for (const wasm::Export& each : wasm().exports)
    if (each.kind == kind) names.push_back(each.name);
  return fail(ErrorCode::kNotFound, fmt::format("the module exports no {} \"{}\"{}", to_string(kind),
                                                wasm::printable_name(export_name), near_matches(export_name, names)));
}

namespace {

/// @param resolve  called with the resolver.
template <typename Resolve>
Result<std::shared_ptr<const LinkedModule>> link_by(const std::shared_ptr<const ModuleState>& module,
                                                    const LinkerState& linker, const StoreState& store,
                                                    std::uint64_t extra_pages, Resolve&& resolve) {
  auto linked = std::make_shared<LinkedModule>();
  linked->module = module;
  linked->type_ids = TypeIdentities(linked->wasm());
  ImportResolver resolver(*linked, linker, store);
  TRY(resolve(resolver));
  TRY(resolver.finish());
  if (!linked->memories.empty() && !linked->memories[0].is_own()) {
    auto variant = TRY(module->foreign_variant());
    linked->module = std::move(variant);
  }
  TRY(size_memories(*linked, resolver.host_memories, extra_pages));
  TRY(size_tables(*linked, resolver.host_tables));
  linked->exports.reserve(linked->wasm().exports.size());
  for (const wasm::Export& each : linked->wasm().exports) linked->exports.emplace(each.name, each);
  return linked;
}

}  // namespace

Result<std::shared_ptr<const LinkedModule>> link(std::shared_ptr<const ModuleState> module, const LinkerState& linker,
                                                 const StoreState& store, std::uint64_t extra_pages,
                                                 std::span<const Supplied> supplied) {
  const std::vector<wasm::Import>& imports = module->module.imports;
  return link_by(module, linker, store, extra_pages, [&](ImportResolver& resolver) -> Result<void> {
    for (std::size_t i = 0; i < imports.size(); ++i)
      i < supplied.size() ? resolver.resolve(imports[i], supplied[i]) : resolver.resolve(imports[i]);
    return {};
  });
}

Result<std::shared_ptr<const LinkedModule>> link_member(const GroupMember& member, const LinkerState& linker,
                                                        const StoreState& store) {
  const std::vector<wasm::Import>& imports = member.module->module.imports;
  return link_by(member.module, linker, store, 0, [&](ImportResolver& resolver) -> Result<void> {
    for (std::size_t i = 0; i < imports.size(); ++i) {
      if (const auto* const host = std::get_if<HostDefinition>(&member.imports[i])) {
        resolver.resolve(imports[i], *host);
        continue;
      }
      const auto& from = std::get<GroupMember::Export>(member.imports[i]);
      const Instance& exporter = *store.instances[from.member];
      const auto found = TRY(exporter.linked->find_export(from.name, imports[i].kind()));
      resolver.resolve(imports[i], Supplied{found.kind, &exporter, found.index});
    }
    return {};
  });
}

}  // namespace anew::detail
