// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of a module as the optimizing tier's IR, and run as machine code of LLVM's own linker: in cells that are
// memory of the test's, on the test's stack. What is called by name is linked by name.
#pragma once

#include <gtest/gtest.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "abi/cell.hpp"
#include "abi/library.hpp"
#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing::test {

/// Values as they travel between host and guest.
using Slots = std::vector<std::uint64_t>;

struct Outcome {
  TrapKind trap = TrapKind::kNone;
  Slots results;
  bool operator==(const Outcome&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    out << to_string(outcome.trap);
    for (const std::uint64_t slot : outcome.results) out << ' ' << slot;
    return out;
  }
};

class Program;

/// What an instance has, without its memory.
class Cell {
 public:
  Cell(const Program& program, abi::ThreadRecord& thread);
  [[nodiscard]] std::byte* pointer() const { return cell_; }
  template <typename T>
  [[nodiscard]] T& at(std::int64_t displacement) const {
    return *reinterpret_cast<T*>(cell_ + displacement);  // the layout's
  }
  [[nodiscard]] abi::FunctionReference& function(std::uint32_t index) const;
  /// Puts references into a table; null for nothing.
  void fill_table(std::uint32_t table, const std::vector<const abi::FunctionReference*>& elements) const;

 private:
  const Program& program_;
  std::vector<std::uint64_t> bytes_;
  std::byte* cell_ = nullptr;
};

class Program {
 public:
  /// All functions of a module, compiled and verified.
  explicit Program(std::vector<std::byte> binary, Options options = {});
  ~Program();

  [[nodiscard]] const optimizing::Unit& unit() const { return unit_; }
  /// Why a function was not compiled; empty if it was.
  [[nodiscard]] const std::string& refusal(std::uint32_t function) const { return refusals_[function]; }
  [[nodiscard]] std::string text_of(std::uint32_t function) const;

  void optimize();
  /// From here on the IR is gone.
  void make_code(bool optimized);
  [[nodiscard]] void** entries() const { return entries_; }
  [[nodiscard]] Outcome call(const Cell& cell, std::uint32_t function, const Slots& arguments) const;

 private:
  void make_traps();
  void make_thunk(std::uint32_t function);

  std::vector<std::byte> binary_;
  wasm::Module module_;
  abi::CellLayout layout_;
  Options options_;
  std::vector<abi::Places> arguments_;
  std::vector<abi::Places> results_;
  std::unique_ptr<::llvm::LLVMContext> context_;
  std::unique_ptr<::llvm::Module> ir_;
  optimizing::Unit unit_;
  std::vector<std::string> refusals_;
  std::unique_ptr<::llvm::orc::LLJIT> jit_;
  void** entries_ = nullptr;
};

}  // namespace anew::codegen::optimizing::test
