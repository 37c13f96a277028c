// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/engine.hpp>
#include <filesystem>
#include <string>

namespace anew::component {

/// One for the program's tests, without the code cache.
inline const Engine& engine() {
  static const Engine engine({.cache = false});
  return engine;
}

/// A file of tests/data/component.
inline std::filesystem::path data(const std::string& name) {
  return std::filesystem::path(ANEW_SOURCE_DIR) / "tests/data/component" / name;
}

}  // namespace anew::component
