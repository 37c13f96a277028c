// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace anew::os {

/// Makes every thread of this process that runs now pass a full memory barrier, and those that do not have passed one:
/// so that a frequent path elsewhere needs none (membarrier(2), Linux 4.14 and later).
/// @return false if the system does not offer it: then nothing was done.
[[nodiscard]] bool barrier_in_all_threads() noexcept;

}  // namespace anew::os
