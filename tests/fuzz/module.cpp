// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes through decoder, validator and quick tier: an error or an image, never a crash; and what validates
// compiles.
#include <cstdlib>

#include "abi/cell.hpp"
#include "codegen/image.hpp"
#include "wasm/decoder.hpp"
#include "wasm/names.hpp"
#include "wasm/validator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace anew;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto module = wasm::decode_module(bytes);
  if (!module) return 0;
  const wasm::FunctionNames names(*module);
  wasm::FunctionValidator validator(*module);
  wasm::NullSink sink;
  bool valid = true;
  for (std::uint32_t i = 0; valid && i < module->bodies.size(); ++i) valid = validator.validate(i, sink).has_value();
  const auto layout = abi::CellLayout::of(*module, abi::default_card_shift(*module));
  if (!layout) return 0;
  const auto image = codegen::compile_quick(*module, *layout, {.card_shift = layout->card_shift()}, 1, {});
  // Only the limit on the size of the code may tell the two apart.
  if (image.has_value() != valid && !(valid && image.error().code == ErrorCode::kLimit)) std::abort();
  return 0;
}
