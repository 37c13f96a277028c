// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that are lifted and lowered, and those of resources (component model, design/mvp/CanonicalABI.md,
// "Canonical Definitions").
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "component/abi.hpp"
#include "component/checks.hpp"
#include "component/component_validator.hpp"
#include "os/try.hpp"

namespace anew::component {

using namespace binary;

namespace {

constexpr auto kI32 = anew::ValueType::kI32;

Result<void> require(bool has, std::string_view option) {
  if (has) return {};
  return fail(ErrorCode::kInvalid, fmt::format("canonical option {} is required", option));
}

}  // namespace

Result<void> ComponentValidator::canonical(Scope& scope, const Canonical& canonical) {
  if (const auto* const lifted = std::get_if<Lift>(&canonical)) return lift(scope, *lifted);
  if (const auto* const lowered = std::get_if<Lower>(&canonical)) return lower(scope, *lowered);
  if (const auto* const make = std::get_if<ResourceNew>(&canonical)) {
    TRY(local_resource(scope, make->resource));
    add_core_function(scope, {kI32}, {kI32});
  } else if (const auto* const drop = std::get_if<ResourceDrop>(&canonical)) {
    const TypeId type = TRY(at(scope.types, drop->resource, "type"));
    if (types_[type].form != Form::kResource)
      return fail(ErrorCode::kInvalid, fmt::format("type {} is not a resource type", drop->resource));
    add_core_function(scope, {kI32}, {});
  } else {
    TRY(local_resource(scope, std::get<ResourceRepresentation>(canonical).resource));
    add_core_function(scope, {kI32}, {kI32});
  }
  return {};
}

Result<void> ComponentValidator::local_resource(Scope& scope, std::uint32_t type) {
  const TypeId resource = TRY(at(scope.types, type, "type"));
  if (types_[resource].form != Form::kResource)
    return fail(ErrorCode::kInvalid, fmt::format("type {} is not a resource type", type));
  if (scope.represented.contains(types_[resource].resource)) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("type {} is not a local resource: its representation is another component's", type));
}

void ComponentValidator::add_core_function(Scope& scope, std::vector<anew::ValueType> parameters,
                                           std::vector<anew::ValueType> results) {
  scope.core_functions.push_back(core_.add({std::move(parameters), std::move(results)}));
}

Result<void> ComponentValidator::canonical_options(Scope& scope, const CanonicalOptions& options) {
  if (options.memory) {
    const MemoryType memory = TRY(at(scope.core_memories, *options.memory, "core memory"));
    if (memory.shared) return fail(ErrorCode::kInvalid, "canonical option memory names a shared memory");
    if (memory.is_64)
      return fail(ErrorCode::kUnsupported, "not supported: canonical options with a memory of 64-bit addresses");
  }
  if (options.realloc) {
    if (!options.memory)
      return fail(ErrorCode::kInvalid, "canonical option realloc requires memory to also be specified");
    const std::uint32_t type = TRY(at(scope.core_functions, *options.realloc, "core function"));
    if (core_.function(type) != anew::FunctionType{{kI32, kI32, kI32, kI32}, {kI32}}) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("canonical option realloc uses a core function with an incorrect signature: {}",
                              anew::to_string(core_.function(type))));
    }
  }
  return {};
}

Result<void> ComponentValidator::lift(Scope& scope, const Lift& lift) {
  const TypeId type = TRY(at(scope.types, lift.type, "type"));
  if (types_[type].form != Form::kFunction)
    return fail(ErrorCode::kInvalid, fmt::format("type {} is not a function type", lift.type));
  const std::uint32_t core_function = TRY(at(scope.core_functions, lift.core_function, "core function"));
  const anew::FunctionType& core_type = core_.function(core_function);
  TRY(canonical_options(scope, lift.options));
  if (lift.options.post_return) {
    const std::uint32_t after = TRY(at(scope.core_functions, *lift.options.post_return, "core function"));
    if (core_.function(after) != anew::FunctionType{core_type.results, {}}) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("canonical option post-return uses a core function with an incorrect signature: {}",
                              anew::to_string(core_.function(after))));
    }
  }

  const component::FunctionType function = TRY(types_.function(type));
  const anew::FunctionType expected = core_type_of_lift(types_.abi(), function);
  if (core_type != expected) {
    return fail(ErrorCode::kInvalid,
                fmt::format("core function {} is of the type {}; lifted to {} it must be of {}", lift.core_function,
                            anew::to_string(core_type), types_.abi().text(function), anew::to_string(expected)));
  }
  // The callee allocates its parameters, if they lie in memory, and says where its result lies.
  const std::vector<TypeId>& parts = types_[type].parts;
  const auto has_pointer = [this](TypeId part) { return part != kNoType && types_[part].has_pointer; };
  const bool allocates = std::any_of(parts.begin(), parts.end() - 1, has_pointer) ||
                         types_.abi().layout(function).flat_count > kMostFlatParameters;
  TRY(require(!allocates || lift.options.realloc, "realloc"));
  const bool reads = function.result &&
                     (has_pointer(parts.back()) || types_.abi().layout(*function.result).flat_count > kMostFlatResults);
  TRY(require(!reads || lift.options.memory, "memory"));
  scope.functions.push_back(type);
  return {};
}

Result<void> ComponentValidator::lower(Scope& scope, const Lower& lower) {
  const TypeId type = TRY(at(scope.functions, lower.function, "function"));
  TRY(canonical_options(scope, lower.options));
  if (lower.options.post_return)
    return fail(ErrorCode::kInvalid, "canonical option post-return cannot be specified for lowerings");

  const component::FunctionType function = TRY(types_.function(type));
  // The caller has its arguments in memory, and allocates what the result points to.
  const std::vector<TypeId>& parts = types_[type].parts;
  const auto has_pointer = [this](TypeId part) { return part != kNoType && types_[part].has_pointer; };
  const bool uses_memory = std::ranges::any_of(parts, has_pointer) ||
                           types_.abi().layout(function).flat_count > kMostFlatParameters ||
                           (function.result && types_.abi().layout(*function.result).flat_count > kMostFlatResults);
  TRY(require(!uses_memory || lower.options.memory, "memory"));
  TRY(require(!has_pointer(parts.back()) || lower.options.realloc, "realloc"));
  scope.core_functions.push_back(core_.add(core_type_of_lower(types_.abi(), function)));
  return {};
}

}  // namespace anew::component
