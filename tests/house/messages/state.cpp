// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/linker.hpp>
#include <string>
void define(anew::Linker& linker) {
  linker.define_state<std::string>({}, [](int& number) { number = 0; });
}
