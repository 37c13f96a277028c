// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups of linked instances for tests, and modules in the binary format where libwabt does not know the proposal.
#pragma once

#include <gtest/gtest.h>

#include <anew/store.hpp>
#include <initializer_list>
#include <stdexcept>
#include <utility>

#include "support/module_builder.hpp"
#include "support/wat.hpp"

namespace anew::test {

/// A store that is audited whenever it is reset.
class Group {
 public:
  /// Instantiates a module under a name. Throws if that fails: a defect of the test.
  Instance add(std::string_view name, const Module& module, const Linker& linker = {}) {
    auto instance = store.instantiate(module, linker);
    if (!instance) throw std::runtime_error(instance.error().to_string());
    store.define(name, *instance);
    return *instance;
  }
  Instance add(std::string_view name, std::string_view text, const Linker& linker = {}) {
    return add(name, compile(text), linker);
  }
  /// What is wrong with instantiating a module that cannot be.
  Error error(std::string_view text, const Linker& linker = {}) {
    auto instance = store.instantiate(compile(text), linker);
    if (!instance) return instance.error();
    ADD_FAILURE() << "it was instantiated";
    return {};
  }

  Store store{{.audit = true}};
};

inline Result<std::vector<Value>> try_call(Instance instance, std::string_view name,
                                           std::vector<Value> arguments = {}) {
  return instance.call_values(name, arguments);
}
/// The one result of a call that must not fail.
inline Value call(Instance instance, std::string_view name, std::vector<Value> arguments = {}) {
  const auto results = instance.call_values(name, arguments);
  if (!results) throw std::runtime_error(std::string(name) + ": " + results.error().to_string());
  return results->empty() ? Value::i32(0) : results->at(0);
}
inline Error call_error(Instance instance, std::string_view name, std::vector<Value> arguments = {}) {
  auto results = instance.call_values(name, arguments);
  if (!results) return results.error();
  ADD_FAILURE() << name << " did not fail";
  return {};
}

inline testing::AssertionResult contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << part << "\" is not in: " << text;
}

/// A module of these sections, each an id and its content.
inline Module raw_module(std::initializer_list<std::pair<std::uint8_t, Code>> sections) {
  static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  Code code;
  code.fixed(0x6D73'6100, 4).fixed(1, 4);
  for (const auto& [id, content] : sections) code.byte(id).unsigned_leb(content.size()).append(content);
  auto module = engine.compile(code.bytes());
  if (!module) throw std::runtime_error(module.error().to_string());
  return *module;
}

}  // namespace anew::test
