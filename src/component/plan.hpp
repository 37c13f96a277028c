// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A component put together: its nested components and instances are gone, and what is left is a list of core instances
// with where each of their imports comes from, the functions that are lifted and lowered, and what the whole imports
// and exports. All that a component's text leaves open is which host functions serve its imports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "component/abi.hpp"
#include "component/binary.hpp"
#include "component/types.hpp"

namespace anew::component {

/// What a core instance exports.
struct CoreExport {
  std::uint32_t member = 0;  ///< its number among the core instances that are made of modules
  std::string name;
};
/// A core item: what a core instance exports, or a core function of the plan's own, by its number in
/// Plan::core_functions.
using CoreItem = std::variant<CoreExport, std::uint32_t>;
/// A core instance that is made of items.
using CoreItems = std::map<std::string, CoreItem, std::less<>>;
/// A core instance: a member's number, or items.
using CoreInstance = std::variant<std::uint32_t, std::shared_ptr<const CoreItems>>;

/// A core instance that is made of a module.
struct Member {
  std::uint32_t module = 0;                                    ///< in Plan::modules
  std::map<std::string, CoreInstance, std::less<>> arguments;  ///< by the module name that it imports under
};

/// Canonical options (binary::CanonicalOptions).
struct PlanOptions {
  binary::StringEncoding encoding = binary::StringEncoding::kUtf8;
  std::optional<CoreExport> memory;
  std::optional<CoreExport> realloc;
  std::optional<CoreExport> post_return;
};

/// A function by a core function.
struct Lifted {
  std::shared_ptr<const FunctionType> type;
  CoreExport callee;
  PlanOptions options;
  std::uint32_t instance = 0;  ///< of the component, whose handles it uses
};
/// A function that the whole imports.
struct Imported {
  std::string interface;  ///< empty for a function that is imported by itself
  std::string name;
  std::shared_ptr<const FunctionType> type;
};
struct FunctionSource {
  bool is_lifted = false;
  std::uint32_t index = 0;  ///< in Plan::lifted or Plan::imported
};

/// A core function by a function.
struct Lowered {
  FunctionSource function;
  std::shared_ptr<const FunctionType> type;
  PlanOptions options;
  std::uint32_t instance = 0;
};
struct ResourceBuiltin {
  enum class Kind : std::uint8_t { kNew, kDrop, kRepresentation };
  Kind kind = Kind::kNew;
  ResourceId resource = 0;
  std::uint32_t instance = 0;
};
using CoreFunction = std::variant<Lowered, ResourceBuiltin>;

/// A resource type: of an instance of the component's, or of the host.
struct ResourceType {
  std::uint32_t implementer = kHost;     ///< the component's instance
  std::optional<CoreExport> destructor;  ///< of an instance's
  std::string interface;                 ///< of the host's
  std::string name;
};

struct Plan {
  Types types;
  std::vector<std::span<const std::byte>> modules;   ///< each once; views of the component's binary, or:
  std::vector<std::vector<std::byte>> made_modules;  ///< which the plan adds
  std::vector<Member> members;                       ///< in the order in which they are instantiated
  std::vector<CoreFunction> core_functions;
  std::vector<Lifted> lifted;
  std::vector<Imported> imported;
  std::vector<ResourceType> resources;  ///< by ResourceId
  std::uint32_t instances = 0;          ///< of components
  /// By name; those of an exported interface as "INTERFACE#NAME".
  std::map<std::string, FunctionSource, std::less<>> exports;
};

/// The type of a core function that makes, drops or looks into a resource.
[[nodiscard]] anew::FunctionType core_type_of(const ResourceBuiltin& builtin);

/// Puts a valid component together. What validation has not refused and cannot be done is refused here: nothing of the
/// component is trusted. Time and memory are bounded whatever it instantiates.
/// @return kUnsupported for imports of components and core modules; kLimit; kInvalid.
[[nodiscard]] Result<Plan> make_plan(const binary::Component& component);

}  // namespace anew::component
