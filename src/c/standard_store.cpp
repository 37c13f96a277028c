// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "c/standard_store.hpp"

#include <bit>
#include <charconv>
#include <cstring>

#include "c/standard_types.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/validate_module.hpp"

wasm_ref_t* wasm_ref_t::copy() const {
  wasm_ref_t* const made = clone();
  if (store != nullptr) made->keep = store->shared_from_this();
  return made;
}

namespace anew::c {

// --- Handles --------------------------------------------------------------------------------------------------------

std::unique_ptr<wasm_extern_t> StoreData::handle(ExternalKind kind, detail::Instance& instance, std::uint32_t index) {
  detail::Instance* owner = &instance;
  const std::vector<detail::Source>& sources = instance.linked->sources(kind);
  if (index < sources.size() && !sources[index].is_own()) {
    owner = store.state().instances[sources[index].instance].get();
    index = sources[index].index;
  }
  auto self = shared_from_this();
  switch (kind) {
    case ExternalKind::kFunction: {
      // All who import a function of the host have it as their own: it is known by what it calls.
      const void* identity = owner;
      std::uint32_t number = index;
      if (index < owner->linked->functions.size()) {
        identity = owner->linked->host_functions[index].environment;
        number = 0;
      }
      return std::make_unique<wasm_func_t>(RefKind::kFunc, entity(RefKind::kFunc, identity, number), std::move(self),
                                           *owner, index);
    }
    case ExternalKind::kGlobal:
      return std::make_unique<wasm_global_t>(RefKind::kGlobal, entity(RefKind::kGlobal, owner, index), std::move(self),
                                             *owner, index);
    case ExternalKind::kTable:
      return std::make_unique<wasm_table_t>(RefKind::kTable, entity(RefKind::kTable, owner, index), std::move(self),
                                            *owner, index);
    case ExternalKind::kMemory:
      return std::make_unique<wasm_memory_t>(RefKind::kMemory, entity(RefKind::kMemory, owner, index), std::move(self),
                                             *owner, index);
    case ExternalKind::kTag: break;
  }
  return std::make_unique<wasm_extern_t>(RefKind::kTag, entity(RefKind::kTag, owner, index), std::move(self), *owner,
                                         index);
}

ExternalKind to_external(RefKind kind) noexcept {
  switch (kind) {
    case RefKind::kFunc: return ExternalKind::kFunction;
    case RefKind::kGlobal: return ExternalKind::kGlobal;
    case RefKind::kTable: return ExternalKind::kTable;
    case RefKind::kMemory: return ExternalKind::kMemory;
    default: return ExternalKind::kTag;
  }
}

const FunctionType& type_of(const wasm_func_t& function) noexcept {
  return function.instance->linked->wasm().function_type(function.index);
}

detail::ExternalType type_of(const wasm_extern_t& external) {
  const detail::LinkedModule& linked = *external.instance->linked;
  detail::ExternalType type = detail::type_of(linked.wasm(), to_external(external.kind), external.index);
  if (auto* const table = std::get_if<TableType>(&type)) {
    table->limits = {detail::table_header(external.instance->table(external.index)).size,
                     linked.table_sizes[external.index].declared};
  } else if (auto* const memory = std::get_if<MemoryType>(&type)) {
    memory->limits = {MemoryView(external.instance->memory(external.index)).size() / abi::kWasmPageBytes,
                      linked.memory_sizes[external.index].declared};
  }
  return type;
}

// --- Values ---------------------------------------------------------------------------------------------------------

const char* to_reference(StoreData& store, const wasm_ref_t* ref, const detail::ScopedType& type, std::uint64_t& bits) {
  bits = 0;
  if (ref != nullptr && ref->store != nullptr && ref->store != &store) return "is a reference of another store";
  if (is_extern_reference(type.type)) {
    if (ref != nullptr) {
      std::unique_ptr<wasm_ref_t>& kept = store.passed[ref->entity.get()];
      if (!kept) {
        kept.reset(ref->clone());
        kept->keep.reset();
      }
      bits = std::bit_cast<std::uint64_t>(kept.get());
    }
  } else if (ref != nullptr) {
    const auto* const function = as<wasm_func_t>(ref, RefKind::kFunc);
    if (function == nullptr) return "is no function";
    bits = function->instance->reference_to(function->index);
  }
  return store.store.state().reference_problem(type, bits);
}

const char* to_slot(StoreData& store, const wasm_val_t& value, const detail::ScopedType& type, std::uint64_t& slot) {
  if (is_reference(type.type)) {
    if (!wasm_valkind_is_ref(value.kind)) return "is no reference";
    return to_reference(store, value.of.ref, type, slot);
  }
  if (value.kind != to_kind(type.type)) return "is of another kind";
  const bool is_narrow = value.kind == WASM_I32 || value.kind == WASM_F32;
  slot = 0;
  std::memcpy(&slot, &value.of, is_narrow ? 4 : 8);
  return nullptr;
}

wasm_ref_t* from_reference(StoreData& store, ValueType type, std::uint64_t bits) {
  if (bits == 0) return nullptr;
  if (is_extern_reference(type)) return std::bit_cast<const wasm_ref_t*>(bits)->copy();  // to_reference made it
  const auto number = store.store.state().function_number(bits);
  if (!number) return nullptr;
  // The halves that function_number put together.
  detail::Instance& instance = *store.store.state().instances[(*number - 1) >> 32];
  return store.handle(ExternalKind::kFunction, instance, static_cast<std::uint32_t>(*number - 1)).release();
}

wasm_val_t from_slot(StoreData& store, ValueType type, std::uint64_t slot) {
  wasm_val_t value = {};
  value.kind = to_kind(type);
  if (is_reference(type))
    value.of.ref = from_reference(store, type, slot);
  else
    std::memcpy(&value.of, &slot, sizeof(slot));
  return value;
}

// --- Traps ----------------------------------------------------------------------------------------------------------

namespace {

std::shared_ptr<const TrapData> to_trap(StoreData& store, Error&& error) {
  auto trap = std::make_shared<TrapData>();
  trap->message = std::move(error.message);
  if (error.trap == TrapKind::kHostError && store.pending) {
    trap->message = store.pending->message;
    trap->frames = store.pending->frames;
  }
  store.pending.reset();
  for (const Frame& frame : error.backtrace) {
    FrameData data = {FrameData::kNoInstance, frame.function_index, frame.module_offset};
    const std::string& name = frame.instance_name;  // its number: wasm_instance_new gave it
    std::from_chars(name.data(), name.data() + name.size(), data.instance);
    trap->frames.push_back(data);
  }
  return trap;
}

}  // namespace

wasm_trap_t* make_trap(StoreData& store, Error&& error) noexcept {
  return attempt([&] { return new wasm_trap_t(store.shared_from_this(), to_trap(store, std::move(error))); });
}

wasm_trap_t* refuse(StoreData& store, const std::string& message) noexcept {
  return make_trap(store, detail::make_bare_error(ErrorCode::kArgument, message.c_str()));
}

}  // namespace anew::c
