// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <sodium.h>

#include <algorithm>
#include <anew/substrate/offchain.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

namespace anew::substrate {

struct Offchain::State {
  OffchainOptions options;
  mutable std::mutex mutex;  // guards what follows
  std::map<std::pair<StorageKind, Bytes>, Bytes> storage;
  std::vector<Bytes> submitted;
};

namespace {

std::pair<StorageKind, Bytes> key_of(StorageKind kind, BytesView key) { return {kind, Bytes(key.begin(), key.end())}; }

}  // namespace

Offchain::Offchain(OffchainOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
Offchain::Offchain(Offchain&&) noexcept = default;
Offchain& Offchain::operator=(Offchain&&) noexcept = default;
Offchain::~Offchain() = default;

bool Offchain::is_validator() const noexcept { return state_->options.is_validator; }

std::uint64_t Offchain::now() const {
  if (state_->options.now) return state_->options.now();
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  // Not negative: the clock stands after 1970.
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
}

Hash Offchain::random() const {
  if (state_->options.random) return state_->options.random();
  Hash seed;
  randombytes_buf(seed.data(), seed.size());
  return seed;
}

const std::optional<NetworkState>& Offchain::network_state() const noexcept { return state_->options.network_state; }

std::optional<Bytes> Offchain::get(StorageKind kind, BytesView key) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->storage.find(key_of(kind, key));
  return found != state_->storage.end() ? std::optional(found->second) : std::nullopt;
}

void Offchain::set(StorageKind kind, BytesView key, BytesView value) {
  const std::lock_guard lock(state_->mutex);
  state_->storage.insert_or_assign(key_of(kind, key), Bytes(value.begin(), value.end()));
}

void Offchain::clear(StorageKind kind, BytesView key) {
  const std::lock_guard lock(state_->mutex);
  state_->storage.erase(key_of(kind, key));
}

bool Offchain::compare_and_set(StorageKind kind, BytesView key, std::optional<BytesView> old_value, BytesView value) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->storage.find(key_of(kind, key));
  const bool is_there = found != state_->storage.end();
  if (is_there != old_value.has_value() || (is_there && !std::ranges::equal(found->second, *old_value))) return false;
  state_->storage.insert_or_assign(key_of(kind, key), Bytes(value.begin(), value.end()));
  return true;
}

void Offchain::submit(BytesView transaction) {
  const std::lock_guard lock(state_->mutex);
  state_->submitted.emplace_back(transaction.begin(), transaction.end());
}

std::vector<Bytes> Offchain::submitted() const {
  const std::lock_guard lock(state_->mutex);
  return state_->submitted;
}

}  // namespace anew::substrate
