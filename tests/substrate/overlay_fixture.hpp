// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of the overlay begin with: a small state below it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/substrate/state.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/substrate/overlay.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {

inline constexpr StateVersion kV0 = StateVersion::kV0;
inline constexpr StateVersion kV1 = StateVersion::kV1;
inline const Bytes kChildKey = from_text("child");
inline const TrieId kChild = TrieId::child(kChildKey);

inline StorageValue text(std::string_view value) { return std::make_shared<const Bytes>(from_text(value)); }
inline std::string text_of(const Bytes& bytes) {
  std::string out;
  for (const std::byte b : bytes) out += static_cast<char>(b);
  return out;
}
inline Bytes root_key(std::string_view child) { return from_text(fmt::format(":child_storage:default:{}", child)); }

/// A state that counts what it is asked for, and fails from the nth time on.
class Probe final : public StateBackend {
 public:
  MemoryState state;
  mutable unsigned asked = 0;
  unsigned fails_at = std::numeric_limits<unsigned>::max();

  Result<StorageValue> get(TrieId trie, BytesView key) const override {
    return answer([&] { return state.get(trie, key); });
  }
  Result<std::optional<Hash>> value_hash(BytesView key) const override {
    return answer([&] { return state.value_hash(key); });
  }
  Result<std::optional<Bytes>> next_key(TrieId trie, BytesView key) const override {
    return answer([&] { return state.next_key(trie, key); });
  }
  Result<Hash> root(TrieId trie, std::span<const TrieChange> changes, StateVersion version) const override {
    return answer([&] { return state.root(trie, changes, version); });
  }

 private:
  template <typename Ask>
  auto answer(Ask ask) const -> decltype(ask()) {
    if (++asked >= fails_at) return fail(ErrorCode::kIo, "the disk is gone");
    return ask();
  }
};

class OverlayTest : public testing::Test {
 protected:
  OverlayTest() {
    StateChanges changes;
    for (const char* key : {"a", "b", "c", "d"}) changes.top[from_text(key)] = text("base");
    for (const char* key : {"a", "b", "c"}) changes.children[kChildKey][from_text(key)] = text("child's");
    base.state = MemoryState().with(changes, kV1).value();
  }

  std::string get(std::string_view key, TrieId trie = {}) const {
    const StorageValue value = overlay.get(trie, from_text(key)).value();
    return value == nullptr ? "none" : text_of(*value);
  }
  void set(std::string_view key, std::string_view value, TrieId trie = {}) {
    overlay.set(trie, from_text(key), text(value));
  }
  void remove(std::string_view key, TrieId trie = {}) { overlay.set(trie, from_text(key), nullptr); }
  void append(std::string_view key, std::string_view item) {
    ASSERT_TRUE(overlay.append(from_text(key), from_text(item)));
  }
  Overlay::Removal clear(std::string_view prefix, std::optional<std::uint32_t> limit = {}, TrieId trie = {}) {
    return overlay.clear_prefix(trie, from_text(prefix), limit).value();
  }
  std::vector<std::string> keys(TrieId trie = {}) const {
    std::vector<std::string> keys;
    for (std::optional<Bytes> key = Bytes(); (key = overlay.next_key(trie, *key).value());)
      keys.push_back(text_of(*key));
    return keys;
  }

  Probe base;
  Overlay overlay{base};
};

}  // namespace anew::substrate
