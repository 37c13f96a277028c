// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Mutations that keep a module's sections and bodies in one piece: a byte more in a function would else break the size
// of its body and of its section, and the fuzzer would get no further than that.
#include <algorithm>
#include <random>

#include "module_edit.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

void mutate(anew::fuzz::Buffer& bytes, std::size_t room) {
  const std::size_t size = bytes.size();
  bytes.resize(size + room);
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, bytes.size()));
}

}  // namespace

std::size_t anew::fuzz::mutate_module(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::minstd_rand random(seed);
  auto sections = split({data, size});
  if (!sections || sections->empty() || random() % 8 == 0) return LLVMFuzzerMutate(data, size, most);

  const std::size_t room = std::min<std::size_t>(64, most - size);
  // Half of all mutations are in the code, if there is any.
  auto section = sections->begin() + static_cast<std::ptrdiff_t>(random() % sections->size());
  if (random() % 2 == 0) {
    const auto code = std::ranges::find(*sections, 10, &Section::id);
    if (code != sections->end()) section = code;
  }
  auto bodies = section->id == 10 ? split_bodies(section->payload) : std::nullopt;
  if (bodies && !bodies->empty()) {
    mutate((*bodies)[random() % bodies->size()], room);
    section->payload = join_bodies(*bodies);
  } else {
    mutate(section->payload, room);
  }
  const Buffer module = join(*sections);
  if (module.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::ranges::copy(module, data);
  return module.size();
}
