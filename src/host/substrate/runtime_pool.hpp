// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a runtime's module becomes a pool.
#pragma once

#include <anew/engine.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <anew/substrate/runtime.hpp>

namespace anew::substrate {

/// How runtimes are compiled.
[[nodiscard]] CompileOptions runtime_compile_options(Tier tier = Tier::kQuick) noexcept;
/// Makes the host functions and the memory for a runtime's module, and sets capacity, audits and host state of its
/// pool; the heap pages are the snapshot's, which is the caller's. @return kLink if the runtime has no memory.
[[nodiscard]] Result<Linker> prepare_runtime(const Module& module, const RuntimeOptions& options,
                                             PoolOptions& pool_options);

}  // namespace anew::substrate
