// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/type_registry.hpp"

#include <mutex>
#include <string>
#include <unordered_map>

namespace anew::detail {

std::uint32_t type_identity(const FunctionType& type) {
  // The bytes of the value types with a 0, which is none, between parameters and results: distinct for distinct types.
  std::string key;
  key.reserve(type.parameters.size() + type.results.size() + 1);
  for (const ValueType parameter : type.parameters) key.push_back(static_cast<char>(parameter));
  key.push_back('\0');
  for (const ValueType result : type.results) key.push_back(static_cast<char>(result));

  static std::mutex mutex;
  static std::unordered_map<std::string, std::uint32_t> ids;
  const std::lock_guard lock(mutex);
  // Modules have at most a million types each, and equal ones share an id: 32 bits do.
  return ids.try_emplace(std::move(key), static_cast<std::uint32_t>(ids.size() + 1)).first->second;
}

}  // namespace anew::detail
