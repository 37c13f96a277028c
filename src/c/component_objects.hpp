// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the handles of anew_component.h hold.
#pragma once

#include <anew_component.h>

#include <anew/component/component.hpp>
#include <string>
#include <utility>
#include <vector>

#include "c/handle.hpp"

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
  anew_component_lease_t(anew::component::Lease taken, anew::component::Pool from) noexcept
      : pool(std::move(from)), lease(std::move(taken)) {}
  anew::component::Pool pool;
  anew::component::Lease lease;
  std::string result;
  mutable anew::c::Entered entered;
};
