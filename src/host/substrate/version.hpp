// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The version that a runtime's binary carries in custom sections, so that nobody need run it.
#pragma once

#include <anew/substrate/version.hpp>
#include <optional>

#include "wasm/module.hpp"

namespace anew::substrate {

/// From `runtime_version`, whose list of APIs is empty, and `runtime_apis`, which has them: 8 bytes of id and 4 of
/// version each. @return nothing if the module has no section `runtime_version`; kMalformed for a section that does not
/// decode.
[[nodiscard]] Result<std::optional<RuntimeVersion>> read_embedded_version(const wasm::Module& module, BytesView binary);

}  // namespace anew::substrate
