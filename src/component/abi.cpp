// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/abi.hpp"

namespace anew::component {
namespace {

void append(std::vector<ValueType>& to, const Layout& layout) {
  to.insert(to.end(), layout.flat.begin(), layout.flat.begin() + layout.flat_count);
}

std::vector<ValueType> parameters_of(const Types& types, const FunctionType& type) {
  if (types.layout(type).flat_count > kMostFlatParameters) return {ValueType::kI32};
  std::vector<ValueType> flat;
  for (const NamedType& parameter : type.parameters) append(flat, types.layout(*parameter.type));
  return flat;
}

/// @param returns_address  whether a result that is not flat is returned by its address, or written to one that is
/// given.
anew::FunctionType core_type(const Types& types, const FunctionType& type, bool returns_address) {
  anew::FunctionType core = {parameters_of(types, type), {}};
  if (!type.result) return core;
  const Layout& layout = types.layout(*type.result);
  if (layout.flat_count <= kMostFlatResults)
    append(core.results, layout);
  else
    (returns_address ? core.results : core.parameters).push_back(ValueType::kI32);
  return core;
}

}  // namespace

anew::FunctionType core_type_of_lift(const Types& types, const FunctionType& type) {
  return core_type(types, type, true);
}

anew::FunctionType core_type_of_lower(const Types& types, const FunctionType& type) {
  return core_type(types, type, false);
}

}  // namespace anew::component
