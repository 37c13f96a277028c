// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What offchain workers get from their host: storage of their own, a clock, randomness, a pool to submit to.
#pragma once

#include <anew/substrate/types.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace anew::substrate {

/// The two spaces of offchain storage; the numbers are those of the host API.
enum class StorageKind : std::uint32_t { kPersistent = 1, kLocal = 2 };

/// Where a node is to be reached.
struct NetworkState {
  Bytes peer_id;
  std::vector<Bytes> external_addresses;
};

struct OffchainOptions {
  bool is_validator = false;
  std::function<std::uint64_t()> now = {};  ///< milliseconds since 1970; empty: the system's clock
  std::function<Hash()> random = {};        ///< empty: the system's randomness
  std::optional<NetworkState> network_state = std::nullopt;
};

/// The offchain side of a host, in memory. What calls change here stays, as on a node: it is not the instance's. May be
/// used from many threads.
class ANEW_API Offchain {
 public:
  explicit Offchain(OffchainOptions options = {});
  Offchain(Offchain&&) noexcept;
  Offchain& operator=(Offchain&&) noexcept;
  ~Offchain();

  [[nodiscard]] bool is_validator() const noexcept;
  [[nodiscard]] std::uint64_t now() const;
  [[nodiscard]] Hash random() const;
  [[nodiscard]] const std::optional<NetworkState>& network_state() const noexcept;

  [[nodiscard]] std::optional<Bytes> get(StorageKind kind, BytesView key) const;
  void set(StorageKind kind, BytesView key, BytesView value);
  void clear(StorageKind kind, BytesView key);
  /// Sets the value if it is `old_value` now. @return whether it was.
  [[nodiscard]] bool compare_and_set(StorageKind kind, BytesView key, std::optional<BytesView> old_value,
                                     BytesView value);

  /// Keeps a transaction that a runtime submits.
  void submit(BytesView transaction);
  /// Those submitted so far, in their order.
  [[nodiscard]] std::vector<Bytes> submitted() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace anew::substrate
