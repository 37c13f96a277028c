// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_storage_*: the top trie, and transactions.
#include "host/substrate/host_functions.hpp"
#include "host/substrate/storage_keys.hpp"
#include "host/substrate/stored_value.hpp"

namespace anew::substrate {

void define_storage(HostFunctions& functions) {
  using State = Externalities::State;
  functions.define("ext_storage_get_version_1", [](State& state, BytesView key) { return state.overlay.get({}, key); });
  functions.define("ext_storage_read_version_1",
                   [](State& state, BytesView key, GuestBuffer out, std::uint32_t offset) {
                     return read_value(state.overlay.get({}, key), out, offset);
                   });
  functions.define("ext_storage_exists_version_1",
                   [](State& state, BytesView key) { return state.overlay.exists({}, key); });
  functions.define("ext_storage_set_version_1",
                   [](State& state, BytesView key, BytesView value) { return state.set({}, key, make_value(value)); });
  functions.define("ext_storage_clear_version_1",
                   [](State& state, BytesView key) { return state.set({}, key, nullptr); });
  functions.define("ext_storage_clear_prefix_version_1", [](State& state, BytesView prefix) -> Result<void> {
    return without_value(state.clear_prefix({}, prefix, std::nullopt));
  });
  functions.define("ext_storage_clear_prefix_version_2",
                   [](State& state, BytesView prefix, std::optional<std::uint32_t> limit) {
                     return state.clear_prefix({}, prefix, limit);
                   });
  functions.define(
      "ext_storage_clear_prefix_version_3",
      [](State& state, BytesView prefix, std::optional<std::uint32_t> limit, std::optional<BytesView> cursor) {
        return as_results(state.clear_prefix({}, prefix, limit, cursor));
      });
  functions.define("ext_storage_append_version_1",
                   [](State& state, BytesView key, BytesView item) { return state.append(key, item); });
  functions.define("ext_storage_next_key_version_1",
                   [](State& state, BytesView key) { return state.overlay.next_key({}, key); });

  const auto root = [](State& state, StateVersion version) { return as_blob(state.root(version)); };
  functions.define("ext_storage_root_version_1", [root](State& state) { return root(state, StateVersion::kV0); });
  functions.define("ext_storage_root_version_2",
                   [root](State& state, StateVersion version) { return root(state, version); });
  // Change tries are gone from Substrate, and its answer is None always.
  functions.define("ext_storage_changes_root_version_1",
                   [](State&, BytesView) -> std::optional<Bytes> { return std::nullopt; });

  functions.define("ext_storage_start_transaction_version_1", [](State& state) { return state.start_transaction(); });
  functions.define("ext_storage_commit_transaction_version_1", [](State& state) -> Result<void> {
    if (state.commit_transaction()) return {};
    return fail(ErrorCode::kHost, "there is no open transaction to commit");
  });
  functions.define("ext_storage_rollback_transaction_version_1", [](State& state) -> Result<void> {
    if (state.rollback_transaction()) return {};
    return fail(ErrorCode::kHost, "there is no open transaction to roll back");
  });
}

}  // namespace anew::substrate
