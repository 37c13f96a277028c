// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <fmt/format.h>

#include <anew/error.hpp>
#include <cstdint>

#include "wasm/limits.hpp"

namespace anew::wasm {

/// How much memory the compilation of a module may take: what its size allows (limits::compile_bytes), or less if the
/// embedder says so.
class MemoryLimit {
 public:
  /// @param maximum_compile_bytes  see EngineOptions.
  MemoryLimit(std::uint64_t module_bytes, std::uint64_t maximum_compile_bytes) noexcept
      : module_bytes_(module_bytes), own_(maximum_compile_bytes) {}

  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return own_ < limits::compile_bytes(module_bytes_) ? own_ : limits::compile_bytes(module_bytes_);
  }
  [[nodiscard]] Error exceeded() const {
    std::string message = fmt::format("compiling the module takes more than {} bytes of memory, ", bytes());
    message += own_ < limits::compile_bytes(module_bytes_)
                   ? "the limit that EngineOptions::maximum_compile_bytes sets"
                   : fmt::format("the limit for a module of {} bytes", module_bytes_);
    return make_error(ErrorCode::kLimit, std::move(message));
  }

 private:
  std::uint64_t module_bytes_;
  std::uint64_t own_;
};

}  // namespace anew::wasm
