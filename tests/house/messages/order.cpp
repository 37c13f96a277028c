// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/linker.hpp>
void define(anew::Linker& linker) {
  linker.define("env", "f", [](int value, anew::Caller) { return value; });
}
