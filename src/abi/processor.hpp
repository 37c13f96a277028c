// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What depends on the processor, for whoever runs compiled code: src/abi/<processor>/ has it, and but for a tier nobody
// else knows a register, a displacement in a frame or an instruction. A processor's folder provides:
//
//   convention.hpp      where arguments and results are, what is preserved, how the library is called; for its tiers
//   enter.S             what library.hpp declares as its own: the ways between host and guest
//   offsets.h, .cpp     the numbers that assembly knows, asserted against the structures
//   frame.hpp           how a frame leads to its caller's
//   dwarf.hpp           the same for debuggers
//   code.hpp            what machine code looks like from outside
//   float_control.hpp   floating-point control of guests
//   features.hpp, .cpp  what compiled code needs of the processor, and whether this one has it
//   card_scan.hpp, .cpp scans of card tables
//   interruption.cpp    what interruption.hpp declares: the registers of a guest that a signal interrupted
#pragma once

#if defined(__x86_64__)
#include "abi/x86_64/card_scan.hpp"
#include "abi/x86_64/code.hpp"
#include "abi/x86_64/dwarf.hpp"
#include "abi/x86_64/features.hpp"
#include "abi/x86_64/float_control.hpp"
#include "abi/x86_64/frame.hpp"
#else
#error "Anew has no folder for this processor: docs/architecture.md says what it would have to hold."
#endif
