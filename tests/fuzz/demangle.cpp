// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a function's name: what is printed of it is bounded, and safe to print.
#include "wasm/demangle.hpp"

#include <cstdint>
#include <cstdlib>

#include "wasm/printable.hpp"
#include "wasm/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name(reinterpret_cast<const char*>(data), size);  // char may view any object
  if (anew::wasm::demangle(name).size() > 4000) std::abort();
  const std::string text = anew::wasm::function_text(name);
  if (text.size() > 4 * 403 + 3 || !anew::wasm::is_utf8(text)) std::abort();
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
  return 0;
}
