// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the handles of anew_component.h hold.
#pragma once

#include <anew_component.h>

#include <anew/component/component.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "c/handle.hpp"
#include "component/linked.hpp"

struct anew_component_t : anew::c::Handle<anew::c::Kind::kComponent> {
  explicit anew_component_t(anew::component::Component made)
      : component(std::move(made)), imports(component.imports()), exports(component.exports()) {}
  anew::component::Component component;
  std::vector<anew::component::Description> imports;
  std::vector<anew::component::Description> exports;
};

struct anew_component_linker_t : anew::c::Handle<anew::c::Kind::kComponentLinker> {
  anew::component::Linker linker;
};

struct anew_component_pool_t : anew::c::Handle<anew::c::Kind::kComponentPool> {
  explicit anew_component_pool_t(anew::component::Pool made) noexcept : pool(std::move(made)) {}
  anew::component::Pool pool;
};

struct anew_component_lease_t : anew::c::Handle<anew::c::Kind::kComponentLease> {
  explicit anew_component_lease_t(anew::component::Lease taken, bool lent = false) noexcept
      : lease(std::move(taken)), is_lent(lent) {}
  anew::component::Lease lease;
  const bool is_lent;  ///< to a function of the client's: it is not the client's to release
  std::string result;
  mutable anew::c::Entered entered;
};

struct anew_component_completion_t : anew::c::Handle<anew::c::Kind::kComponentCompletion> {
  anew_component_completion_t(anew::component::Completion made, const anew::component::Caller& caller)
      : completion(std::move(made)), component(caller.function().component->component), type(caller.function().type) {}
  anew::component::Completion completion;
  /// The completion may outlive the pool.
  std::shared_ptr<const anew::component::detail::ComponentState> component;
  std::shared_ptr<const anew::component::FunctionType> type;
};

struct anew_component_call_t : anew::c::Handle<anew::c::Kind::kComponentCall> {
  anew_component_call_t(anew::component::Function called, anew::component::Call begun) noexcept
      : function(called), call(std::move(begun)) {}
  anew::component::Function function;  ///< of the pool, which the call's lease keeps
  anew::component::Call call;
  std::string result;
};
