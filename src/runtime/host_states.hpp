// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The states that host functions keep for the guests of one store (Linker::define_state).
#pragma once

#include <anew/host_state.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace anew::detail {

using StateDefinitions = std::vector<std::shared_ptr<const StateDefinition>>;

/// In the order in which they were defined; the last goes first.
class HostStates {
 public:
  HostStates() = default;
  HostStates(const HostStates&) = delete;
  HostStates& operator=(const HostStates&) = delete;
  ~HostStates() { keep(0); }

  [[nodiscard]] std::size_t size() const noexcept { return states_.size(); }
  /// Makes the states that are not there yet. On an error those that were made before it stay.
  /// @return what making one returns or throws; kArgument if there is one of the same type and another definition.
  [[nodiscard]] Result<void> add(std::span<const std::shared_ptr<const StateDefinition>> definitions);
  /// @return null if there is none, or its reset failed.
  [[nodiscard]] AnyState* find(const StateType& type) const noexcept {
    // A comparison for each that was defined before it: hosts have few.
    for (const Held& held : states_)
      if (held.type == &type) return held.state.get();
    return nullptr;
  }
  /// Makes them as new. After an error the store is of no more use.
  [[nodiscard]] Result<void> reset() noexcept;
  /// Destroys all but the first `count`.
  void keep(std::size_t count) noexcept {
    while (states_.size() > count) states_.pop_back();
  }

 private:
  struct Held {
    const StateType* type;
    std::unique_ptr<AnyState> state;
    std::shared_ptr<const StateDefinition> definition;
  };
  std::vector<Held> states_;
};

}  // namespace anew::detail
