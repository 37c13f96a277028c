// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "support/module_builder.hpp"

namespace anew::codegen::test {

using namespace anew::test;

}  // namespace anew::codegen::test
