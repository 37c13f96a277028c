// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A state in memory: a trie, and one for each child trie.
#include <fmt/format.h>

#include <anew/substrate/state.hpp>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "host/substrate/hex.hpp"
#include "host/substrate/storage_keys.hpp"
#include "host/substrate/trie.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/printable.hpp"

namespace anew::substrate {
namespace {

using Json = nlohmann::json;
using ChildTries = std::map<Bytes, Trie, KeyOrder>;

/// The hash of a value, computed when it is first asked for. States that share the value share this.
class LazyHash {
 public:
  explicit LazyHash(StorageValue value) noexcept : value_(std::move(value)) {}
  [[nodiscard]] const StorageValue& value() const noexcept { return value_; }
  [[nodiscard]] const Hash& hash() {
    std::call_once(once_, [&] { hash_ = blake2b_256(*value_); });
    return hash_;
  }

 private:
  StorageValue value_;
  std::once_flag once_;
  Hash hash_{};
};

std::vector<TrieChange> changes_to(const TrieChanges& changes) {
  std::vector<TrieChange> list;
  list.reserve(changes.size());
  for (const auto& [key, value] : changes) list.push_back({key, value});
  return list;
}

std::unexpected<Error> fail_pairs(std::string what) {
  return fail(ErrorCode::kMalformed, "state pairs: " + std::move(what));
}

/// The list of pairs, wherever it is.
Result<const Json*> find_pairs(const Json& json) {
  if (json.is_array()) return &json;
  if (!json.is_object()) return fail_pairs("neither a list nor an object with the list as its \"result\"");
  const auto result = json.find("result");
  if (result == json.end()) {
    const auto error = json.find("error");
    if (error == json.end()) return fail_pairs("an object without a \"result\"");
    const auto message = error->is_object() ? error->find("message") : error->end();
    if (message == error->end() || !message->is_string()) return fail_pairs("the answer is an error");
    return fail_pairs(fmt::format("the answer is an error: {}", quote(message->get_ref<const std::string&>())));
  }
  if (!result->is_array()) return fail_pairs("the \"result\" is not a list");
  return &*result;
}

Result<TrieChanges> read_pairs(const Json& pairs) {
  TrieChanges changes;
  std::size_t index = 0;
  for (const Json& pair : pairs) {
    const auto fail_entry = [&](std::string_view what) { return fail_pairs(fmt::format("entry {} {}", index, what)); };
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      return fail_entry("is not a list of two strings, key and value");
    const auto& key_text = pair[0].get_ref<const std::string&>();
    Bytes key;
    Bytes value;
    if (const char* wrong = decode_hex(key_text, key); wrong != nullptr)
      return fail_entry(fmt::format("has a key {} that {}", quote(key_text), wrong));
    if (const char* wrong = decode_hex(pair[1].get_ref<const std::string&>(), value); wrong != nullptr)
      return fail_entry(fmt::format("has a value, of key {}, that {}", quote(key_text), wrong));
    const auto [place, added] = changes.try_emplace(std::move(key));
    if (!added) return fail_entry(fmt::format("has a key that was there before: {}", quote(key_text)));
    place->second = std::make_shared<const Bytes>(std::move(value));
    ++index;
  }
  return changes;
}

/// A child trie whose root is there, but which itself is not, not even as one without keys: nothing could be read from
/// it, and once it changes its root would be wrong.
std::optional<BytesView> find_unknown_child(const StateChanges& whole) {
  const BytesView prefix = as_bytes(kDefaultChildPrefix);
  for (auto each = whole.top.lower_bound(Bytes(prefix.begin(), prefix.end()));
       each != whole.top.end() && starts_with(each->first, prefix); ++each) {
    const BytesView storage_key = BytesView(each->first).subspan(prefix.size());
    if (!whole.children.contains(Bytes(storage_key.begin(), storage_key.end()))) return storage_key;
  }
  return std::nullopt;
}

}  // namespace

struct MemoryState::Content {
  Trie top{blake2b_256};
  std::shared_ptr<const ChildTries> children = std::make_shared<const ChildTries>();  // without those that are empty
  std::shared_ptr<LazyHash> code_hash;                                                // null: there is no code

  /// The trie, or an empty one.
  [[nodiscard]] const Trie& trie(TrieId id) const {
    if (!id.is_child()) return top;
    static const Trie none{blake2b_256};
    const auto found = children->find(id.storage_key());
    return found == children->end() ? none : found->second;
  }

