// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a block says of itself.
#pragma once

#include <anew/substrate.hpp>
#include <nlohmann/json_fwd.hpp>

namespace anew::cli {

void print_block(const substrate::Block& block);
[[nodiscard]] nlohmann::ordered_json block_json(const substrate::Block& block);

}  // namespace anew::cli
