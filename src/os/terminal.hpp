// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdio>

namespace anew::os {

/// Opens /dev/null in place of each standard stream that is closed, so that no file gets its number. For main() to call
/// before anything else.
void open_standard_descriptors() noexcept;
/// Whether a person watches standard output or standard error: it is a terminal, not a file or a pipe.
[[nodiscard]] bool standard_output_is_terminal() noexcept;
[[nodiscard]] bool standard_error_is_terminal() noexcept;

/// Whether a person types what is read.
[[nodiscard]] bool standard_input_is_terminal() noexcept;

/// Has what is printed from now on go to standard error. @return where standard output went until now, or null if the
/// system refused; then nothing has changed.
[[nodiscard]] std::FILE* detach_standard_output() noexcept;

/// While it lives, the first interrupt (SIGINT, Ctrl-C) only sets interrupted(); a second one ends the process. One
/// that the process ignores stays ignored. One at a time.
class InterruptWatch {
 public:
  InterruptWatch() noexcept;
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  [[nodiscard]] static bool interrupted() noexcept;
};

}  // namespace anew::os
