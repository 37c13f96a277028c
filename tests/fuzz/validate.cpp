// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes through decoder and validator: accepted, or an error that says where; the same the second time.
#include <cstdlib>

#include "module_edit.hpp"
#include "wasm/decoder.hpp"
#include "wasm/validator.hpp"

namespace {

using namespace anew;

Result<void> validate(BytesView bytes) {
  const auto module = wasm::decode_module(bytes);
  if (!module) return std::unexpected(module.error());
  wasm::FunctionValidator validator(*module);
  wasm::NullSink sink;
  for (std::uint32_t i = 0; i < module->bodies.size(); ++i) {
    if (auto valid = validator.validate(i, sink); !valid) return valid;
  }
  return {};
}

bool is_of_the_format(ErrorCode code) {
  return code == ErrorCode::kMalformed || code == ErrorCode::kInvalid || code == ErrorCode::kUnsupported ||
         code == ErrorCode::kLimit;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto first = validate(bytes);
  if (!first) {
    const Error& error = first.error();
    if (!error.offset || *error.offset > size || error.message.empty() || !is_of_the_format(error.code)) std::abort();
  }
  const auto second = validate(bytes);
  if (first.has_value() != second.has_value() || (!first && first.error().to_string() != second.error().to_string())) {
    std::abort();
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return anew::fuzz::mutate_module(data, size, most, seed);
}
