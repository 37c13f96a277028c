// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where asmjit's failed assertions are printed to: cmake/asmjit.cmake says why it has a name of Anew's.
#include <cstdio>

extern "C" [[gnu::visibility("hidden")]] std::FILE* anew_asmjit_stderr;
std::FILE* anew_asmjit_stderr = stderr;
