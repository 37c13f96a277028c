// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/store.hpp>
#include <optional>
#include <string>

#include "os/try.hpp"
#include "reset/audit.hpp"
#include "reset/restore.hpp"
#include "runtime/trap_handler.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew {

struct detail::OwnedStore {
  StoreOptions options;
  StoreState state;
  std::optional<reset::Snapshot> frozen;
  std::optional<reset::StateCopy> copy;  // of the frozen state, with StoreOptions::audit
  std::size_t frozen_states = 0;         // how many host states there were
  /// Code without marks was in the store since the last restore, so no card of it is trusted.
  bool unmarked = false;
};

Store::Store(StoreOptions options) : owned_(std::make_unique<detail::OwnedStore>()) {
  owned_->options = options;
  owned_->state.growable_bytes = options.maximum_memory_bytes;
  detail::install_signal_handlers();
}

Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Instance> Store::instantiate(const Module& module, const Linker& linker) {
  return instantiate_any(module, linker, {});
}

Result<Instance> Store::instantiate_with(const Module& module, std::span<const detail::Supplied> supplied) {
  return instantiate_any(module, Linker(), supplied);
}

Result<Instance> Store::instantiate_any(const Module& module, const Linker& linker,
                                        std::span<const detail::Supplied> supplied) {
  return detail::without_exceptions("a module is instantiated", [&]() -> Result<Instance> {
    detail::StoreState& state = owned_->state;
    TRY(state.host_states.add(linker.state()->states));
    auto linked = TRY(detail::link(module.state(), *linker.state(), state, 0, supplied));
    owned_->unmarked = owned_->unmarked || !linked->module->options.marks;
    auto instance = TRY(detail::map_instance(std::move(linked), state));
    TRY(detail::initialize(*instance));
    const std::int64_t deadline = detail::deadline_in(owned_->options.start_timeout);
    TRY(detail::run_start(*instance, deadline));
    return Instance(instance);
  });
}

void Store::define(std::string_view name, Instance instance) {
  owned_->state.names.insert_or_assign(std::string(name), instance.state()->number);
}

Result<void> Store::freeze() {
  return detail::without_exceptions("a store is frozen", [&]() -> Result<void> {
    auto snapshot = TRY(reset::Snapshot::of(owned_->state));
    owned_->frozen = std::move(snapshot);
    owned_->unmarked = owned_->frozen->ledger != Ledger::kCards;
    if (!reset::settle(owned_->state))
      return fail(ErrorCode::kResource, "the system refused to give pages of a store's cells back");
    if (owned_->options.audit) owned_->copy.emplace(owned_->state);
    owned_->frozen_states = owned_->state.host_states.size();
    return {};
  });
}

Result<void> Store::reset() {
  return detail::without_exceptions("a store is reset", [&]() -> Result<void> {
    if (!owned_->frozen) return fail(ErrorCode::kArgument, "the store was never frozen: call freeze() before reset()");
    const reset::Snapshot& frozen = *owned_->frozen;
    detail::StoreState& state = owned_->state;
    state.instances.resize(frozen.instances.size());
    state.names = frozen.names;
    state.distrusted = state.distrusted || owned_->unmarked;
    if (!reset::restore(state, frozen).ok)
      return fail(ErrorCode::kResource, "the system refused memory while a store was reset");
    state.grown_bytes = 0;  // also of the instances that went
    state.host_states.keep(owned_->frozen_states);
    if (auto done = state.host_states.reset(); !done) return done;
    owned_->unmarked = frozen.ledger != Ledger::kCards;
    if (!owned_->copy) return {};
    const std::string difference = owned_->copy->compare(state);
    if (!difference.empty()) return fail(ErrorCode::kHost, "the audit of a reset store failed: " + difference);
    return {};
  });
}

detail::StoreState& Store::state() const noexcept { return owned_->state; }

}  // namespace anew
