// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/without_exceptions.hpp"

#include <exception>
#include <string>

namespace anew::detail {
namespace {

constexpr const char* kOutOfMemory = "out of memory";  // so short that a string of it needs none

Error make(ErrorCode code, std::string message) {
  return {code, std::move(message), std::nullopt, TrapKind::kNone, {}};
}

Error describe_exception(const char* doing) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return make(ErrorCode::kResource, std::string("out of memory while ") + doing);
  } catch (const std::exception& exception) {
    return make(ErrorCode::kHost, std::string("an exception while ") + doing + ": " + exception.what());
  } catch (...) {
    return make(ErrorCode::kHost, std::string("an exception that is no std::exception while ") + doing);
  }
}

}  // namespace

Error make_error(ErrorCode code, const char* message) noexcept {
  try {
    return make(code, message);
  } catch (...) {
    return make(code, kOutOfMemory);
  }
}

Error error_of_exception(const char* doing) noexcept {
  try {
    return describe_exception(doing);
  } catch (...) {
    return make(ErrorCode::kResource, kOutOfMemory);
  }
}

}  // namespace anew::detail
