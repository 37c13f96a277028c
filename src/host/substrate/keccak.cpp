// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/keccak.hpp"

#include <botan/sha3.h>

namespace anew::substrate {

void KeccakState::permute() noexcept { Botan::SHA_3::permute(lanes_.data()); }

}  // namespace anew::substrate
