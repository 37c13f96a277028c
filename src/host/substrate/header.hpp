// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Headers, encoded and decoded by themselves.
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/block.hpp>
#include <anew/substrate/executor.hpp>
#include <anew/substrate/types.hpp>
#include <cstddef>
#include <span>
#include <string_view>

#include "host/substrate/scale.hpp"

namespace anew::substrate {

/// Items that a digest may have: real ones have a few. Each takes a hundred times the memory of its shortest encoding.
inline constexpr std::size_t kMaximumDigestItems = 1024;

/// @param encoded  all that the reader reads.
[[nodiscard]] bool read_header(ScaleReader& reader, BytesView encoded, Header& header);
/// @param digest  the items, instead of the header's own.
[[nodiscard]] Bytes encode_header(const Header& header, std::span<const DigestItem> digest);

/// The outcome of a block that a runtime has just executed or built. @return kHost, with `wrong`, if the state's root
/// is not the one in the header.
[[nodiscard]] Result<BlockOutcome> outcome_of(Externalities& externalities, Block block, std::string_view wrong);

}  // namespace anew::substrate
