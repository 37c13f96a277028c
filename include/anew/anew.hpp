// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Anew: every WebAssembly call in an instance as new.
//
//   anew::Engine engine;
//   anew::Module module = engine.load("counter.wasm").value();
//   anew::Linker linker;
//   linker.define("env", "now", []() -> int64_t { return 42; });
//   anew::Pool pool = anew::Pool::create(module, linker, {.capacity = 64}).value();
//   anew::Lease lease = pool.acquire().value();               // an instance as new
//   anew::Result<uint32_t> sum = lease.call<uint32_t>("add", 2u, 40u);
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/memory_view.hpp>
#include <anew/pool.hpp>
#include <anew/runtime_cache.hpp>
#include <anew/store.hpp>
#include <anew/substrate.hpp>
#include <anew/value.hpp>
