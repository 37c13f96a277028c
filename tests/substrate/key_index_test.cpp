// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/key_index.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

constexpr KeyIndex::Number kNone = KeyIndex::kNone;

/// An index next to the model it is compared with.
class Both {
 public:
  void insert(const Bytes& key) {
    const auto [place, added] = numbers_.emplace(key, static_cast<KeyIndex::Number>(order_.size()));  // a few
    if (added) order_.push_back(key);
    ASSERT_EQ(index_.insert(key), std::pair(place->second, added));
  }
  void remove_last() {
    if (order_.empty()) return;
    numbers_.erase(order_.back());
    order_.pop_back();
    index_.remove_last();
  }
  void check(const Bytes& asked) const {
    const auto number = [&](auto place) { return place == numbers_.end() ? kNone : place->second; };
    ASSERT_EQ(index_.find(asked), number(numbers_.find(asked)));
    ASSERT_EQ(index_.not_less(asked), number(numbers_.lower_bound(asked)));
    ASSERT_EQ(index_.greater(asked), number(numbers_.upper_bound(asked)));
  }
  void check_all() const {
    ASSERT_EQ(index_.size(), order_.size());
    ASSERT_EQ(index_.empty(), order_.empty());
    KeyIndex::Number previous = kNone;
    KeyIndex::Number number = index_.first();
    for (const auto& [key, expected] : numbers_) {
      ASSERT_EQ(number, expected);
      ASSERT_EQ(Bytes(index_.key(number).begin(), index_.key(number).end()), key);
      ASSERT_EQ(index_.previous(number), previous);
      previous = number;
      number = index_.next(number);
      ASSERT_NO_FATAL_FAILURE(check(key));
    }
    ASSERT_EQ(number, kNone);
  }

 private:
  KeyIndex index_;
  std::map<Bytes, KeyIndex::Number> numbers_;
  std::vector<Bytes> order_;
};

/// Keys that share families, are prefixes of each other, and part at either nibble.
Bytes random_key(std::mt19937& random) {
  constexpr unsigned kAlphabet[] = {0x00, 0x01, 0x10, 0x11, 0xF1, 0xFF};
  Bytes key(random() % 3 * 16, std::byte{0xA5});
  for (auto n = random() % 5; n > 0; --n) key.push_back(static_cast<std::byte>(kAlphabet[random() % 6]));
  return key;
}

TEST(KeyIndex, DoesWhatASortedMapDoes) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Both both;
    for (int i = 0; i < 400; ++i) {
      if (random() % 4 == 0) {
        for (auto n = random() % (random() % 8 == 0 ? 100 : 4); n > 0; --n) both.remove_last();
      } else {
        ASSERT_NO_FATAL_FAILURE(both.insert(random_key(random)));
      }
      ASSERT_NO_FATAL_FAILURE(both.check(random_key(random)));
      if (i % 20 == 0) {
        const Both copy = both;
        ASSERT_NO_FATAL_FAILURE(copy.check_all());
      }
    }
  }
}

}  // namespace
}  // namespace anew::substrate
