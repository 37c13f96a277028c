// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace anew::os {

/// Whether a person watches standard error: it is a terminal, not a file or a pipe.
[[nodiscard]] bool standard_error_is_terminal() noexcept;

}  // namespace anew::os
