// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A function in LLVM's IR that gets its marks and runs on memories of its own: what it writes must be covered.
#pragma once

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codegen/llvm/marks.hpp"
#include "os/virtual_memory.hpp"

namespace anew::codegen::optimizing {

/// A cell and, if there are more memories, regions for these. Of each memory three parts can be accessed.
class FakeCell {
 public:
  static constexpr std::uint64_t kLow = 1 << 17;                    ///< from 0 on
  static constexpr std::uint64_t kHigh = 1 << 16;                   ///< on both sides of 4 GiB
  static constexpr std::uint64_t kMiddle = std::uint64_t{1} << 31;  ///< kHigh before it, kLow behind it

  FakeCell(const wasm::Module& module, const abi::CellLayout& layout, bool foreign_memory);
  [[nodiscard]] std::byte* cell() const { return cell_; }
  /// All memories hold a pattern, no card is set.
  void reset();
  /// @return what is wrong: a byte that was written and that no mark covers, or a write to what is neither memory nor
  /// card; empty if nothing is.
  [[nodiscard]] std::string check() const;
  [[nodiscard]] std::uint64_t written_bytes() const;
  /// Those that are marked.
  [[nodiscard]] std::vector<std::uint64_t> cards(std::uint32_t memory = 0) const;

 private:
  struct Memory {
    std::byte* base;
    std::uint8_t* cards;
    std::uint32_t shift;
  };
  template <typename Visit>
  void for_each_written(Visit&& visit) const;

  const abi::CellLayout& layout_;
  os::Mapping own_;
  std::vector<os::Mapping> further_;
  std::vector<Memory> memories_;
  std::vector<std::byte> header_;  ///< as it was
  std::byte* cell_ = nullptr;
};

/// As the optimizing tier does it, for the processor that this runs on.
void optimize(::llvm::Module& ir);

/// Compiles IR modules.
class Jit {
 public:
  Jit();
  ~Jit();
  /// @return the address of the function of that name, void(std::byte* cell, std::uint64_t, std::uint64_t).
  using Entry = void (*)(std::byte*, std::uint64_t, std::uint64_t);
  /// Adds to each function "f<n>" of the module one, "run<n>", that calls it with the cell in its place.
  void add(std::unique_ptr<::llvm::Module> ir, std::unique_ptr<::llvm::LLVMContext> context);
  [[nodiscard]] Entry entry(std::uint32_t function);

 private:
  std::unique_ptr<::llvm::orc::LLJIT> jit_;
};

}  // namespace anew::codegen::optimizing
