// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/terminal.hpp"

#include <unistd.h>

namespace anew::os {

bool standard_error_is_terminal() noexcept { return isatty(STDERR_FILENO) == 1; }

}  // namespace anew::os
