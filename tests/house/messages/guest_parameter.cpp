// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/pool.hpp>
void call(anew::Lease& lease) { static_cast<void>(lease.call<int>("f", "text")); }
