// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a unit's IR to machine code that can be put anywhere.
#pragma once

#include <llvm/Target/TargetMachine.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codegen/llvm/marks.hpp"
#include "codegen/llvm/protocol.hpp"
#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {

/// One thread at a time.
class Emitter {
 public:
  /// @param planted  for tests.
  explicit Emitter(MarkFault planted = MarkFault::kNone);
  ~Emitter();
  /// Tells a module that is still empty what it is compiled for. To be called before functions are made in it.
  void prepare(::llvm::Module& ir) const;
  /// Optimizes the unit, adds the marks and makes machine code of `wanted`, which are defined in it. The unit is used
  /// up. Other definitions are there to be inlined (available_externally), and no code is made of them.
  /// @return for each of them, in the same order, code or why there is none.
  [[nodiscard]] std::vector<FunctionCode> emit(const Unit& unit, std::span<const std::uint32_t> wanted,
                                               Pipeline pipeline);

 private:
  MarkFault planted_;
  std::unique_ptr<::llvm::TargetMachine> machine_;
};

}  // namespace anew::codegen::optimizing
