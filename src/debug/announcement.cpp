// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "debug/announcement.hpp"

#include <vector>

#include "debug/perf.hpp"
#include "os/try.hpp"

namespace anew::debug {

Result<std::unique_ptr<GdbRegistration>> announce(const Code& code, Tools tools) {
  const std::vector<Symbol> symbols = symbols_of(code);
  if (tools.perf_map) TRY(add_to_perf_map(symbols));
  if (tools.jitdump) TRY(add_to_jitdump(code, symbols));
  if (!tools.gdb) return nullptr;
  return std::make_unique<GdbRegistration>(code, symbols);
}

}  // namespace anew::debug
