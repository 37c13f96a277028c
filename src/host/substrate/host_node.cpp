// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a node does besides: recording proofs, keeping the data of transactions, tracing.
#include <cstdint>
#include <limits>

#include "host/substrate/host_functions.hpp"

namespace anew::substrate {
void define_node(HostFunctions& functions) {
  using State = Externalities::State;
  // The answer where no proof is recorded.
  functions.define("ext_storage_proof_size_storage_proof_size_version_1",
                   [](const HostCall&) { return std::numeric_limits<std::uint64_t>::max(); });

  functions.define("ext_transaction_index_index_version_1",
                   [](State& state, std::uint32_t extrinsic, std::uint32_t size, HashBytes hash) {
                     return state.index_transaction({extrinsic, to_hash(hash), size});
                   });
  functions.define("ext_transaction_index_renew_version_1", [](State& state, std::uint32_t extrinsic, HashBytes hash) {
    return state.index_transaction({extrinsic, to_hash(hash), std::nullopt});
  });

  // As where nobody subscribes to what is traced: a span without a number is 0.
  functions.define("ext_wasm_tracing_enabled_version_1", [](const HostCall&, BytesView) { return false; });
  functions.define("ext_wasm_tracing_enter_span_version_1",
                   [](const HostCall&, BytesView) -> std::uint64_t { return 0; });
  functions.define("ext_wasm_tracing_event_version_1", [](const HostCall&, BytesView) {});
  functions.define("ext_wasm_tracing_exit_version_1", [](const HostCall&, std::uint64_t) {});
}

}  // namespace anew::substrate
