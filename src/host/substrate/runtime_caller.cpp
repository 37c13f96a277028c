// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/substrate/runtime_caller.hpp>
#include <utility>

#include "host/substrate/externalities_state.hpp"
#include "host/substrate/instance_state.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {
namespace {

std::unexpected<Error> fail_foreign() {
  return fail(ErrorCode::kHost, "the caller is no instance of a substrate::Runtime");
}

/// The state of the call.
Result<Externalities::State*> state_of(const InstanceState* instance) {
  if (instance == nullptr) return fail_foreign();
  if (instance->externalities != nullptr) return instance->externalities;
  return fail(ErrorCode::kHost, "this call has no state; call with Externalities, or by an Executor");
}

}  // namespace

RuntimeCaller::RuntimeCaller(Caller caller) noexcept : caller_(caller), state_(caller.find_state<InstanceState>()) {}

Result<BytesView> RuntimeCaller::read(std::uint64_t span) const {
  if (state_ == nullptr) return fail_foreign();
  const GuestSpan where = GuestSpan::unpack(span);
  return caller_.memory().read(where.address, where.length);
}

Result<std::uint64_t> RuntimeCaller::give(BytesView bytes) const {
  if (state_ == nullptr) return fail_foreign();
  const auto span = TRY(copy_to_heap(*state_, caller_.memory(), {bytes}));
  return span.pack();
}

Result<StorageValue> RuntimeCaller::get(BytesView key) const {
  return detail::without_exceptions("a state is read", [&]() -> Result<StorageValue> {
    const auto state = TRY(state_of(state_));
    return state->overlay.get({}, key);
  });
}

Result<void> RuntimeCaller::set(BytesView key, StorageValue value) const {
  return detail::without_exceptions("a state is changed", [&]() -> Result<void> {
    const auto state = TRY(state_of(state_));
    return state->set({}, key, std::move(value));
  });
}

}  // namespace anew::substrate
