// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a return address on a guest stack to what its module's image says about the call.
#pragma once

#include <algorithm>

#include "codegen/image.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {

[[nodiscard]] inline bool has_code_at(const Instance& instance, std::uint64_t pc) noexcept {
  const codegen::ImageView& image = instance.linked->module->image;
  return pc - reinterpret_cast<std::uint64_t>(image.text.data()) <
         std::max<std::uint64_t>(image.text.size(), image.reach);
}

/// Whose code it is, or that of another instance of the same module. @param hint  likely to be it.
[[nodiscard]] inline const Instance* find_code(const StoreState& store, const Instance& hint,
                                               std::uint64_t pc) noexcept {
  if (has_code_at(hint, pc)) return &hint;
  for (const auto& instance : store.instances)
    if (has_code_at(*instance, pc)) return instance.get();
  return nullptr;
}

/// What is to know about the call with this return address, or null. @param instance  whose code it is.
[[nodiscard]] inline const codegen::CallSite* find_call_site(const Instance& instance,
                                                             std::uint64_t return_address) noexcept {
  const codegen::ImageView& image = instance.linked->module->image;
  return codegen::find_call_site(image, return_address - reinterpret_cast<std::uint64_t>(image.text.data()));
}

}  // namespace anew::detail
