// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Secret URIs, by which Substrate names secret keys: what the key is made from, and junctions that lead from there to
// others ("//hard", "/soft").
#pragma once

#include <anew/error.hpp>
#include <string_view>
#include <vector>

#include "host/substrate/secret.hpp"

namespace anew::substrate {

struct Junction {
  bool hard;
  ChainCode code;
};

struct SecretUri {
  Seed seed;
  std::vector<Junction> junctions;
};

/// Reads "0x" and 64 hexadecimal digits, a phrase of BIP-39, or nothing, which stands for the development phrase; then
/// junctions; then, behind "///", the phrase's password. @return kArgument for what is malformed, and for more than
/// 1024 bytes. The message quotes nothing of the URI.
[[nodiscard]] Result<SecretUri> parse_secret_uri(std::string_view uri);

}  // namespace anew::substrate
