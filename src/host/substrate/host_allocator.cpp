// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_allocator_*: the heap that the host keeps for a runtime.
#include "host/substrate/host_functions.hpp"

namespace anew::substrate {

void define_allocator(HostFunctions& functions) {
  functions.define("ext_allocator_malloc_version_1", [](const HostCall& call, std::uint32_t size) {
    return call.state.heap.allocate(GuestHeapMemory(call.memory, call.state), size);
  });
  functions.define("ext_allocator_free_version_1", [](const HostCall& call, std::uint32_t address) {
    return call.state.heap.deallocate(GuestHeapMemory(call.memory, call.state), address);
  });
}

}  // namespace anew::substrate
