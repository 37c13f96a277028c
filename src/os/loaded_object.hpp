// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <filesystem>

namespace anew::os {

/// Where the executable or shared object lies that this code is part of; empty if the system does not say.
[[nodiscard]] std::filesystem::path loaded_from();

/// Keeps the shared object that this code is part of loaded until the process ends, whatever dlclose() is told. No
/// effect in an executable.
void stay_loaded() noexcept;

}  // namespace anew::os
