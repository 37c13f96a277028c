// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keys in the order of their bytes, each with a number: the first that was added has 0, and so on.
//
// The keys of a chain's state come in families that share 32 bytes and more, so a tree that compares keys compares the
// same bytes again and again. Here branches stand only where keys part, and a look-up goes by one nibble at each; only
// the key at the end is compared.
//
//   keys 0 "aaab", 1 "aabc", 2 "aa"       nibble 4:  keys that end here  2
//                                                    6  nibble 5:  1  0
//                                                                  2  1
//
// All refers to all else by number, so an index may be copied as it is.
#pragma once

#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace anew::substrate {

/// Makes room for one more item, so that adding it cannot fail.
template <typename T>
void make_room(std::vector<T>& items) {
  constexpr std::size_t kFirst = 8;
  if (items.size() == items.capacity()) items.reserve(items.empty() ? kFirst : items.size() * 2);
}

class KeyIndex {
 public:
  using Number = std::uint32_t;
  static constexpr Number kNone = 0xFFFF'FFFF;

  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  /// A key, as long as it is there.
  [[nodiscard]] BytesView key(Number number) const noexcept { return keys_[number].bytes; }

  /// The number of a key, or kNone.
  [[nodiscard]] Number find(BytesView key) const noexcept;
  /// The first key that is not less, and the first that is greater; or kNone.
  [[nodiscard]] Number not_less(BytesView key) const noexcept;
  [[nodiscard]] Number greater(BytesView key) const noexcept;
  /// Those in the order's beginning, behind and before a key; or kNone.
  [[nodiscard]] Number first() const noexcept { return first_; }
  [[nodiscard]] Number next(Number number) const noexcept { return keys_[number].next; }
  [[nodiscard]] Number previous(Number number) const noexcept { return keys_[number].previous; }

  /// The number of a key, and whether it was added. Changes nothing if memory is out.
  std::pair<Number, bool> insert(BytesView key);
  /// Removes the key that was added last. Never fails: changes must be undone when memory is out, too.
  void remove_last() noexcept;

 private:
  // A key's number, or with kBranch that of a branch.
  using Link = std::uint32_t;
  static constexpr Link kBranch = 1u << 31;
  // Keys that end where others go on are in slot 0, the others in that of their nibble and one.
  static constexpr unsigned kSlots = 17;

  struct Key {
    Bytes bytes;
    Number previous = kNone;
    Number next = kNone;
  };
  struct Branch {
    std::size_t place;       // of the nibble
    std::uint32_t used = 0;  // bit n: there is a link in slot n; two at least
    std::array<Link, kSlots> links{};

    [[nodiscard]] bool has(unsigned slot) const noexcept { return (used >> slot & 1) != 0; }
    void set(unsigned slot, Link link) noexcept {
      links[slot] = link;
      used |= 1u << slot;
    }
  };

  [[nodiscard]] static bool is_branch(Link link) noexcept { return (link & kBranch) != 0; }
  [[nodiscard]] const Branch& branch(Link link) const noexcept { return branches_[link & ~kBranch]; }
  [[nodiscard]] Branch& branch(Link link) noexcept { return branches_[link & ~kBranch]; }
  [[nodiscard]] Number nearest(BytesView key) const noexcept;
  [[nodiscard]] Number first_of(Link link) const noexcept;
  [[nodiscard]] Number last_of(Link link) const noexcept;
  [[nodiscard]] Link* down_to(std::size_t place, BytesView key) noexcept;
  void put_between(Number previous, Number number, Number next) noexcept;

  std::vector<Key> keys_;
  std::vector<Branch> branches_;
  Link root_ = 0;  // if there are keys
  Number first_ = kNone;
};

}  // namespace anew::substrate
