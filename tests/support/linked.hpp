// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "reset/snapshot.hpp"
#include "runtime/library.hpp"
#include "runtime/trap_handler.hpp"
#include "support/wat.hpp"

namespace anew::test {

/// A module linked below the public API, for tests that look into cells. Throws if it is refused.
inline std::shared_ptr<const detail::LinkedModule> link(std::string_view text, const Linker& linker = {},
                                                        const CompileOptions& options = {}) {
  detail::install_signal_handlers();
  auto linked = detail::link(compile(text, options).state(), *linker.state(), 0);
  if (!linked) throw std::runtime_error(linked.error().to_string());
  return *linked;
}

inline reset::Snapshot take_snapshot(std::shared_ptr<const detail::LinkedModule> linked) {
  auto snapshot = reset::Snapshot::take(std::move(linked));
  if (!snapshot) throw std::runtime_error(snapshot.error().to_string());
  return std::move(*snapshot);
}

/// Calls an export with i32 arguments. @return 0 or the trap.
inline std::uint32_t call(detail::Instance& instance, std::string_view name,
                          std::initializer_list<std::uint32_t> arguments = {}) {
  const auto found = instance.linked->exports.at(name);
  std::uint64_t slots[8] = {};
  std::size_t slot = 0;
  for (const std::uint32_t argument : arguments) slots[slot++] = argument;
  return detail::invoke(instance, detail::function_handle(*instance.linked, found.index), slots);
}

}  // namespace anew::test
