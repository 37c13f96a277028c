// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/substrate/externalities.hpp>
#include <new>
#include <utility>

#include "host/substrate/externalities_state.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {

Result<void> Externalities::State::charge(std::uint64_t bytes) {
  constexpr std::uint64_t kOverhead = 256;  // of a changed trie, a node of a map, a record to undo it, a transaction
  charged_ += bytes + kOverhead;            // a call ends when it is past the limit
  if (charged_ <= kMaximumBytesOfACall) return {};
  return fail(ErrorCode::kLimit,
              fmt::format("the call's changes take more than {} MiB of the host's memory", kMaximumBytesOfACall >> 20));
}

Result<void> Externalities::State::set(TrieId trie, BytesView key, StorageValue value) {
  const std::size_t name_bytes = trie.is_child() ? trie.storage_key().size() : 0;
  if (auto fits = charge(name_bytes + key.size() + (value != nullptr ? value->size() : 0)); !fits) return fits;
  overlay.set(trie, key, std::move(value));
  return {};
}

Result<void> Externalities::State::append(BytesView key, BytesView item) {
  if (auto fits = charge(key.size()); !fits) return fits;
  return overlay.append(key, item, charge_this());
}

Result<Overlay::Removal> Externalities::State::clear_prefix(TrieId trie, BytesView prefix,
                                                            std::optional<std::uint32_t> limit,
                                                            std::optional<BytesView> cursor) {
  return overlay.clear_prefix(trie, prefix, limit, charge_this(), cursor.value_or(BytesView()));
}

Result<Hash> Externalities::State::root(StateVersion version) {
  root_version = version;
  return overlay.root(version, charge_this());
}

Result<void> Externalities::State::index_offchain(BytesView key, std::optional<BytesView> value) {
  if (auto fits = charge(key.size() + (value ? value->size() : 0)); !fits) return fits;
  auto& [indexed_key, indexed_value] = offchain_index.emplace_back(Bytes(key.begin(), key.end()), std::nullopt);
  if (value) indexed_value.emplace(value->begin(), value->end());
  return {};
}

Result<void> Externalities::State::begin_outside() {
  if (in_call_) return fail(ErrorCode::kArgument, "a call runs: its transactions are the runtime's");
  open_index();
  return {};
}

Result<void> Externalities::State::close_outside(bool commit) {
  if (in_call_) return fail(ErrorCode::kArgument, "a call runs: its transactions are the runtime's");
  if (!close_transaction(commit)) return fail(ErrorCode::kArgument, "no transaction is open");
  close_index(commit);
  return {};
}

Externalities::State Externalities::State::fork() const {
  State copy(overlay.fork(), services);
  copy.root_version = root_version;
  copy.profile = profile;
  copy.offchain_index = offchain_index;
  copy.transaction_index = transaction_index;
  return copy;
}

void Externalities::State::open_index() {
  index_marks_.reserve(index_marks_.size() + 1);
  open_transaction();
  index_marks_.push_back(transaction_index.size());
}

void Externalities::State::close_index(bool commit) {
  if (!commit) transaction_index.resize(index_marks_.back());
  index_marks_.pop_back();
}

Result<void> Externalities::State::index_transaction(const TransactionIndexing& indexing) {
  if (auto fits = charge(0); !fits) return fits;
  transaction_index.push_back(indexing);
  return {};
}

Result<void> Externalities::State::start_transaction() {
  if (auto fits = charge(0); !fits) return fits;
  open_transaction();
  return {};
}

void Externalities::State::open_transaction() {
  offchain_marks.push_back(offchain_index.size());
  try {
    overlay.start_transaction();
  } catch (const std::bad_alloc&) {
    offchain_marks.pop_back();  // there are as many as transactions
    throw;
  }
}

bool Externalities::State::close_transaction(bool commit) {
  if (!(commit ? overlay.commit_transaction() : overlay.rollback_transaction())) return false;
  if (!commit) offchain_index.resize(offchain_marks.back());
  offchain_marks.pop_back();
  return true;
}

bool Externalities::State::commit_transaction() {
  return overlay.open_transactions() > of_the_call_ && close_transaction(true);
}

bool Externalities::State::rollback_transaction() {
  return overlay.open_transactions() > of_the_call_ && close_transaction(false);
}

void Externalities::State::begin_call() {
  batch.reset();
  charged_ = 0;
  open_index();
  of_the_call_ = overlay.open_transactions();
  in_call_ = true;
}

void Externalities::State::end_call(bool succeeded) {
  while (rollback_transaction()) {
  }
  (void)close_transaction(succeeded);  // begin_call's is open
  close_index(succeeded);
  in_call_ = false;
}

Externalities::Externalities(const StateBackend& state, HostServices services)
    : state_(std::make_unique<State>(state, services)) {}
Externalities::Externalities(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Externalities::Externalities(Externalities&&) noexcept = default;
Externalities& Externalities::operator=(Externalities&&) noexcept = default;
Externalities::~Externalities() = default;

Result<StorageValue> Externalities::get(TrieId trie, BytesView key) const {
  return detail::without_exceptions("a state is read", [&] { return state_->overlay.get(trie, key); });
}

Result<void> Externalities::set(TrieId trie, BytesView key, StorageValue value) {
  return detail::without_exceptions("a state is changed", [&]() -> Result<void> {
    state_->overlay.set(trie, key, std::move(value));
    return {};
  });
}

Result<void> Externalities::begin_transaction() {
  return detail::without_exceptions("a transaction is begun", [&] { return state_->begin_outside(); });
}
Result<void> Externalities::commit_transaction() {
  return detail::without_exceptions("a transaction is committed", [&] { return state_->close_outside(true); });
}
Result<void> Externalities::rollback_transaction() {
  return detail::without_exceptions("a transaction is undone", [&] { return state_->close_outside(false); });
}

Result<Externalities> Externalities::fork() const {
  return detail::without_exceptions("a state's changes are copied", [&]() -> Result<Externalities> {
    if (state_->overlay.open_transactions() != 0)
      return fail(ErrorCode::kArgument, "changes cannot be forked in a transaction: commit it or roll it back first");
    return Externalities(std::make_unique<State>(state_->fork()));
  });
}

Result<Hash> Externalities::root(StateVersion version) {
  return detail::without_exceptions("a state's root is computed", [&] { return state_->overlay.root(version); });
}

StateChanges Externalities::changes() const { return state_->overlay.changes(); }

std::map<Bytes, std::optional<Bytes>> Externalities::offchain_index() const {
  std::map<Bytes, std::optional<Bytes>> index;
  for (const auto& [key, value] : state_->offchain_index) index.insert_or_assign(key, value);
  return index;
}

std::vector<TransactionIndexing> Externalities::transaction_index() const { return state_->transaction_index; }

void Externalities::set_profile(HostProfile* profile) noexcept { state_->profile = profile; }

}  // namespace anew::substrate
