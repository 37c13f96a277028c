// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The version, and what Anew asks of the compiler. Every other header includes this one first.
#pragma once

// The build reads the version from here.
#define ANEW_VERSION_MAJOR 0
#define ANEW_VERSION_MINOR 1
#define ANEW_VERSION_PATCH 0
#define ANEW_DETAIL_TEXT(x) #x
#define ANEW_DETAIL_VERSION_TEXT(major, minor, patch) \
  ANEW_DETAIL_TEXT(major) "." ANEW_DETAIL_TEXT(minor) "." ANEW_DETAIL_TEXT(patch)
/// "1.2.3"
#define ANEW_VERSION_STRING ANEW_DETAIL_VERSION_TEXT(ANEW_VERSION_MAJOR, ANEW_VERSION_MINOR, ANEW_VERSION_PATCH)
/// For comparisons by the preprocessor: version 1.2.3 is 10203.
#define ANEW_VERSION (ANEW_VERSION_MAJOR * 10000 + ANEW_VERSION_MINOR * 100 + ANEW_VERSION_PATCH)

/// In front of what the shared libraries show; the rest of the library is hidden. ANEW_DETAIL_API is for what one of
/// them shows to the others alone. cmake/anew.map.in has the versions of both.
#define ANEW_API [[gnu::visibility("default")]]
#define ANEW_DETAIL_API ANEW_API

#if __cplusplus <= 202002L
#error "Anew needs C++23: compile with -std=c++23 (GCC 12, Clang 19 or later; find_package sets it)"
#elif !__has_include(<expected>)
#error "Anew needs a standard library with <expected>: libstdc++ 12, libc++ 16 or later"
#endif
