// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a component: accepted, or an error that says where; and the same the second time.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "component/decoder.hpp"
#include "tests/component/check.hpp"
#include "tests/component/mutate.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using anew::ErrorCode;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto first = anew::component::check(bytes);
  if (!first) {
    const anew::Error& error = first.error();
    const bool is_of_the_format = error.code == ErrorCode::kMalformed || error.code == ErrorCode::kInvalid ||
                                  error.code == ErrorCode::kUnsupported || error.code == ErrorCode::kLimit;
    if (!error.offset || *error.offset > size || error.message.empty() || !is_of_the_format) std::abort();
  }
  const auto second = anew::component::check(bytes);
  if (first.has_value() != second.has_value() || (!first && first.error().to_string() != second.error().to_string()))
    std::abort();
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::mt19937 random(seed);
  if (!anew::component::is_component(std::as_bytes(std::span(data, size))) || random() % 8 == 0)
    return LLVMFuzzerMutate(data, size, most);
  const std::string_view component(reinterpret_cast<const char*>(data), size);  // char may view any object
  const std::string mutant = anew::component::mutate(component, component, random);
  if (mutant.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::ranges::copy(mutant, data);
  return mutant.size();
}
