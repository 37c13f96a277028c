// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/linker.hpp>
#include <string>
void define(anew::Linker& linker) {
  linker.define("env", "f", [](const std::string& text) { return static_cast<int>(text.size()); });
}
