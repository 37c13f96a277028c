// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/loaded_object.hpp"

#include <dlfcn.h>
#include <link.h>

#include <system_error>

namespace anew::os {
namespace {

/// The name by which the dynamic linker knows this code's object. The executable's is empty; null if it knows none.
const char* own_name() noexcept {
  static const char here = 0;
  Dl_info info = {};
  void* found = nullptr;
  if (dladdr1(&here, &info, &found, RTLD_DL_LINKMAP) == 0 || found == nullptr) return nullptr;
  return static_cast<const link_map*>(found)->l_name;  // what RTLD_DL_LINKMAP gives
}

}  // namespace

std::filesystem::path loaded_from() {
  const char* const name = own_name();
  std::error_code failed;
  if (name == nullptr) return {};
  return std::filesystem::canonical(*name == '\0' ? "/proc/self/exe" : name, failed);
}

void stay_loaded() noexcept {
  const char* const name = own_name();
  // The handle is never closed: that is the point.
  if (name != nullptr && *name != '\0') (void)dlopen(name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace anew::os
