// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A small module, and an image for it whose functions can be called as plain C functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "artifact/artifact.hpp"
#include "wasm/decoder.hpp"

namespace anew::test {

/// (module (import "env" "log" (func (param i32)))
///   (func (export "answer") (result i32) i32.const 42) (func (export "other") (result i32) i32.const 43) (memory 1)
///   (tag (param i32)))
inline std::vector<std::byte> sample_binary() {
  const unsigned char bytes[] = {
      0x00, 'a',  's',  'm',  0x01, 0x00, 0x00, 0x00,                                          // header
      0x01, 0x09, 0x02, 0x60, 0x00, 0x01, 0x7F, 0x60, 0x01, 0x7F, 0x00,                        // types
      0x02, 0x0B, 0x01, 0x03, 'e',  'n',  'v',  0x03, 'l',  'o',  'g',  0x00, 0x01,            // import
      0x03, 0x03, 0x02, 0x00, 0x00,                                                            // functions
      0x05, 0x03, 0x01, 0x00, 0x01,                                                            // memory
      0x0D, 0x03, 0x01, 0x00, 0x01,                                                            // tag
      0x07, 0x12, 0x02, 0x06, 'a',  'n',  's',  'w',  'e',  'r',  0x00, 0x01, 0x05, 'o', 't',  // exports
      'h',  'e',  'r',  0x00, 0x02,                                                            //
      0x0A, 0x0B, 0x02, 0x04, 0x00, 0x41, 0x2A, 0x0B, 0x04, 0x00, 0x41, 0x2B, 0x0B,            // code
  };
  std::vector<std::byte> binary(sizeof bytes);
  std::memcpy(binary.data(), bytes, sizeof bytes);
  return binary;
}

struct Sample {
  std::vector<std::byte> binary = sample_binary();
  wasm::Module module = wasm::decode_module(binary).value();
  wasm::FunctionNames names{module};
  codegen::Image image;
  Hash hash{};
  codegen::Options options{.card_shift = 10, .marks = true};

  /// @param seed  function i returns seed + i, and the hash begins with it.
  /// @param text_bytes  how much text there is at least.
  explicit Sample(std::uint32_t seed = 100, std::size_t text_bytes = 0) {
    std::memcpy(hash.data(), &seed, sizeof seed);
    for (std::uint32_t i = 0; i < module.functions.size(); ++i) image.functions.push_back(add_function(seed + i));
    for (std::uint32_t i = 0; i < module.types.size(); ++i) image.thunks.push_back(add_function(1000 + i));
    image.frames.kept_cell = -24;
    image.position_starts = {0, 2, 5};
    image.positions.assign(5, std::byte{0x11});
    image.call_sites = {{16, 0, codegen::kNoRoots}, {40, 1, 0}, {44, 1, 1}};
    image.roots = {{-16, 1, codegen::kNoRoots}, {-40, 2, 0}};
    image.try_blocks = {{codegen::kNoTryBlock, 0, 1}, {0, 1, 2}};
    image.handlers = {
        {wasm::CatchKind::kCatch, 0, 8}, {wasm::CatchKind::kCatchRef, 0, 12}, {wasm::CatchKind::kCatchAllRef, 0, 0}};
    if (image.text.size() < text_bytes) image.text.resize(text_bytes, std::byte{0xCC});
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;

  [[nodiscard]] artifact::Encoded encode() const {
    return artifact::encode(
        {.hash = hash, .options = options, .image = image.view(), .module = module, .names = names, .binary = binary});
  }

 private:
  std::uint32_t add_function(std::uint32_t value) {
    const auto offset = static_cast<std::uint32_t>(image.text.size());
    image.text.resize(offset + 16, std::byte{0xCC});
    image.text[offset] = std::byte{0xB8};  // mov eax, value
    std::memcpy(&image.text[offset + 1], &value, sizeof value);
    image.text[offset + 5] = std::byte{0xC3};  // ret
    return offset;
  }
};

/// Calls a function of a Sample through its entry.
inline std::uint32_t call_entry(const codegen::CodeMemory& code, std::uint32_t function) {
  using Plain = std::uint32_t (*)();
  return reinterpret_cast<Plain>(*code.entry(function))();  // the sample's functions follow the C convention
}

inline std::vector<std::byte> join(const artifact::Encoded& encoded) {
  std::vector<std::byte> bytes;
  for (const BytesView piece : encoded.pieces()) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

}  // namespace anew::test
