// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is taken from the object files that LLVM makes: each function's code, with the constants that it uses behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/llvm/protocol.hpp"

namespace anew::codegen::optimizing {

/// A row of the line table: from there on, up to the next one's, code is of that line; 0 is none.
struct Line {
  std::uint64_t code_offset;
  std::uint32_t line;
};

/// Thrown for a function whose code cannot be put elsewhere, or that calls what is not there.
struct NotTaken {
  std::string reason;
};

/// An object file in memory, with a section for each function.
class ObjectFile {
 public:
  /// @param bytes  outlive it. Made by LLVM in this process: what is wrong with it is a fault of LLVM's, and thrown.
  explicit ObjectFile(std::string_view bytes);
  ~ObjectFile();
  /// All of FunctionCode but its index and its positions.
  /// @param lines  in the order of their code.
  /// @throw NotTaken.
  [[nodiscard]] FunctionCode take(const std::string& symbol, std::vector<Line>& lines) const;

 private:
  struct Contents;
  std::unique_ptr<const Contents> contents_;
};

}  // namespace anew::codegen::optimizing
