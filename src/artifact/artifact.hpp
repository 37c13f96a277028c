// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The artifact: a compiled module on disk.
//
// It is an ELF file, so that objdump, gdb and perf read its code with the functions' names; but nothing of the system
// ever loads it: Anew maps it, and finds its way by the table in .anew.meta, which lies at a fixed place near the
// front. What the sections hold:
//
//   .anew.meta        who made it from what for which processor, how its frames are laid out, where the other sections
//                     lie, and a hash of all else
//   .anew.functions   u32 each: offset in .text of every function (imports: their stubs)
//   .anew.thunks      u32 each: offset in .text of each type's entry thunk
//   .anew.starts      u32 each: start in .anew.positions of each defined function, and the end
//   .anew.positions   code positions (codegen::find_position)
//   .anew.calls       codegen::CallSite each: calls of which unwinding or collections must know, by return address
//   .anew.tries       codegen::TryBlock each
//   .anew.handlers    codegen::Handler each: where the clauses of the try blocks go on
//   .anew.roots       codegen::Roots each: where frames hold references
//   .anew.optimized   codegen::OptimizedFunction each
//   .anew.inlined     their code positions
//   .anew.module      the module's binary
//   .symtab .strtab   the functions' names, for tools
//   .text             machine code, last, in whole pages of its own: the only part that is mapped executable. It is
//                     mapped as it lies, so that perf finds the names of what runs
//
// What keeps a bad file from being executed, in this order: it must be a regular file, reached without a symbolic link,
// that this user or root owns and nobody else may write; complete; of this format, ABI, processor and options; its hash
// must be that of the bytes as they are mapped, executable ones included; and its tables must fit the module.
// The hash (XXH3) finds accidents; against malice stand owner and permissions. A file that is changed in place *after*
// it was mapped would change running code, and one that is cut short would take it away: nobody else may write it, and
// Anew itself never writes into a file that bears its final name. It renames a new one over it, which leaves the mapped
// one as it is.
#pragma once

#include <anew/error.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/cell.hpp"
#include "codegen/code_memory.hpp"
#include "codegen/image.hpp"
#include "os/file.hpp"
#include "wasm/module.hpp"
#include "wasm/names.hpp"

namespace anew::artifact {

/// Raise it with any change to what this folder writes.
inline constexpr std::uint32_t kFormatVersion = 7;

/// What an artifact is made of. Only looked at.
struct Contents {
  Hash hash{};
  codegen::Options options;
  codegen::ImageView image;
  const wasm::Module& module;
  const wasm::FunctionNames& names;
  std::span<const std::byte> binary;  ///< that the module was decoded from
};

/// An artifact as a file: its bytes are the pieces one after the other. Some pieces look at the Contents, none at the
/// tables of what is optimized.
class Encoded {
 public:
  [[nodiscard]] std::span<const BytesView> pieces() const noexcept { return pieces_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  friend Encoded encode(const Contents& contents);
  std::vector<std::vector<std::byte>> owned_;
  std::vector<BytesView> pieces_;
  std::uint64_t bytes_ = 0;
};
[[nodiscard]] Encoded encode(const Contents& contents);

/// What the reader insists on; what is empty may be anything.
struct Expectation {
  std::optional<Hash> hash = {};
  std::optional<codegen::Tier> tier = {};
  std::optional<std::uint32_t> card_shift = {};
  std::optional<bool> marks = {};
  std::optional<bool> explicit_bounds = {};
  std::optional<bool> fuel = {};
  std::optional<bool> canonical_nan = {};
  std::optional<bool> metered_stack = {};
  bool foreign_memory = false;
  codegen::CodeMemory::Spare spare = codegen::CodeMemory::Spare::kNone;  ///< to be kept where it is loaded
};

/// A checked artifact, mapped and ready to run.
struct Loaded {
  Hash hash{};
  codegen::Options options;
  std::shared_ptr<const void> owner;  ///< keeps the mapped file, which all views here look at
  std::span<const std::byte> binary;  ///< as in Contents
  wasm::Module module;  ///< with all features that its bodies need; whether they are accepted is the caller's to ask
  abi::CellLayout layout;
  codegen::ImageView image;
  codegen::CodeMemory code;  ///< with its entries filled
};

/// Checks and maps an artifact. @return kArtifact with the reason, kIo if it cannot be read, or kResource.
[[nodiscard]] Result<Loaded> read(const os::File& file, const Expectation& expectation);

/// Whether a file that begins so may be an artifact: an ELF file's magic number.
[[nodiscard]] bool has_elf_magic(std::span<const std::byte> bytes) noexcept;

}  // namespace anew::artifact
