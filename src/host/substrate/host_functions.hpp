// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host functions of the Polkadot Host API, a file a group; docs/host-functions.md lists them all.
#pragma once

#include <anew/linker.hpp>
#include <anew/substrate/runtime.hpp>
#include <functional>

#include "host/substrate/host_interface.hpp"

namespace anew::substrate {

/// Answers ext_misc_runtime_version: the SCALE-encoded version of the code given.
using VersionReader = std::function<Result<Bytes>(BytesView code)>;

void define_allocator(HostFunctions& functions);
void define_logging(HostFunctions& functions, LogSink sink, LogLevel maximum);
/// @param read_version  empty: ext_misc_runtime_version answers None.
void define_misc(HostFunctions& functions, LogSink sink, LogLevel maximum, VersionReader read_version);
void define_hashing(HostFunctions& functions);
void define_crypto(HostFunctions& functions);
void define_trie(HostFunctions& functions);
void define_storage(HostFunctions& functions);
void define_child_storage(HostFunctions& functions);
void define_offchain(HostFunctions& functions);
void define_node(HostFunctions& functions);

/// Defines all of them, and lets those that Anew does not have trap.
void define_host_functions(Linker& linker, const RuntimeOptions& options, VersionReader read_version);

}  // namespace anew::substrate
