// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Anew: every WebAssembly call in an instance as new. This header includes all the others of libanew.
//
//   anew::Engine engine;
//   anew::Module module = engine.load("counter.wasm").value();
//   anew::Linker linker;
//   linker.define("env", "now", []() -> int64_t { return 42; });
//   anew::Pool pool = anew::Pool::create(module, linker, {.capacity = 64}).value();
//   anew::Lease lease = pool.acquire().value();               // an instance as new
//   anew::Result<uint32_t> sum = lease.call<uint32_t>("add", 2u, 40u);
//
//   version.hpp        ANEW_VERSION
//   error.hpp          Result and Error
//   types.hpp          Bytes, BytesView, Hash
//   value.hpp          types and values
//   features.hpp       Features: which WebAssembly an engine accepts
//   engine.hpp         Engine, Module: from bytes to machine code
//   linker.hpp         Linker: what a module imports; host functions and their states
//   caller.hpp         Caller: what a host function knows of the guest that calls it
//   function.hpp       Function: a guest's function, found once
//   memory_view.hpp    MemoryView: the host's way into a guest's memory
//   pool.hpp           Pool, Lease: instances as new, and calls
//   async.hpp          Completion, Call: host functions that give their results later, and calls that wait for them
//   bytes.hpp          BytesFunction: bytes into a guest and out again
//   pool_cache.hpp     PoolCache: pools by the hash of their code
//   store.hpp          Store: groups of instances put together step by step
//
// substrate.hpp, for the runtimes of Substrate chains, is of a library of its own: libanew_substrate.
// docs/embedding.md is the guide. What is said to be for the library's own folders may change at any time.
#pragma once

#include <anew/async.hpp>
#include <anew/bytes.hpp>
#include <anew/caller.hpp>
#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/features.hpp>
#include <anew/function.hpp>
#include <anew/host_state.hpp>
#include <anew/linker.hpp>
#include <anew/memory_view.hpp>
#include <anew/pool.hpp>
#include <anew/pool_cache.hpp>
#include <anew/store.hpp>
#include <anew/types.hpp>
#include <anew/value.hpp>
#include <anew/version.hpp>
