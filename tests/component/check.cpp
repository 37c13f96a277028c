// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "check.hpp"

#include <memory>
#include <variant>
#include <vector>

#include "component/decoder.hpp"
#include "component/validator.hpp"
#include "os/try.hpp"
#include "wasm/decoder.hpp"
#include "wasm/validate_module.hpp"

namespace anew::component {
namespace {

Result<void> modules_of(const binary::Component& component, std::vector<wasm::Module>& modules) {
  for (const binary::Definition& each : component.definitions) {
    if (const auto* const module = std::get_if<binary::CoreModule>(&each)) {
      TRY(wasm::validate_module(module->bytes, Features::every()));
      modules.push_back(TRY(wasm::decode_module(module->bytes)));
    } else if (const auto* const inner = std::get_if<std::unique_ptr<binary::Component>>(&each)) {
      TRY(modules_of(**inner, modules));
    }
  }
  return {};
}

}  // namespace

Result<void> check(std::span<const std::byte> bytes) {
  const std::unique_ptr<binary::Component> component = TRY(decode(bytes));
  std::vector<wasm::Module> modules;
  TRY(modules_of(*component, modules));
  std::vector<const wasm::Module*> views;
  views.reserve(modules.size());
  for (const wasm::Module& each : modules) views.push_back(&each);
  return validate(*component, views);
}

}  // namespace anew::component
