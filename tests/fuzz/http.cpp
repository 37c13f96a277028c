// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as what a client sends: the server answers them, and a guest has no other request than they strictly mean.
// The first byte is where the rest is cut in two. At /cgi a body is a program's output.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/serve/wire.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static anew::serve::testing::RecordingServer& server = *new anew::serve::testing::RecordingServer;  // to the end
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);  // char may view any object
  const std::size_t cut = data[0];
  const auto outcome = server.exchange(bytes, {&cut, cut == 0 ? std::size_t{0} : std::size_t{1}});
  if (outcome.problem.empty()) return 0;
  std::fprintf(stderr, "%s\n", outcome.problem.c_str());
  std::abort();
}

/// Begins anew, now and then, with what is almost right.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  static const std::vector<std::string> corpus = anew::serve::testing::wire_corpus();
  constexpr unsigned kBetween = 64;
  const std::string& begin = corpus[seed / kBetween % corpus.size()];
  if ((size <= 1 || seed % kBetween == 0) && begin.size() < most) {
    std::ranges::copy(begin, data + 1);
    size = begin.size() + 1;
  }
  return LLVMFuzzerMutate(data, size, most);
}
