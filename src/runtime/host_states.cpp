// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/host_states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/without_exceptions.hpp"

namespace anew::detail {
namespace {

Error of_state(const StateDefinition& definition, Error&& error) {
  error.message = fmt::format("host state {}: {}", definition.type().name, error.message);
  return std::move(error);
}

}  // namespace

Result<void> HostStates::add(std::span<const std::shared_ptr<const StateDefinition>> definitions) {
  return without_exceptions("a host state is made", [&]() -> Result<void> {
    for (const auto& definition : definitions) {
      const auto* const type = &definition->type();
      const auto found = std::ranges::find(states_, type, &Held::type);
      if (found != states_.end()) {
        if (found->definition == definition) continue;
        return fail(ErrorCode::kArgument,
                    fmt::format("the store has a host state {} of another linker: instantiate with the same linker, or "
                                "a copy of it",
                                type->name));
      }
      auto made = without_exceptions("a host state is made", [&] { return definition->make(); });
      if (!made) return std::unexpected(of_state(*definition, std::move(made.error())));
      states_.push_back({type, std::move(*made), definition});
    }
    return {};
  });
}

Result<void> HostStates::reset() noexcept {
  return without_exceptions("a host state is reset", [&]() -> Result<void> {
    for (Held& held : states_)
      if (auto done = held.definition->reset(held.state); !done)
        return std::unexpected(of_state(*held.definition, std::move(done.error())));
    return {};
  });
}

}  // namespace anew::detail
