// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/linker.hpp>
#include <string>
#include <tuple>
void define(anew::Linker& linker) {
  linker.define("env", "f", [] { return std::tuple(1, std::string()); });
}
