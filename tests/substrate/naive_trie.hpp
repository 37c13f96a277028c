// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The root of a trie as the Polkadot specification defines it, in the most direct way: from the sorted pairs, all anew;
// and proofs of its values.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <anew/substrate/types.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::substrate {

struct NaiveValue {
  Bytes bytes;
  bool hashed = false;  // lies in its node as its hash
};
using NaiveMap = std::map<Bytes, NaiveValue>;

class NaiveTrie {
 public:
  using Hasher = Hash (*)(const std::string& text);

  static Hash root(const NaiveMap& map, Hasher hash = blake2b) {
    if (map.empty()) return hash(std::string(1, '\0'));
    return hash(node(pairs_of(map, hash), 0, hash));
  }

  /// What shows that the map has a key: the nodes on its path, without what can be computed from the value on
  /// (trie_proof.hpp).
  static std::vector<Bytes> proof(const NaiveMap& map, const Bytes& key, Hasher hash = blake2b) {
    std::vector<std::string> items;
    const std::string target = nibbles_of(key);
    std::string root = node(pairs_of(map, hash), 0, hash, &target, &items);
    items.push_back(std::move(root));
    std::vector<Bytes> proof;
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
      Bytes& bytes = proof.emplace_back();
      for (const char c : *item) bytes.push_back(static_cast<std::byte>(c));
    }
    return proof;
  }

  static Hash blake2b(const std::string& text) {
    Hash hash;
    crypto_generichash_blake2b(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                               reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
    return hash;
  }

 private:
  using Pairs = std::map<std::string, std::string>;  // nibbles (one in a char) to what the node has of the value

  static std::string nibbles_of(const Bytes& key) {
    std::string nibbles;
    for (const std::byte b : key) {
      nibbles += static_cast<char>(std::to_integer<int>(b >> 4));
      nibbles += static_cast<char>(std::to_integer<int>(b & std::byte{15}));
    }
    return nibbles;
  }

  static Pairs pairs_of(const NaiveMap& map, Hasher hash) {
    Pairs pairs;
    for (const auto& [key, value] : map) {
      const std::string text = to_text(value.bytes);
      pairs[nibbles_of(key)] = value.hashed ? "#" + to_text(hash(text)) : "=" + compact(text.size()) + text;
    }
    return pairs;
  }

  template <typename T>
  static std::string to_text(const T& bytes) {
    std::string text;
    for (const std::byte b : bytes) text += static_cast<char>(b);
    return text;
  }

  static std::string compact(std::size_t n) {
    std::string bytes;
    const auto push = [&](std::size_t word, int count) {
      for (int i = 0; i < count; ++i) bytes += static_cast<char>(word >> 8 * i & 255);
    };
    if (n < 64)
      push(n << 2, 1);
    else if (n < 16'384)
      push(n << 2 | 1, 2);
    else
      push(n << 2 | 2, 4);
    return bytes;
  }

  /// The encoding of the node that holds all pairs, whose keys agree in the first `depth` nibbles.
  /// @param target  a key among them, as far as the proof of it is asked for; null: it is not.
  /// @param items   nodes of the proof below this one, the deepest first.
  static std::string node(const Pairs& pairs, std::size_t depth, Hasher hash, const std::string* target = nullptr,
                          std::vector<std::string>* items = nullptr) {
    const std::string& first = pairs.begin()->first;
    const std::string& last = pairs.rbegin()->first;
    std::size_t end = depth;
    while (end < first.size() && end < last.size() && first[end] == last[end]) ++end;
    const std::string partial = first.substr(depth, end - depth);

    const std::string* value = first.size() == end ? &pairs.begin()->second : nullptr;
    static const std::string kNothing = "=" + std::string(1, '\0');
    const bool is_target = target != nullptr && target->size() == end;
    std::map<int, Pairs> children;
    for (const auto& pair : pairs)
      if (pair.first.size() > end) children[pair.first[end]].insert(pair);
    if (is_target) value = children.empty() ? &kNothing : nullptr;
    unsigned kind = 0;
    unsigned most = 63;
    if (value == nullptr) {
      kind = 0x80;
    } else if (value->front() == '=') {
      kind = children.empty() ? 0x40 : 0xC0;
    } else {
      kind = children.empty() ? 0x20 : 0x10;
      most = children.empty() ? 31 : 15;
    }
    std::string out;
    std::size_t length = partial.size();
    if (length < most) {
      out += static_cast<char>(kind + length);
    } else {
      out += static_cast<char>(kind + most);
      length -= most;
      while (length >= 255) {
        out += '\xFF';
        length -= 255;
      }
      out += static_cast<char>(length);
    }
    std::size_t i = 0;
    if (partial.size() % 2 != 0) out += partial[i++];
    for (; i < partial.size(); i += 2) out += static_cast<char>(partial[i] * 16 + partial[i + 1]);
    if (!children.empty()) {
      unsigned bitmap = 0;
      for (const auto& child : children) bitmap |= 1u << child.first;
      out += static_cast<char>(bitmap & 255);
      out += static_cast<char>(bitmap >> 8);
    }
    if (value != nullptr) out += value->substr(1);
    for (const auto& child : children) {
      const std::string encoding = node(child.second, end + 1, hash);
      std::string merkle = encoding.size() < 32 ? encoding : to_text(hash(encoding));
      if (target != nullptr && !is_target && (*target)[end] == child.first) {
        merkle = node(child.second, end + 1, hash, target, items);
        if (encoding.size() >= 32) items->push_back(std::exchange(merkle, {}));
      }
      out += compact(merkle.size()) + merkle;
    }
    return out;
  }
};

}  // namespace anew::substrate
