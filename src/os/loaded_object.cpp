// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/loaded_object.hpp"

#include <dlfcn.h>
#include <link.h>

namespace anew::os {

void stay_loaded() noexcept {
  static const char here = 0;
  Dl_info info = {};
  void* found = nullptr;
  if (dladdr1(&here, &info, &found, RTLD_DL_LINKMAP) == 0 || found == nullptr) return;
  const char* const name = static_cast<const link_map*>(found)->l_name;  // what RTLD_DL_LINKMAP gives
  // The executable's is empty. The handle is never closed: that is the point.
  if (name != nullptr && *name != '\0') (void)dlopen(name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace anew::os
