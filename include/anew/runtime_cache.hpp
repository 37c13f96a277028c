// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The old name of pool_cache.hpp, for one release.
#pragma once

#include <anew/pool_cache.hpp>
