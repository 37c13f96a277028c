// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/gate.hpp"

#include <utility>

namespace anew::pool {

/// The gates without a pool. Never destroyed: a lease may be given back while the process ends.
struct Gates {
  std::mutex mutex;
  Gate* first = nullptr;

  static Gates& all() {
    static Gates& gates = *new Gates;
    return gates;
  }
  Gate* pop() {
    const std::lock_guard lock(mutex);
    return first != nullptr ? std::exchange(first, first->next_) : nullptr;
  }
  void push(Gate& gate) noexcept {
    const std::lock_guard lock(mutex);
    gate.next_ = std::exchange(first, &gate);
  }
};

Gate& Gate::take(detail::PoolState& pool) {
  Gate* gate = Gates::all().pop();
  if (gate == nullptr) gate = new Gate;
  const std::lock_guard lock(gate->mutex);
  gate->pool = &pool;
  gate->word.store(0, std::memory_order_relaxed);
  return *gate;
}

void Gate::give_back(Gate& gate) noexcept { Gates::all().push(gate); }

}  // namespace anew::pool
