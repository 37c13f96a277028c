// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Errors for C: those that need no memory, and what one tells.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "c/border.hpp"

namespace anew::c {
namespace {

constexpr auto kCodes = static_cast<std::size_t>(ErrorCode::kHost) + 1;
constexpr auto kTraps = static_cast<std::size_t>(TrapKind::kCastFailure) + 1;

// What to_c returns where there is no memory for more. Making them allocates nothing.
template <std::size_t... I>
auto bare_codes(std::index_sequence<I...>) noexcept {
  return std::array<anew_error_t, sizeof...(I)>{anew_error_t(static_cast<ErrorCode>(I), TrapKind::kNone)...};
}
template <std::size_t... I>
auto bare_traps(std::index_sequence<I...>) noexcept {
  return std::array<anew_error_t, sizeof...(I)>{anew_error_t(ErrorCode::kTrap, static_cast<TrapKind>(I))...};
}

bool is_bare(const anew_error_t& error) noexcept { return !error.error.has_value(); }

anew_error_t* bare(ErrorCode code, TrapKind trap) noexcept {
  static auto codes = bare_codes(std::make_index_sequence<kCodes>());
  static auto traps = bare_traps(std::make_index_sequence<kTraps>());
  return code == ErrorCode::kTrap ? &traps[static_cast<std::size_t>(trap)] : &codes[static_cast<std::size_t>(code)];
}

}  // namespace

anew_error_t* to_c(Error&& error) noexcept {
  const ErrorCode code = error.code;
  const TrapKind trap = error.trap;
  auto* const made = new (std::nothrow) anew_error_t(std::move(error));
  return made != nullptr ? made : bare(code, trap);
}

Error take_error(anew_error_t* error) noexcept {
  Error taken =
      is_bare(*error) ? detail::make_bare_error(error->code, to_string(error->code)) : std::move(*error->error);
  taken.trap = error->trap;
  anew_error_delete(error);
  return taken;
}

anew_error_t* null_argument(const char* function, const char* name) noexcept {
  return guarded("an error is made", [&]() -> Result<void> {
    return fail(ErrorCode::kArgument, fmt::format("{}: the argument \"{}\" is null", function, name));
  });
}

Result<void> check_struct_size(std::size_t size) {
  constexpr std::size_t kMost = 4096;  // far more than any of these structs will have
  if (size >= sizeof(std::size_t) && size <= kMost) return {};
  return fail(ErrorCode::kArgument, fmt::format("the struct_size is {}: set it to sizeof of the struct", size));
}

Result<void> read_struct(const void* from, std::size_t from_size, void* to, std::size_t to_size) {
  TRY(check_struct_size(from_size));
  std::memcpy(to, from, std::min(from_size, to_size));
  const auto given = bytes(from, from_size);
  if (from_size > to_size &&
      std::ranges::any_of(given.subspan(to_size), [](std::byte each) { return each != std::byte{0}; })) {
    return fail(ErrorCode::kArgument,
                fmt::format("options of {} bytes set a field that this version of the library, with {} bytes, does not "
                            "know: leave it zero, or use a newer library",
                            from_size, to_size));
  }
  return {};
}

}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

anew_error_t* anew_error_new(anew_error_code_t code, const char* message, size_t message_size) {
  return c::guarded("an error is made", [&]() -> Result<void> {
    const auto known = std::min(code, static_cast<anew_error_code_t>(ErrorCode::kHost));
    return fail(static_cast<ErrorCode>(known), std::string(c::text(message, message_size)));
  });
}

void anew_error_delete(anew_error_t* error) {
  if (!c::is_missing(error, __func__) && !c::is_bare(*error)) delete error;
}

anew_error_code_t anew_error_code(const anew_error_t* error) {
  return static_cast<anew_error_code_t>(c::is_missing(error, __func__) ? ErrorCode::kArgument : error->code);
}

const char* anew_error_message(const anew_error_t* error) {
  if (c::is_missing(error, __func__)) return "";
  if (!c::is_bare(*error)) return error->error->message.c_str();
  if (error->code == ErrorCode::kTrap) return to_string(error->trap);
  return error->code == ErrorCode::kResource ? "out of memory" : to_string(error->code);
}

const char* anew_error_text(anew_error_t* error) {
  if (c::is_missing(error, __func__)) return "";
  if (c::is_bare(*error)) return anew_error_message(error);
  try {
    if (error->text.empty()) error->text = error->error->to_string();
    return error->text.c_str();
  } catch (...) {
    return anew_error_message(error);
  }
}

anew_trap_t anew_error_trap(const anew_error_t* error) {
  return static_cast<anew_trap_t>(c::is_missing(error, __func__) ? TrapKind::kNone : error->trap);
}

bool anew_error_offset(const anew_error_t* error, uint64_t* offset) {
  if (c::is_missing(error, __func__) || offset == nullptr || c::is_bare(*error) || !error->error->offset) return false;
  *offset = *error->error->offset;
  return true;
}

size_t anew_error_frame_count(const anew_error_t* error) {
  return c::is_missing(error, __func__) || c::is_bare(*error) ? 0 : error->error->backtrace.size();
}

bool anew_error_frame(const anew_error_t* error, size_t index, anew_frame_t* frame) {
  if (frame == nullptr || index >= anew_error_frame_count(error)) return false;
  const Frame& found = error->error->backtrace[index];
  anew_frame_t filled = {};
  filled.function_index = found.function_index;
  filled.is_host = found.is_host;
  filled.module_offset = found.module_offset;
  filled.function_name = found.function_name.c_str();
  filled.function_name_size = found.function_name.size();
  filled.instance_name = found.instance_name.c_str();
  filled.instance_name_size = found.instance_name.size();
  filled.source_file = found.source_file.c_str();
  filled.source_file_size = found.source_file.size();
  filled.source_line = found.source_line;
  // Where there is no memory to say why, it is false all the same.
  anew_error_t* const unfilled = c::guarded("a frame is read", [&] { return c::fill_struct(frame, filled); });
  anew_error_delete(unfilled);
  return unfilled == nullptr;
}

const char* anew_trap_name(anew_trap_t trap) {
  return trap < c::kTraps ? to_string(static_cast<TrapKind>(trap)) : "unknown trap";
}

const char* anew_error_code_name(anew_error_code_t code) {
  return code < c::kCodes ? to_string(static_cast<ErrorCode>(code)) : "unknown error";
}

}  // extern "C"