  /// Whether changes to a trie can be computed: not if its root is known, but not what is in it.
  [[nodiscard]] Result<void> check_known(TrieId id) const {
    if (!id.is_child() || children->contains(id.storage_key())) return {};
    const TrieNode* root = top.find(child_root_key(id.storage_key()));
    if (root == nullptr) return {};
    return fail(ErrorCode::kNotFound,
                "the state has the root of a child trie, but not its keys: state_getPairs lists those of the top trie "
                "only");
  }
};

MemoryState::MemoryState() : content_(std::make_shared<const Content>()) {}
MemoryState::MemoryState(std::shared_ptr<const Content> content) noexcept : content_(std::move(content)) {}
MemoryState::MemoryState(const MemoryState&) = default;
// The state that is moved from stays whole: content_ is never null.
MemoryState::MemoryState(MemoryState&& other) noexcept : StateBackend(other), content_(other.content_) {}
MemoryState& MemoryState::operator=(const MemoryState&) = default;
MemoryState& MemoryState::operator=(MemoryState&& other) noexcept {
  content_ = other.content_;
  return *this;
}
MemoryState::~MemoryState() = default;

Result<MemoryState> MemoryState::from_chain_spec(const ChainSpec& spec, StateVersion version) {
  return detail::without_exceptions("a state is made", [&]() -> Result<MemoryState> {
    StateChanges genesis;
    for (const auto& [key, value] : spec.top) genesis.top.emplace_hint(genesis.top.end(), key, make_value(value));
    for (const auto& [storage_key, pairs] : spec.children) {
      TrieChanges& child = genesis.children[storage_key];
      for (const auto& [key, value] : pairs) child.emplace_hint(child.end(), key, make_value(value));
    }
    if (const auto unknown = find_unknown_child(genesis)) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("chain spec: the top map has the root of the child trie {}, but \"childrenDefault\" does "
                              "not have its keys",
                              quote(encode_hex(*unknown))));
    }
    return MemoryState().with(genesis, version);
  });
}

Result<MemoryState> MemoryState::from_pairs(std::string_view json, StateVersion version) {
  return detail::without_exceptions("a state is made", [&]() -> Result<MemoryState> {
    try {
      const Json parsed = Json::parse(json);
      const auto pairs = TRY(find_pairs(parsed));
      auto top = TRY(read_pairs(*pairs));
      const StateChanges whole = {std::move(top), {}};
      if (const auto unknown = find_unknown_child(whole)) {
        return fail_pairs(fmt::format(
            "there is the root of the child trie {}, but its keys are not among the pairs: state_getPairs lists "
            "those of the top trie only; a chain spec has both",
            quote(encode_hex(*unknown))));
      }
      return MemoryState().with(whole, version);
    } catch (const Json::exception& error) {
      return fail_pairs(fmt::format("not JSON: {}", wasm::printable(error.what())));
    }
  });
}

Result<MemoryState> MemoryState::with(const StateChanges& changes, StateVersion version) const {
  return detail::without_exceptions("a state is changed", [&]() -> Result<MemoryState> {
    auto next = std::make_shared<Content>(*content_);
    std::vector<TrieChange> top = changes_to(changes.top);

    if (!changes.children.empty()) {
      auto children = std::make_shared<ChildTries>(*content_->children);
      TrieChanges roots;  // and what else changes in the top trie
      for (const auto& [storage_key, child_changes] : changes.children) {
        const TrieId id = TrieId::child(storage_key);
        TRY(content_->check_known(id));
        Trie child = content_->trie(id).with(changes_to(child_changes), version);
        StorageValue& root = roots[child_root_key(storage_key)];
        if (child.empty()) {
          children->erase(storage_key);
        } else {
          root = make_value(child.root());
          children->insert_or_assign(storage_key, std::move(child));
        }
      }
      next->children = std::move(children);
      for (const TrieChange& change : top) roots.try_emplace(Bytes(change.key.begin(), change.key.end()), change.value);
      next->top = content_->top.with(changes_to(roots), version);
    } else {
      next->top = content_->top.with(top, version);
    }

    const TrieNode* code = next->top.find(as_bytes(kCodeKey));
    if (code == nullptr)
      next->code_hash.reset();
    else if (next->code_hash == nullptr || next->code_hash->value() != code->value)
      next->code_hash = std::make_shared<LazyHash>(code->value);
    return MemoryState(std::move(next));
  });
}

Hash MemoryState::root() const noexcept { return content_->top.root(); }

std::size_t MemoryState::size() const noexcept { return content_->top.size(); }

Result<StorageValue> MemoryState::get(TrieId trie, BytesView key) const {
  const TrieNode* node = content_->trie(trie).find(key);
  return node == nullptr ? StorageValue() : node->value;
}

Result<std::optional<Hash>> MemoryState::value_hash(BytesView key) const {
  const TrieNode* node = content_->top.find(key);
  if (node == nullptr) return std::nullopt;
  if (node->value_hash) return node->value_hash;
  if (content_->code_hash != nullptr && node->value == content_->code_hash->value()) return content_->code_hash->hash();
  return blake2b_256(*node->value);
}

Result<std::optional<Bytes>> MemoryState::next_key(TrieId trie, BytesView key) const {
  return detail::without_exceptions(
      "a state is read", [&]() -> Result<std::optional<Bytes>> { return content_->trie(trie).next_key(key); });
}

Result<Hash> MemoryState::root(TrieId trie, std::span<const TrieChange> changes, StateVersion version) const {
  return detail::without_exceptions("a state's root is computed", [&]() -> Result<Hash> {
    TRY(content_->check_known(trie));
    return content_->trie(trie).with(changes, version).root();
  });
}

}  // namespace anew::substrate
