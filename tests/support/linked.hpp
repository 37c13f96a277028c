// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/linker.hpp>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "reset/audit.hpp"
#include "reset/restore.hpp"
#include "reset/snapshot.hpp"
#include "runtime/library.hpp"
#include "runtime/linked_module.hpp"
#include "runtime/trap_handler.hpp"
#include "support/wat.hpp"

namespace anew::test {

/// The value, or an exception: a defect of the test.
template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return std::move(*result);
}

inline reset::Snapshot take_snapshot(const Module& module, const Linker& linker = {}) {
  detail::install_signal_handlers();
  return value_or_throw(reset::Snapshot::take(module.state(), *linker.state(), {}));
}

/// A pool's worth of one, below the public API, for tests that look into cells: a store, its snapshot, and a store made
/// the slow way.
struct Fixture {
  explicit Fixture(const Module& module, const Linker& linker = {})
      : snapshot(take_snapshot(module, linker)),
        store(value_or_throw(reset::make_store(snapshot))),
        reference(value_or_throw(reset::instantiate(snapshot, true))),
        copy(*store) {}
  explicit Fixture(std::string_view text, const Linker& linker = {}, const CompileOptions& options = {})
      : Fixture(compile(text, options), linker) {}

  [[nodiscard]] detail::Instance& main() const { return store->main(); }

  /// What the pool does on release. @return what the audit says, and a comparison with what the store's bytes were.
  std::string restore() {
    const reset::Restored done = reset::restore(*store, snapshot);
    return done.ok ? audit() + copy.compare(*store) : "the restore failed";
  }
  [[nodiscard]] std::string audit() const { return reset::audit(*store, *reference); }

  reset::Snapshot snapshot;
  std::unique_ptr<detail::StoreState> store;
  std::unique_ptr<detail::StoreState> reference;
  reset::StateCopy copy;
};

/// The names of the functions that a module exports.
inline std::vector<std::string> functions_of(const detail::LinkedModule& linked) {
  std::vector<std::string> names;
  for (const wasm::Export& each : linked.wasm().exports)
    if (each.kind == ExternalKind::kFunction) names.emplace_back(each.name);
  return names;
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
