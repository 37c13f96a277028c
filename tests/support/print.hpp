// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How GoogleTest shows parameters: by name. What it knows no name of, it would show as raw bytes.
#pragma once

#include <anew/engine.hpp>
#include <anew/value.hpp>
#include <ostream>

// GoogleTest finds these by argument-dependent lookup, and prescribes their name.
namespace anew {

inline void PrintTo(ValueType type, std::ostream* out) { *out << to_string(type); }
inline void PrintTo(Ledger ledger, std::ostream* out) { *out << to_string(ledger); }

}  // namespace anew
