// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes as hexadecimal text, as the JSON of Substrate's nodes has them.
#pragma once

#include <anew/substrate/types.hpp>
#include <string>
#include <string_view>

namespace anew::substrate {

/// "0x" and an even number of hexadecimal digits. @return what is wrong with the text, such as "does not begin with
/// 0x", or null.
[[nodiscard]] const char* decode_hex(std::string_view text, Bytes& bytes);

/// "0x" and two lower-case digits a byte.
[[nodiscard]] std::string encode_hex(BytesView bytes);

/// A text in quotes for a message, printable (wasm/printable.hpp), cut short if it is long.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace anew::substrate
