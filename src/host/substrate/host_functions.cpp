// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/host_functions.hpp"

namespace anew::substrate {

void define_host_functions(Linker& linker, const RuntimeOptions& options, VersionReader read_version) {
  const LogLevel maximum = options.log ? options.log_level : LogLevel::kOff;
  HostFunctions functions(linker);
  define_allocator(functions);
  define_logging(functions, options.log, maximum);
  define_misc(functions, options.log, maximum, std::move(read_version));
  define_hashing(functions);
  define_crypto(functions);
  define_trie(functions);
  define_storage(functions);
  define_child_storage(functions);
  define_offchain(functions);
  define_node(functions);
  linker.trap_unknown_functions();
}

}  // namespace anew::substrate
