// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/validate_module.hpp"

#include "wasm/decoder.hpp"
#include "wasm/names.hpp"
#include "wasm/validator.hpp"

namespace anew::wasm {

Result<Features> validate_module(BytesView binary, Features accepted) {
  const Result<Module> module = decode_module(binary, MemoryLimit(binary.size(), UINT64_MAX), accepted);
  if (!module) return std::unexpected(module.error());
  FunctionValidator validator(*module);
  NullSink sink;
  for (std::uint32_t i = 0; i < module->bodies.size(); ++i) {
    if (auto valid = validator.validate(i, sink); !valid) {
      name_function(valid.error(), FunctionNames(*module), module->imported_functions + i);
      return std::unexpected(std::move(valid.error()));
    }
  }
  return module->features.with(validator.features());
}

}  // namespace anew::wasm
