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

/// Reads "0x" and 64 hexadecimal digits, the development phrase, or nothing, which stands for that phrase; then
/// junctions. @return kArgument for all else: other phrases, passwords (which belong to phrases), and what is
/// malformed. The message quotes nothing of the URI.
[[nodiscard]] Result<SecretUri> parse_secret_uri(std::string_view uri);

}  // namespace anew::substrate
