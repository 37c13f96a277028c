// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace anew::os {

/// Keeps the shared object that this code is part of loaded until the process ends, whatever dlclose() is told. No
/// effect in an executable.
void stay_loaded() noexcept;

}  // namespace anew::os
