// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Taking modules apart and putting them together again, for fuzzers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace anew::fuzz {

using Buffer = std::vector<std::uint8_t>;

struct Section {
  std::uint8_t id = 0;
  Buffer payload;
};

/// The sections of a module, whatever is in them; nothing if their sizes do not fit the input.
[[nodiscard]] std::optional<std::vector<Section>> split(std::span<const std::uint8_t> module);
[[nodiscard]] Buffer join(const std::vector<Section>& sections);

/// The bodies of a code section's payload, or nothing if their sizes do not fit.
[[nodiscard]] std::optional<std::vector<Buffer>> split_bodies(std::span<const std::uint8_t> payload);
[[nodiscard]] Buffer join_bodies(const std::vector<Buffer>& bodies);

void append_leb(Buffer& to, std::uint64_t value);

/// A module that does what the given one does as long as a global that counts down, from kFuel, does not reach zero;
/// then it traps. It counts functions, loops and, more, what works on ranges, and memories and tables grow by little.
/// So every call ends soon.
/// @return nothing if the module is not valid, or starts out large.
inline constexpr std::int32_t kFuel = 2'000;
[[nodiscard]] std::optional<Buffer> add_fuel(std::span<const std::uint8_t> module);

/// What LLVMFuzzerCustomMutator does with a module (libFuzzer programs only): `size` bytes of room for `most`.
/// @return how many there are now.
[[nodiscard]] std::size_t mutate_module(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed);

}  // namespace anew::fuzz
