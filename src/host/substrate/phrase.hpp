// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Phrases of BIP-39: 12 to 24 English words that stand for random bits and a checksum of them.
#pragma once

#include <anew/error.hpp>
#include <string_view>

#include "host/substrate/secret.hpp"

namespace anew::substrate {

/// The seed that Substrate makes of a phrase (crate substrate-bip39): by PBKDF2 over the bits that the words stand for,
/// where BIP-39 takes the words. @return kArgument for a phrase that is none; the message quotes nothing of it.
[[nodiscard]] Result<Seed> seed_of_phrase(std::string_view phrase, std::string_view password);

}  // namespace anew::substrate
