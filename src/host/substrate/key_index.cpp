// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/key_index.hpp"

#include <bit>
#include <new>

#include "host/substrate/partial_key.hpp"

namespace anew::substrate {
namespace {

/// Where a key goes on at a branch. It may have ended before.
unsigned slot_of(BytesView key, std::size_t place) noexcept {
  return place < nibble_count(key) ? 1u + nibble_at(key, place) : 0;
}

// Of bits that are not all zero.
unsigned lowest(std::uint32_t bits) noexcept { return static_cast<unsigned>(std::countr_zero(bits)); }
unsigned highest(std::uint32_t bits) noexcept { return static_cast<unsigned>(std::bit_width(bits)) - 1; }

}  // namespace

/// A key that no other begins with more of the same nibbles than. There are keys.
KeyIndex::Number KeyIndex::nearest(BytesView key) const noexcept {
  Link link = root_;
  while (is_branch(link)) {
    const Branch& at = branch(link);
    const unsigned slot = slot_of(key, at.place);
    // Where the key has parted from all that are there, one is as near as another.
    link = at.links[at.has(slot) ? slot : lowest(at.used)];
  }
  return link;
}

KeyIndex::Number KeyIndex::first_of(Link link) const noexcept {
  while (is_branch(link)) link = branch(link).links[lowest(branch(link).used)];
  return link;
}

KeyIndex::Number KeyIndex::last_of(Link link) const noexcept {
  while (is_branch(link)) link = branch(link).links[highest(branch(link).used)];
  return link;
}

/// The link to all keys that begin with a key's nibbles before `place`, of which there are some.
KeyIndex::Link* KeyIndex::down_to(std::size_t place, BytesView key) noexcept {
  Link* link = &root_;
  while (is_branch(*link) && branch(*link).place < place) {
    Branch& at = branch(*link);
    link = &at.links[slot_of(key, at.place)];
  }
  return link;
}

KeyIndex::Number KeyIndex::find(BytesView key) const noexcept {
  Link link = root_;
  if (empty()) return kNone;
  while (is_branch(link)) {
    const Branch& at = branch(link);
    const unsigned slot = slot_of(key, at.place);
    if (!at.has(slot)) return kNone;
    link = at.links[slot];
  }
  const BytesView found = this->key(link);
  return found.size() == key.size() && common_bytes(found, key) == key.size() ? link : kNone;
}

KeyIndex::Number KeyIndex::not_less(BytesView key) const noexcept {
  if (empty()) return kNone;
  const Number near = nearest(key);
  const std::size_t place = common_nibbles(key, this->key(near));
  const unsigned slot = slot_of(key, place);
  const unsigned other = slot_of(this->key(near), place);
  if (slot == other) return near;  // both end

  Link link = root_;
  while (is_branch(link) && branch(link).place < place) link = branch(link).links[slot_of(key, branch(link).place)];
  if (is_branch(link) && branch(link).place == place) {
    if (const std::uint32_t behind = branch(link).used >> slot << slot; behind != 0)
      return first_of(branch(link).links[lowest(behind)]);
  } else if (slot < other) {  // all that is here goes on as that key does
    return first_of(link);
  }
  return next(last_of(link));
}

KeyIndex::Number KeyIndex::greater(BytesView key) const noexcept {
  const Number number = not_less(key);
  return number != kNone && this->key(number).size() == key.size() && common_bytes(this->key(number), key) == key.size()
             ? next(number)
             : number;
}

std::pair<KeyIndex::Number, bool> KeyIndex::insert(BytesView key) {
  if (empty()) {
    keys_.push_back({Bytes(key.begin(), key.end()), kNone, kNone});
    root_ = first_ = 0;
    return {0, true};
  }
  const Number near = nearest(key);
  const std::size_t place = common_nibbles(key, this->key(near));
  const unsigned slot = slot_of(key, place);
  const unsigned other = slot_of(this->key(near), place);
  if (slot == other) return {near, false};

  if (keys_.size() >= kBranch) throw std::bad_alloc();
  make_room(branches_);
  make_room(keys_);
  const auto number = static_cast<Number>(keys_.size());  // less than kBranch
  keys_.push_back({Bytes(key.begin(), key.end()), kNone, kNone});

  Link* const link = down_to(place, key);
  if (!is_branch(*link) || branch(*link).place != place) {
    Branch& added = branches_.emplace_back(Branch{.place = place});
    added.set(other, *link);
    *link = kBranch | static_cast<Link>(branches_.size() - 1);  // there are fewer branches than keys
  }
  Branch& at = branch(*link);
  if (const std::uint32_t before = at.used & ((1u << slot) - 1); before != 0) {
    const Number previous = last_of(at.links[highest(before)]);
    put_between(previous, number, next(previous));
  } else {
    const Number behind = first_of(at.links[lowest(at.used)]);
    put_between(this->previous(behind), number, behind);
  }
  at.set(slot, number);
  return {number, true};
}

void KeyIndex::put_between(Number previous, Number number, Number next) noexcept {
  keys_[number].previous = previous;
  keys_[number].next = next;
  (previous == kNone ? first_ : keys_[previous].next) = number;
  if (next != kNone) keys_[next].previous = number;
}

void KeyIndex::remove_last() noexcept {
  const Key& last = keys_.back();
  (last.previous == kNone ? first_ : keys_[last.previous].next) = last.next;
  if (last.next != kNone) keys_[last.next].previous = last.previous;

  Link* to_branch = nullptr;
  unsigned slot = 0;
  for (Link* link = &root_; is_branch(*link); link = &branch(*to_branch).links[slot]) {
    to_branch = link;
    slot = slot_of(last.bytes, branch(*link).place);
  }
  if (to_branch != nullptr) {
    Branch& at = branch(*to_branch);
    at.used &= ~(1u << slot);
    if (std::has_single_bit(at.used)) {
      // It came with this key, so it is the last.
      *to_branch = at.links[lowest(at.used)];
      branches_.pop_back();
    }
  }
  keys_.pop_back();
}

}  // namespace anew::substrate
