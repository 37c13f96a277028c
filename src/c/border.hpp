// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The border between C and C++: errors as handles, exceptions as errors, arguments that may not be null, callbacks'
// data, strings and structs.
#pragma once

#include <anew.h>

#include <anew/error.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "c/handle.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"

/// An error, or one of those that stand ready for want of memory: these have no `error` and are never deleted.
struct anew_error_t : anew::c::Handle<anew::c::Kind::kError> {
  explicit anew_error_t(anew::Error&& made) noexcept : code(made.code), trap(made.trap), error(std::move(made)) {}
  constexpr anew_error_t(anew::ErrorCode bare_code, anew::TrapKind bare_trap) noexcept
      : code(bare_code), trap(bare_trap) {}

  anew::ErrorCode code;
  anew::TrapKind trap;
  std::optional<anew::Error> error;
  std::string text;  ///< made when it is first asked for
};

namespace anew::c {

/// The error as a handle; where there is no memory for one, a bare one with its code and trap.
[[nodiscard]] ANEW_DETAIL_API anew_error_t* to_c(Error&& error) noexcept;
/// Takes an error that a callback returned.
[[nodiscard]] ANEW_DETAIL_API Error take_error(anew_error_t* error) noexcept;
/// The error for a parameter of that name that is null.
[[nodiscard]] ANEW_DETAIL_API anew_error_t* null_argument(const char* function, const char* name) noexcept;

/// Returns from a function that returns an error: for a parameter that may not be null.
#define ANEW_NOT_NULL(argument) \
  if (::anew::c::is_missing(argument, __func__)) return ::anew::c::null_argument(__func__, #argument)
/// For the parameter through which an object comes back, which is null unless the function succeeds.
#define ANEW_OUT(argument) \
  ANEW_NOT_NULL(argument); \
  *(argument) = nullptr

/// Runs what a function does. @param doing  what fails then, for messages: "a pool is made".
template <typename F>
[[nodiscard]] anew_error_t* guarded(const char* doing, F&& work) noexcept {
  Result<void> result = detail::without_exceptions(doing, std::forward<F>(work));
  return result ? nullptr : to_c(std::move(result.error()));
}

/// The data of a callback, which is finalized when this goes.
class CallbackData {
 public:
  CallbackData(void* data, anew_finalizer_t finalize) noexcept : data_(data), finalize_(finalize) {}
  CallbackData(CallbackData&& other) noexcept
      : data_(other.data_), finalize_(std::exchange(other.finalize_, nullptr)) {}
  CallbackData& operator=(CallbackData&&) = delete;
  ~CallbackData() {
    if (finalize_ != nullptr) finalize_(data_);
  }
  [[nodiscard]] void* get() const noexcept { return data_; }

 private:
  void* data_;
  anew_finalizer_t finalize_;
};

/// A string of the caller's; empty if it is null.
[[nodiscard]] inline std::string_view text(const char* data, std::size_t size) noexcept {
  return data != nullptr ? std::string_view(data, size) : std::string_view();
}
[[nodiscard]] inline std::string_view text(const anew_text_t& text_in_struct) noexcept {
  return text(text_in_struct.data, text_in_struct.size);
}
[[nodiscard]] inline std::span<const std::byte> bytes(const void* data, std::size_t size) noexcept {
  return {static_cast<const std::byte*>(data), data != nullptr ? size : 0};  // any object may be read as bytes
}

/// @return kArgument for what no struct_size can be.
[[nodiscard]] Result<void> check_struct_size(std::size_t size);
/// @param to  has what could be read also if this fails. @return kArgument for a struct that cannot be read.
[[nodiscard]] ANEW_DETAIL_API Result<void> read_struct(const void* from, std::size_t from_size, void* to,
                                                       std::size_t to_size);

/// The options as this version has them: fields that the caller lacks are zero; all are, if `options` is null.
template <typename T>
[[nodiscard]] Result<T> read_options(const T* options) {
  static_assert(std::is_trivially_copyable_v<T>);
  T known = {};
  if (options != nullptr) TRY(read_struct(options, options->struct_size, &known, sizeof(T)));
  return known;
}

/// The same for a function that is given callbacks with data. @param known  has what could be read also if that fails:
/// the data is to be finalized.
template <typename T>
[[nodiscard]] anew_error_t* read_callback_options(const T* options, T& known) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  return guarded("options are read", [&]() -> Result<void> {
    if (options == nullptr) return {};
    return read_struct(options, options->struct_size, &known, sizeof(T));
  });
}

/// Fills what the caller has of a struct but its size. @return kArgument if it says no size that it can have.
template <typename T>
[[nodiscard]] Result<void> fill_struct(T* to, const T& from) {
  static_assert(std::is_trivially_copyable_v<T>);
  TRY(check_struct_size(to->struct_size));
  const std::size_t size = std::min(to->struct_size, sizeof(T));
  // Both are a T, of which the first bytes are struct_size.
  std::memcpy(reinterpret_cast<std::byte*>(to) + sizeof(std::size_t),
              reinterpret_cast<const std::byte*>(&from) + sizeof(std::size_t), size - sizeof(std::size_t));
  return {};
}

}  // namespace anew::c
