// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <sodium.h>

#include <algorithm>
#include <anew/substrate/keystore.hpp>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <utility>
#include <variant>

#include "host/substrate/ecdsa.hpp"
#include "host/substrate/ed25519.hpp"
#include "host/substrate/hashing.hpp"
#include "host/substrate/octets.hpp"
#include "host/substrate/scale.hpp"
#include "host/substrate/secret_uri.hpp"
#include "host/substrate/sr25519.hpp"
#include "os/try.hpp"
#include "runtime/blake2b.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {
namespace {

using Key = std::variant<Ed25519Key, Sr25519Key, EcdsaKey>;

template <std::size_t N>
Bytes to_bytes(const std::array<std::byte, N>& array) {
  return {array.begin(), array.end()};
}

Bytes public_key_of(const Key& key) {
  return std::visit([](const auto& one) { return to_bytes(one.public_key()); }, key);
}

/// Derives a seed under hard junctions, as Substrate does for schemes that have no other: by a hash of the scheme's
/// label, the seed and the junction.
Result<Seed> derive_seed(Seed seed, const std::vector<Junction>& junctions, std::string_view label) {
  for (const Junction& junction : junctions) {
    if (!junction.hard)
      return fail(ErrorCode::kArgument, "a secret URI has a soft junction (\"/\"), which only sr25519 keys can have");
    // SCALE: the label with its length, then the rest as it is.
    detail::Blake2b<sizeof seed.bytes> hash;
    Bytes length;
    append_compact(length, static_cast<std::uint32_t>(label.size()));  // a few characters
    for (const BytesView part : {BytesView(length), as_bytes(label), BytesView(seed.bytes), BytesView(junction.code)})
      hash.add(part);
    seed.bytes = hash.finish();
    hash.wipe();
  }
  return seed;
}

Result<Key> make_ecdsa_key(const Seed& seed) {
  if (const auto key = EcdsaKey::from_seed(seed)) return *key;
  return fail(ErrorCode::kArgument, "a seed is no secp256k1 key: it is zero, or not less than the order of the group");
}

Result<Key> make_key(KeyScheme scheme, const SecretUri& uri) {
  if (scheme == KeyScheme::kSr25519) {
    Sr25519Key key(uri.seed);
    for (const Junction& junction : uri.junctions)
      key = junction.hard ? key.derive_hard(junction.code) : key.derive_soft(junction.code);
    return key;
  }
  const bool ecdsa = scheme == KeyScheme::kEcdsa;
  if (ecdsa) {
    // The seed must be a key also where only those derived from it are used.
    if (auto root = make_ecdsa_key(uri.seed); !root) return root;
  }
  const auto seed = TRY(derive_seed(uri.seed, uri.junctions, ecdsa ? "Secp256k1HDKD" : "Ed25519HDKD"));
  if (ecdsa) return make_ecdsa_key(seed);
  return Ed25519Key(seed);
}

Result<Key> make_key(KeyScheme scheme, std::string_view suri) {
  const auto uri = TRY(parse_secret_uri(suri));
  return make_key(scheme, uri);
}

Key make_random_key(KeyScheme scheme) {
  for (;;)  // nearly every seed is a key of each scheme
    if (auto key = make_key(scheme, {Seed::random(), {}})) return *std::move(key);
}

}  // namespace

struct Keystore::State {
  /// Lets keys be found by a view of their public key.
  struct Before {
    using is_transparent = void;
    bool operator()(BytesView a, BytesView b) const noexcept { return std::ranges::lexicographical_compare(a, b); }
  };
  using KeysOfType = std::map<Bytes, Key, Before>;  // by public key

  /// @return null if there are none. The caller holds the mutex.
  [[nodiscard]] const KeysOfType* find(KeyScheme scheme, KeyTypeId type) const {
    const auto found = keys.find({scheme, type});
    return found == keys.end() ? nullptr : &found->second;
  }
  /// @return null if there is no such key. The caller holds the mutex.
  [[nodiscard]] const Key* find(KeyScheme scheme, KeyTypeId type, BytesView public_key) const {
    const KeysOfType* const of_type = find(scheme, type);
    if (of_type == nullptr) return nullptr;
    const auto found = of_type->find(public_key);
    return found == of_type->end() ? nullptr : &found->second;
  }

  mutable std::shared_mutex mutex;
  std::map<std::pair<KeyScheme, KeyTypeId>, KeysOfType> keys;  // by mutex
};

Keystore::Keystore() : state_(std::make_unique<State>()) {
  // If it fails, libsodium is but slower; and where there is no randomness, it ends the process when asked for some.
  [[maybe_unused]] const int initialized = sodium_init();
}
Keystore::Keystore(Keystore&&) noexcept = default;
Keystore& Keystore::operator=(Keystore&&) noexcept = default;
Keystore::~Keystore() = default;

Result<Bytes> Keystore::generate(KeyScheme scheme, KeyTypeId type, std::optional<std::string_view> suri) {
  return detail::without_exceptions("a key is made", [&]() -> Result<Bytes> {
    auto key = TRY(suri ? make_key(scheme, *suri) : make_random_key(scheme));
    Bytes public_key = public_key_of(key);
    const std::unique_lock lock(state_->mutex);
    state_->keys[{scheme, type}].insert_or_assign(public_key, std::move(key));
    return public_key;
  });
}

std::vector<Bytes> Keystore::public_keys(KeyScheme scheme, KeyTypeId type) const {
  const std::shared_lock lock(state_->mutex);
  std::vector<Bytes> found;
  if (const auto* const keys = state_->find(scheme, type))
    for (const auto& [public_key, key] : *keys) found.push_back(public_key);
  return found;
}

std::optional<Bytes> Keystore::sign(KeyScheme scheme, KeyTypeId type, BytesView public_key, BytesView message) const {
  if (scheme == KeyScheme::kEcdsa) return sign_prehashed(type, public_key, blake2b_256(message));
  const std::shared_lock lock(state_->mutex);
  const Key* const key = state_->find(scheme, type, public_key);
  if (key == nullptr) return std::nullopt;
  if (const auto* const ed25519 = std::get_if<Ed25519Key>(key)) return to_bytes(ed25519->sign(message));
  return to_bytes(std::get<Sr25519Key>(*key).sign(message));
}

std::optional<Bytes> Keystore::sign_prehashed(KeyTypeId type, BytesView public_key, const Hash& hash) const {
  const std::shared_lock lock(state_->mutex);
  const Key* const key = state_->find(KeyScheme::kEcdsa, type, public_key);
  if (key == nullptr) return std::nullopt;
  return to_bytes(std::get<EcdsaKey>(*key).sign(hash));
}

}  // namespace anew::substrate
