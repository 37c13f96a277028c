// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_offchain_*: what offchain workers get. A call whose host offers no offchain services traps if it asks for them;
// only the index, which is part of a block's effect, is there for all.
#include <algorithm>
#include <chrono>
#include <thread>

#include "host/substrate/host_functions.hpp"
#include "host/substrate/scale.hpp"
#include "os/try.hpp"
#include "runtime/stop.hpp"

namespace anew::substrate {
namespace {

using State = Externalities::State;

Result<Offchain*> offchain_of(State& state) {
  if (state.services.offchain != nullptr) return state.services.offchain;
  return fail(
      ErrorCode::kHost,
      "can be called in an offchain worker only: this call has no offchain services; give them in HostServices");
}

template <typename R, typename F, typename... A>
Result<R> work(State& state, const F& function, const A&... arguments) {
  const auto offchain = TRY(offchain_of(state));
  if constexpr (std::is_void_v<R>) {
    function(*offchain, arguments...);
    return {};
  } else {
    return function(*offchain, arguments...);
  }
}

/// Defines a function that takes the offchain services and (A...), with a result of Result<R>.
template <typename R, typename... A, typename F>
void define_worker(HostFunctions& functions, std::string_view name, F function) {
  functions.define(
      name, [function](State& state, A... arguments) -> Result<R> { return work<R>(state, function, arguments...); });
}

std::uint64_t bytes_of(BytesView bytes) { return bytes.size(); }
std::uint64_t bytes_of(std::optional<BytesView> bytes) { return bytes ? bytes->size() : 0; }
std::uint64_t bytes_of(StorageKind) { return 0; }

/// The same of one that keeps what it is given: a call may write so much and no more.
template <typename R, typename... A, typename F>
void define_writer(HostFunctions& functions, std::string_view name, F function) {
  functions.define(name, [function](State& state, A... arguments) -> Result<R> {
    TRY(state.charge((bytes_of(arguments) + ...)));
    return work<R>(state, function, arguments...);
  });
}

/// Result<OpaqueNetworkState, ()>.
Blob encode_network_state(const std::optional<NetworkState>& state) {
  if (!state) return Blob{{std::byte{1}}};
  Bytes encoded = {std::byte{0}};
  append_bytes(encoded, state->peer_id);
  append_compact(encoded, static_cast<std::uint32_t>(state->external_addresses.size()));  // a node has a few
  for (const Bytes& address : state->external_addresses) append_bytes(encoded, address);
  return Blob{std::move(encoded)};
}

/// @param time  milliseconds since 1970, by the worker's clock.
void sleep_until(Offchain& offchain, std::uint64_t time) {
  constexpr std::uint64_t kLongest = 5;  // milliseconds, so that the call's deadline is seen soon
  for (std::uint64_t now = offchain.now(); now < time; now = offchain.now()) {
    detail::check_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(time - now, kLongest)));
  }
}

void define_local_storage(HostFunctions& functions) {
  define_writer<void, StorageKind, BytesView, BytesView>(
      functions, "ext_offchain_local_storage_set_version_1",
      [](Offchain& offchain, StorageKind kind, BytesView key, BytesView value) { offchain.set(kind, key, value); });
  define_worker<void, StorageKind, BytesView>(
      functions, "ext_offchain_local_storage_clear_version_1",
      [](Offchain& offchain, StorageKind kind, BytesView key) { offchain.clear(kind, key); });
  define_writer<bool, StorageKind, BytesView, std::optional<BytesView>, BytesView>(
      functions, "ext_offchain_local_storage_compare_and_set_version_1",
      [](Offchain& offchain, StorageKind kind, BytesView key, std::optional<BytesView> old_value, BytesView value) {
        return offchain.compare_and_set(kind, key, old_value, value);
      });
  define_worker<std::optional<Bytes>, StorageKind, BytesView>(
      functions, "ext_offchain_local_storage_get_version_1",
      [](Offchain& offchain, StorageKind kind, BytesView key) { return offchain.get(kind, key); });
}

