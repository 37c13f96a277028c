// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guests in Wasmtime, with Cranelift, and the programs' sources compiled natively.
#pragma once

#include <memory>
#include <string>

#include "guest.hpp"

namespace anew::bench {

/// In this process, by Wasmtime's own library (scripts/fetch-wasmtime), with its defaults. Null if that is not there
/// (has_wasmtime()).
[[nodiscard]] std::unique_ptr<Guest> make_wasmtime_guest(const std::string& path, const Imports& imports);

[[nodiscard]] bool has_wasmtime();

/// The program of that name as machine code of clang's; null for those without source. Only calls work.
[[nodiscard]] std::unique_ptr<Guest> make_native_guest(const std::string& name);

}  // namespace anew::bench
