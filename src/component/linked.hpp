// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A component linked to what the host gives: the plan's functions with the core functions that they call, checked, and
// what each lease keeps of its component's instances.
#pragma once

#include <anew/component/component.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "artifact/saved_snapshot.hpp"
#include "component/plan.hpp"
#include "runtime/store_state.hpp"

namespace anew::component::detail {

using StoreState = anew::detail::StoreState;

struct ComponentState {
  std::vector<std::byte> binary;  ///< the plan has views of it
  Plan plan;
  std::vector<Module> modules;  ///< by number in the plan
  /// Of one from a snapshot file: the state that its pools start from. What it says of handles goes by the plan's
  /// numbers of resources, and its instances are the plan's members in their order.
  std::shared_ptr<const artifact::SavedSnapshot> saved;
};

/// A function of a member, by its index in the member's module.
struct MemberFunction {
  std::uint32_t member = 0;
  std::uint32_t function = 0;
};
struct MemberMemory {
  std::uint32_t member = 0;
  std::uint32_t memory = 0;
};
struct LinkedOptions {
  binary::StringEncoding encoding = binary::StringEncoding::kUtf8;
  std::optional<MemberMemory> memory;
  std::optional<MemberFunction> realloc;
  std::optional<MemberFunction> post_return;
};

/// Slots are bounded: kMostFlatParameters and one for where a result goes.
inline constexpr std::size_t kMostSlots = kMostFlatParameters + 1;

struct LinkedComponent;

/// A lifted function.
struct ExportedFunction {
  const LinkedComponent* component = nullptr;
  std::shared_ptr<const FunctionType> type;
  MemberFunction callee;
  LinkedOptions options;
  std::uint32_t instance = 0;
  std::size_t parameters = 0;  ///< of the core function
  std::size_t results = 0;
};
using AnyHostFunction = std::variant<Linker::Function, Linker::AsyncFunction, Linker::WaitingFunction>;
struct HostFunction {
  std::string name;
  AnyHostFunction function;
};
/// What a core function that is lowered calls.
struct LoweredFunction {
  const LinkedComponent* component = nullptr;
  std::shared_ptr<const FunctionType> type;
  std::variant<const HostFunction*, const ExportedFunction*> target;
  LinkedOptions options;
  std::uint32_t instance = 0;
  std::size_t parameters = 0;  ///< of the core function
  std::size_t results = 0;
};
struct LinkedBuiltin {
  const LinkedComponent* component = nullptr;
  ResourceBuiltin builtin;
};
struct LinkedResource {
  std::optional<MemberFunction> destructor;                     ///< of an instance's
  std::function<Result<void>(Caller&, std::uint32_t)> dropped;  ///< of a host's; may be empty
};

/// Immutable once it is made; what host functions of its pool point to.
struct LinkedComponent {
  std::shared_ptr<const ComponentState> component;
  std::vector<ExportedFunction> lifted;                                      ///< as the plan's
  std::vector<HostFunction> imported;                                        ///< as the plan's
  std::vector<std::variant<LoweredFunction, LinkedBuiltin>> core_functions;  ///< as the plan's
  std::vector<LinkedResource> resources;                                     ///< by ResourceId
  std::vector<std::uint32_t> implementers;                                   ///< by ResourceId

  [[nodiscard]] const Plan& plan() const noexcept { return component->plan; }
};

/// What a lease keeps of one instance of the component.
struct InstanceState {
  HandleTable handles;
  bool may_enter = true;
  bool may_leave = true;
};
struct InstanceStates {
  explicit InstanceStates(std::size_t count) : instances(count) {}
  std::vector<InstanceState> instances;

  /// What a snapshot keeps of them. @return kUnsupported for too many handles; kTrap if one trapped.
  [[nodiscard]] Result<InstanceStates> kept(const LinkedComponent& component) const;
};

struct PoolState {
  std::shared_ptr<const LinkedComponent> linked;
  std::optional<anew::Pool> core;  ///< none while the snapshot is taken
  InstanceStates beginning{0};     ///< what each lease begins with
};

struct LinkerState {
  anew::Linker core;
  /// By the interface, with what its version is compatible with, "#" and the function's name.
  std::map<std::string, AnyHostFunction, std::less<>> functions;
  std::map<std::string, std::function<Result<void>(Caller&, std::uint32_t)>, std::less<>> resources;
  bool trap_unknown_functions = false;
};

/// "wasi:io/streams@0.2.3" as "wasi:io/streams@0.2"; without a version as it is.
[[nodiscard]] std::string compatible_name(std::string_view interface);
/// Without its version.
[[nodiscard]] std::string_view unversioned_name(std::string_view interface) noexcept;

/// Finds what serves each import, and checks each core function against the type that it is lifted or lowered with.
/// @return kLink with all that is missing; kInvalid, kUnsupported.
[[nodiscard]] Result<std::shared_ptr<const LinkedComponent>> link(std::shared_ptr<const ComponentState> component,
                                                                  const LinkerState& linker);
/// The group of the component's core instances (runtime/linked_module.hpp).
[[nodiscard]] Result<std::vector<anew::detail::GroupMember>> make_group(
    const std::shared_ptr<const LinkedComponent>& linked);

// --- Calls (call.cpp) ---

/// The host functions behind core functions (anew::detail::HostDefinition). @param environment  a LoweredFunction or
/// LinkedBuiltin.
std::uint32_t call_lowered(void* environment, std::byte* cell, std::uint64_t* slots);
std::uint32_t call_builtin(void* environment, std::byte* cell, std::uint64_t* slots);

/// Lifts a call, from the host or another instance of a component. @return kArgument, kTrap.
[[nodiscard]] Result<Value> call_lifted(StoreState& store, const ExportedFunction& function,
                                        std::span<const Value> arguments);
/// Calls the destructor of a resource of an instance's. @param dropped_by  the instance that drops it, or kHost.
/// @return kTrap also if the instance cannot be entered.
[[nodiscard]] Result<void> destroy(StoreState& store, const LinkedComponent& component, ResourceId resource,
                                   std::uint32_t representation, std::uint32_t dropped_by);

}  // namespace anew::component::detail
