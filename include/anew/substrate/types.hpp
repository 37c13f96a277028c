// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What all of the Substrate headers speak of.
#pragma once

#include <anew/types.hpp>

namespace anew::substrate {

using anew::Bytes;
using anew::BytesView;
using anew::Hash;

}  // namespace anew::substrate
