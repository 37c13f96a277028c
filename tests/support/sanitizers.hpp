// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which sanitizer this is compiled with: GCC says it by a macro, Clang 19 to who asks for a feature.
#pragma once

#if !defined(__has_feature)
#define __has_feature(name) 0
#endif

namespace anew::test {

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
inline constexpr bool kSanitized = kAddressSanitizer || kThreadSanitizer;

}  // namespace anew::test
