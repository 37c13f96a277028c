// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_default_child_storage_*: child tries, each named by its storage key.
#include "host/substrate/host_functions.hpp"
#include "host/substrate/storage_keys.hpp"
#include "host/substrate/stored_value.hpp"
#include "os/try.hpp"

namespace anew::substrate {

void define_child_storage(HostFunctions& functions) {
  using State = Externalities::State;
  functions.define("ext_default_child_storage_get_version_1", [](State& state, BytesView child, BytesView key) {
    return state.overlay.get(TrieId::child(child), key);
  });
  functions.define("ext_default_child_storage_read_version_1",
                   [](State& state, BytesView child, BytesView key, GuestBuffer out, std::uint32_t offset) {
                     return read_value(state.overlay.get(TrieId::child(child), key), out, offset);
                   });
  functions.define("ext_default_child_storage_exists_version_1", [](State& state, BytesView child, BytesView key) {
    return state.overlay.exists(TrieId::child(child), key);
  });
  functions.define("ext_default_child_storage_set_version_1",
                   [](State& state, BytesView child, BytesView key, BytesView value) {
                     return state.set(TrieId::child(child), key, make_value(value));
                   });
  functions.define("ext_default_child_storage_clear_version_1", [](State& state, BytesView child, BytesView key) {
    return state.set(TrieId::child(child), key, nullptr);
  });
  functions.define("ext_default_child_storage_clear_prefix_version_1",
                   [](State& state, BytesView child, BytesView prefix) -> Result<void> {
                     return without_value(state.clear_prefix(TrieId::child(child), prefix, std::nullopt));
                   });
  functions.define("ext_default_child_storage_clear_prefix_version_2",
                   [](State& state, BytesView child, BytesView prefix, std::optional<std::uint32_t> limit) {
                     return state.clear_prefix(TrieId::child(child), prefix, limit);
                   });
  functions.define("ext_default_child_storage_clear_prefix_version_3",
                   [](State& state, BytesView child, BytesView prefix, std::optional<std::uint32_t> limit,
                      std::optional<BytesView> cursor) {
                     return as_results(state.clear_prefix(TrieId::child(child), prefix, limit, cursor));
                   });
  functions.define("ext_default_child_storage_storage_kill_version_1",
                   [](State& state, BytesView child) -> Result<void> {
                     return without_value(state.clear_prefix(TrieId::child(child), {}, std::nullopt));
                   });
  functions.define("ext_default_child_storage_storage_kill_version_2",
                   [](State& state, BytesView child, std::optional<std::uint32_t> limit) -> Result<bool> {
                     const auto removal = TRY(state.clear_prefix(TrieId::child(child), {}, limit));
                     return removal.all;
                   });
  functions.define("ext_default_child_storage_storage_kill_version_3",
                   [](State& state, BytesView child, std::optional<std::uint32_t> limit) {
                     return state.clear_prefix(TrieId::child(child), {}, limit);
                   });
  functions.define(
      "ext_default_child_storage_storage_kill_version_4",
      [](State& state, BytesView child, std::optional<std::uint32_t> limit, std::optional<BytesView> cursor) {
        return as_results(state.clear_prefix(TrieId::child(child), {}, limit, cursor));
      });
  functions.define("ext_default_child_storage_next_key_version_1", [](State& state, BytesView child, BytesView key) {
    return state.overlay.next_key(TrieId::child(child), key);
  });
  functions.define("ext_default_child_storage_root_version_1", [](State& state, BytesView child) {
    return as_blob(state.overlay.child_root(child, StateVersion::kV0));
  });
  functions.define("ext_default_child_storage_root_version_2", [](State& state, BytesView child, StateVersion version) {
    return as_blob(state.overlay.child_root(child, version));
  });
}

}  // namespace anew::substrate
