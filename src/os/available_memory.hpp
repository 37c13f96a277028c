// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <filesystem>

namespace anew::os {

/// How many bytes this process may still use before the machine, or a control group that it is in, runs short: the
/// least of MemAvailable and, for each control group (version 2) with a limit, what is left of that, counting the page
/// cache that is easily given up as free. All ones if the system does not say.
[[nodiscard]] std::uint64_t available_memory();

/// The same from another root than "/".
[[nodiscard]] std::uint64_t available_memory(const std::filesystem::path& root);

}  // namespace anew::os
