// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the engine and the program that optimizes tell one another, over a pair of sockets. Both are of one build and
// one machine, so structures travel as they lie in memory.
//
//   engine      JobHeader, the module's binary; then for each unit UnitHeader and the indices of its functions
//   optimizer   JobReply; then for each unit UnitReply, and for each of its functions FunctionReply with what follows
//               it
//
// The engine believes the optimizer's code as it believes its own. What it reads is checked all the same, as far as a
// program that dies or is cut off could leave it half-done.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "codegen/image.hpp"

namespace anew::codegen::optimizing {

inline constexpr std::uint64_t kProtocolMagic = 0x3130'5450'4F57'4E41;  // "ANWOPT01"
inline constexpr std::uint64_t kReplyMagic = 0x3130'5952'4F57'4E41;     // "ANWORY01"

/// Ours (pipeline.cpp), which is what the engine asks for, and LLVM's own by these names.
enum class Pipeline : std::uint32_t { kGuest, kO1, kO2, kO3, kOs };

struct JobHeader {
  std::uint64_t magic;
  std::uint64_t code_version;  ///< artifact/code_version.hpp: both are of one build
  std::uint64_t module_bytes;
  std::uint64_t memory_bytes;  ///< the most that the optimizer may have (RLIMIT_AS, beyond what it starts with)
  std::uint32_t accepted;      ///< Features::bits()
  Pipeline pipeline;
  Options options;
};

/// Then the message, if the optimizer cannot do the job; it ends.
struct JobReply {
  std::uint64_t magic;
  std::uint64_t message_bytes;
};
inline constexpr std::uint64_t kMostMessageBytes = 1 << 16;

struct UnitHeader {
  std::uint32_t functions;  ///< how many; 0: there is no more
};

struct UnitReply {
  std::uint32_t functions;  ///< as asked for
};

/// Where code reaches something by a displacement of 32 bits from the end of the instruction.
enum class Target : std::uint32_t {
  kEntries /* of the table of entry addresses */,
  kTrap /* the stub of a TrapKind */
};
struct Relocation {
  std::uint32_t at;  ///< the displacement, an offset in the code
  Target target;
  std::int64_t addend;  ///< kEntries: bytes from the table's start; kTrap: the TrapKind. What the displacement's place
                        ///< adds to it is in `bias`
  std::int64_t bias;    ///< to add to the distance from `at` to the target: -4 where the instruction ends there
};

/// Of one function: position-independent but for its relocations; its constants lie behind it.
struct FunctionCode {
  std::uint32_t function = 0;  ///< index, imports included
  std::string not_compiled;    ///< why there is no code; empty if there is
  bool for_now = false;        ///< the process failed, and said nothing of the function
  std::vector<std::byte> code;
  std::vector<Relocation> relocations;
  std::vector<std::byte> positions;  ///< codegen/positions.hpp, from the function's first byte
  std::uint32_t alignment = 16;      ///< of the code's start: at most 64
  std::uint32_t frame_bytes = 0;     ///< of machine stack, with return address
};

/// In this order they follow: the reason, the code, the relocations, the positions.
struct FunctionReply {
  std::uint32_t function;
  std::uint32_t reason_bytes;  ///< at most kMostMessageBytes
  std::uint32_t code_bytes;
  std::uint32_t relocations;
  std::uint32_t positions_bytes;
  std::uint32_t alignment;
  std::uint32_t frame_bytes;
};

}  // namespace anew::codegen::optimizing
