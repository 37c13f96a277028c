// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes through decoder and validator: accepted, or an error that says where; the same the second time; and, if an
// engine accepts some proposals only, accepted just if they are all that is needed.
#include <cstdlib>

#include "module_edit.hpp"
#include "wasm/validate_module.hpp"

namespace {

using namespace anew;

/// Of any bytes some set of proposals, the same each time.
Features features_for(std::span<const std::uint8_t> data) {
  std::uint32_t hash = 2'166'136'261;  // FNV-1a
  for (const std::uint8_t each : data) hash = (hash ^ each) * 16'777'619;
  return Features::from_bits(hash | hash >> 16);  // each bit more often set than not
}

bool is_of_the_format(ErrorCode code) {
  return code == ErrorCode::kMalformed || code == ErrorCode::kInvalid || code == ErrorCode::kUnsupported ||
         code == ErrorCode::kLimit;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto first = wasm::validate_module(bytes, Features::all());
  if (!first) {
    const Error& error = first.error();
    if (!error.offset || *error.offset > size || error.message.empty() || !is_of_the_format(error.code)) std::abort();
  }
  const auto second = wasm::validate_module(bytes, Features::all());
  if (first.has_value() != second.has_value() || (!first && first.error().to_string() != second.error().to_string()))
    std::abort();
  const Features accepted = features_for({data, size});
  const auto third = wasm::validate_module(bytes, accepted);
  if (third.has_value() != (first && accepted.has_all(*first)) || (third && *third != *first)) std::abort();
  if (first && !third && third.error().code != ErrorCode::kUnsupported) std::abort();
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return anew::fuzz::mutate_module(data, size, most, seed);
}
