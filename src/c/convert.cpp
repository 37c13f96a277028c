// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types, values and options of C as the library has them.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "c/objects.hpp"

namespace anew::c {
namespace {

bool is_known(ValueType type) noexcept {
  switch (type) {
    case ValueType::kI32:
    case ValueType::kI64:
    case ValueType::kF32:
    case ValueType::kF64:
    case ValueType::kV128: return true;
    default: break;
  }
  if (is_typed_reference(type)) return true;
  switch (with_null(type)) {
    case ValueType::kFuncRef:
    case ValueType::kExternRef:
    case ValueType::kExnRef:
    case ValueType::kAnyRef:
    case ValueType::kEqRef:
    case ValueType::kNullFuncRef:
    case ValueType::kNullExternRef:
    case ValueType::kNullExnRef:
    case ValueType::kNullRef: return true;
    default: return false;
  }
}

Result<std::vector<ValueType>> to_types(const anew_type_t* types, std::size_t count) {
  if (types == nullptr && count != 0) return fail(ErrorCode::kArgument, "a function type has types, but they are null");
  std::vector<ValueType> known;
  known.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto type = TRY(to_type(types[i]));
    known.push_back(type);
  }
  return known;
}

/// A value of the options, or its default if it is zero.
template <typename T, typename U>
void set_unless_zero(T& option, U value) {
  if (value != 0) option = static_cast<T>(value);  // of the same width
}

}  // namespace

FunctionTypeText::FunctionTypeText(const FunctionType& type) {
  for (const ValueType each : type.parameters) parameters.push_back(anew::detail::number(each));
  for (const ValueType each : type.results) results.push_back(anew::detail::number(each));
}

Result<ValueType> to_type(anew_type_t type) {
  const auto found = static_cast<ValueType>(type);  // checked
  if (is_known(found)) return found;
  return fail(ErrorCode::kArgument, fmt::format("{:#x} is no value type: see anew_type_t", type));
}

Result<FunctionType> to_function_type(const anew_function_type_t& type) {
  auto parameters = TRY(to_types(type.parameters, type.parameter_count));
  auto results = TRY(to_types(type.results, type.result_count));
  return FunctionType{std::move(parameters), std::move(results)};
}

Result<Value> to_value(const anew_value_t& value) {
  const auto type = TRY(to_type(value.type));
  Value made = {type, value.of.slots[0], type == ValueType::kV128 ? value.of.slots[1] : 0};
  // What the caller did not write of the union may be anything.
  if (type == ValueType::kI32 || type == ValueType::kF32) made.bits = static_cast<std::uint32_t>(made.bits);
  return made;
}

Result<std::vector<Value>> to_values(const anew_value_t* values, std::size_t count) {
  std::vector<Value> made;
  made.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto value = TRY(to_value(values[i]));
    made.push_back(value);
  }
  return made;
}

anew_value_t from_value(const Value& value) noexcept {
  anew_value_t made = {};
  made.type = anew::detail::number(value.type);
  made.of.slots[0] = value.bits;
  made.of.slots[1] = value.high;
  return made;
}

std::chrono::nanoseconds to_duration(std::uint64_t nanoseconds) noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(nanoseconds, kMost)));
}

Result<CompileOptions> to_compile_options(const anew_compile_options_t* given) {
  const auto options = TRY(read_options(given));
  if (options.ledger > ANEW_LEDGER_COW)
    return fail(ErrorCode::kArgument, fmt::format("there is no ledger {}: see anew_ledger_t", options.ledger));
  if (options.tier > ANEW_TIER_OPTIMIZED)
    return fail(ErrorCode::kArgument, fmt::format("there is no tier {}: see anew_tier_t", options.tier));
  return CompileOptions{.card_bytes = options.card_bytes,
                        .ledger = static_cast<Ledger>(options.ledger),
                        .explicit_bounds = options.explicit_bounds,
                        .fuel = options.fuel,
                        .canonical_nan = options.canonical_nan,
                        .stack_limit = options.stack_limit,
                        .tier = static_cast<Tier>(options.tier)};
}

Result<SnapshotOptions> to_snapshot_options(const anew_snapshot_options_t* given) {
  const auto options = TRY(read_options(given));
  if (options.prelude == nullptr && options.prelude_count != 0)
    return fail(ErrorCode::kArgument, "anew_snapshot_options_t: prelude_count is set, but prelude is null");
  SnapshotOptions made;
  made.extra_memory_pages = options.extra_memory_pages;
  made.freeze_start = options.freeze_start;
  for (std::size_t i = 0; i < options.prelude_count; ++i) made.prelude.emplace_back(text(options.prelude[i]));
  if (options.start_timeout != 0) made.start_timeout = to_duration(options.start_timeout);
  return made;
}

Result<PoolOptions> to_pool_options(const anew_pool_options_t* given) {
  const auto options = TRY(read_options(given));
  if (options.reset > ANEW_RESET_BY_HELPER)
    return fail(ErrorCode::kArgument,
                fmt::format("there is no such reset as {}: see anew_reset_when_t", options.reset));
  PoolOptions made;
  set_unless_zero(made.capacity, options.capacity);
  auto snapshot = TRY(to_snapshot_options(options.snapshot));
  made.snapshot = std::move(snapshot);
  made.audit_every = options.audit_every;
  made.minimum_warm = options.minimum_warm;
  made.reset = static_cast<ResetWhen>(options.reset);
  made.idle_time = to_duration(options.idle_time);
  made.minimum_available_bytes = options.minimum_available_bytes;
  set_unless_zero(made.maximum_memory_bytes, options.maximum_memory_bytes);
  return made;
}

}  // namespace anew::c
