// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>

#include "runtime/profiler.hpp"

namespace anew::cli {

/// A profile in the form that V8 writes (.cpuprofile; "Profiler.Profile" of the Chrome DevTools Protocol), which the
/// DevTools of Chromium, Visual Studio Code, the Firefox Profiler and speedscope read.
[[nodiscard]] std::string profile_text(const detail::Profile& profile);

}  // namespace anew::cli
