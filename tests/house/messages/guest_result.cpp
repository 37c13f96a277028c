// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/pool.hpp>
#include <string>
void call(anew::Lease& lease) { static_cast<void>(lease.call<std::string>("f")); }
