// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/without_exceptions.hpp"

#include <exception>
#include <string>

namespace anew::detail {
namespace {

constexpr const char* kOutOfMemory = "out of memory";  // so short that a string of it needs none

Error describe_exception(const char* doing) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kResource, std::string("out of memory while ") + doing);
  } catch (const std::exception& exception) {
    return make_error(ErrorCode::kHost, std::string("an exception while ") + doing + ": " + exception.what());
  } catch (...) {
    return make_error(ErrorCode::kHost, std::string("an exception that is no std::exception while ") + doing);
  }
}

}  // namespace

Error make_bare_error(ErrorCode code, const char* message) noexcept {
  try {
    return make_error(code, message);
  } catch (...) {
    return make_error(code, kOutOfMemory);
  }
}

Error error_of_exception(const char* doing) noexcept {
  try {
    return describe_exception(doing);
  } catch (...) {
    return make_error(ErrorCode::kResource, kOutOfMemory);
  }
}

}  // namespace anew::detail
