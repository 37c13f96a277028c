// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/linker.hpp>
#include <string>
void define(anew::Linker& linker) {
  linker.define("env", "f", [](anew::Caller&) { return std::string(); });
}