/// The host makes no requests: starting one fails, and so no id is valid.
void define_http(HostFunctions& functions) {
  static constexpr std::byte kError{1};
  // Substrate's HttpError counts from 1, its HttpRequestStatus from 0.
  static constexpr std::byte kInvalidRequest{3};
  static constexpr std::byte kInvalidStatus{2};
  define_worker<Blob, BytesView, BytesView, BytesView>(
      functions, "ext_offchain_http_request_start_version_1",
      [](Offchain&, BytesView, BytesView, BytesView) { return Blob{{kError}}; });
  define_worker<Blob, std::uint32_t, BytesView, BytesView>(
      functions, "ext_offchain_http_request_add_header_version_1",
      [](Offchain&, std::uint32_t, BytesView, BytesView) { return Blob{{kError}}; });
  define_worker<Blob, std::uint32_t, BytesView, BytesView>(
      functions, "ext_offchain_http_request_write_body_version_1",
      [](Offchain&, std::uint32_t, BytesView, BytesView) { return Blob{{kError, kInvalidRequest}}; });
  functions.define("ext_offchain_http_response_wait_version_1",
                   [](State& state, BytesView ids, BytesView) -> Result<Blob> {
                     (void)TRY(offchain_of(state));
                     ScaleReader reader(ids);
                     std::uint32_t count = 0;
                     if (!reader.length(sizeof(std::uint16_t), count)) return std::unexpected(reader.error());
                     Bytes statuses;
                     append_compact(statuses, count);
                     statuses.resize(statuses.size() + count, kInvalidStatus);
                     return Blob{std::move(statuses)};
                   });
  define_worker<Blob, std::uint32_t>(functions, "ext_offchain_http_response_headers_version_1",
                                     [](Offchain&, std::uint32_t) { return Blob{{std::byte{0}}}; });
  define_worker<Blob, std::uint32_t, GuestBuffer, BytesView>(
      functions, "ext_offchain_http_response_read_body_version_1",
      [](Offchain&, std::uint32_t, const GuestBuffer&, BytesView) { return Blob{{kError, kInvalidRequest}}; });
}

void define_index(HostFunctions& functions) {
  functions.define("ext_offchain_index_set_version_1",
                   [](State& state, BytesView key, BytesView value) { return state.index_offchain(key, value); });
  functions.define("ext_offchain_index_clear_version_1",
                   [](State& state, BytesView key) { return state.index_offchain(key, std::nullopt); });
}

}  // namespace

void define_offchain(HostFunctions& functions) {
  define_worker<bool>(functions, "ext_offchain_is_validator_version_1",
                      [](Offchain& offchain) { return offchain.is_validator(); });
  define_worker<std::uint64_t>(functions, "ext_offchain_timestamp_version_1",
                               [](Offchain& offchain) { return offchain.now(); });
  define_worker<Hash>(functions, "ext_offchain_random_seed_version_1",
                      [](Offchain& offchain) { return offchain.random(); });
  define_worker<Blob>(functions, "ext_offchain_network_state_version_1",
                      [](Offchain& offchain) { return encode_network_state(offchain.network_state()); });
  define_writer<Blob, BytesView>(functions, "ext_offchain_submit_transaction_version_1",
                                 [](Offchain& offchain, BytesView transaction) {
                                   offchain.submit(transaction);
                                   return Blob{{std::byte{0}}};  // Result<(), ()>: taken
                                 });
  define_worker<void, std::uint64_t>(functions, "ext_offchain_sleep_until_version_1", sleep_until);
  // Substrate's bool is passed as a number. There is no network whose nodes these would be.
  define_worker<void, std::vector<BytesView>, std::uint32_t>(
      functions, "ext_offchain_set_authorized_nodes_version_1",
      [](Offchain&, const std::vector<BytesView>&, std::uint32_t) {});
  define_local_storage(functions);
  define_http(functions);
  define_index(functions);
}

}  // namespace anew::substrate
