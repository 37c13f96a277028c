// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/engine_options.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <bit>

#include "abi/processor.hpp"
#include "abi/stack_limit.hpp"
#include "artifact/code_cache.hpp"
#include "os/virtual_memory.hpp"

namespace anew {
namespace {

constexpr std::uint64_t kMinimumStackBytes = 16 << 10;
constexpr std::uint64_t kMaximumStackBytes = 1ull << 32;
static_assert(abi::stack_bytes_for(abi::kMaximumStackLimit) <= kMaximumStackBytes);

}  // namespace

std::optional<Error> detail::find_refusal(const EngineOptions& options) {
  if (options.stack_bytes % os::kPageBytes != 0 || options.stack_bytes < kMinimumStackBytes ||
      options.stack_bytes > kMaximumStackBytes) {
    return make_error(ErrorCode::kArgument,
                      fmt::format("EngineOptions::stack_bytes is {}: use a multiple of {} from {} to {}",
                                  options.stack_bytes, os::kPageBytes, kMinimumStackBytes, kMaximumStackBytes));
  }
  if (const std::uint64_t missing = abi::kBaselineFeatures & ~abi::processor_features(); missing != 0) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("this processor lacks {}; Anew's compiled code needs {}", abi::feature_names(missing),
                             abi::kBaselineText),
                 std::nullopt,
                 TrapKind::kNone,
                 {}};
  }
  if (sodium_init() < 0) {
    return make_error(ErrorCode::kUnsupported,
                      "libsodium cannot be initialized: the system has no source of randomness");
  }
  return std::nullopt;
}

Result<void> detail::check_options(const CompileOptions& options) {
  if (options.card_bytes != 0 &&
      (!std::has_single_bit(options.card_bytes) || options.card_bytes < 1u << abi::kMinimumCardShift ||
       options.card_bytes > 1u << abi::kMaximumCardShift)) {
    return fail(ErrorCode::kArgument, fmt::format("CompileOptions::card_bytes is {}: use 512, 1024, 2048, 4096, or 0 "
                                                  "to have it chosen",
                                                  options.card_bytes));
  }
  if (options.stack_limit > abi::kMaximumStackLimit) {
    return fail(ErrorCode::kArgument, fmt::format("CompileOptions::stack_limit is {}: use 1 to {}, or 0 for none",
                                                  options.stack_limit, abi::kMaximumStackLimit));
  }
  return {};
}

codegen::Tier detail::choose_tier(const CompileOptions& options) noexcept {
  return options.tier == Tier::kOptimized ? codegen::Tier::kOptimized : codegen::Tier::kQuick;
}

codegen::Options detail::to_code_options(const CompileOptions& options, const wasm::Module& module) {
  const std::uint32_t shift = options.card_bytes == 0
                                  ? abi::default_card_shift(module)
                                  : static_cast<std::uint32_t>(std::countr_zero(options.card_bytes));  // below 32
  return {.tier = choose_tier(options),
          .card_shift = shift,
          .marks = artifact::has_marks(options.ledger),
          .foreign_memory = false,
          .explicit_bounds = options.explicit_bounds,
          .fuel = options.fuel,
          .canonical_nan = options.canonical_nan,
          .metered_stack = options.stack_limit != 0};
}

}  // namespace anew
