// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which proposals to WebAssembly an engine accepts: those who need all machines to refuse the same modules choose a set
// (EngineOptions::features) rather than take what this version of Anew happens to run.
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace anew {

/// A proposal to WebAssembly that came after its first version, the "minimum viable product" of 2017.
enum class Feature : std::uint8_t {
  // WebAssembly 2.0.
  kMutableGlobal,         ///< globals that are mutable can be imported and exported
  kSaturatingFloatToInt,  ///< i32.trunc_sat_f32_s and its kin
  kSignExtension,         ///< i32.extend8_s and its kin
  kMultiValue,            ///< several results, and blocks with parameters
  kBulkMemory,            ///< memory.copy, table.init and their kin; passive segments
  kReferenceTypes,        ///< funcref and externref as values, several tables, table.get and its kin
  kSimd,                  ///< v128
  // WebAssembly 3.0.
  kTailCall,            ///< return_call and return_call_indirect
  kExtendedConst,       ///< addition, subtraction and multiplication in constant expressions
  kFunctionReferences,  ///< references to functions of one type and such as are never null; call_ref
  /// Garbage collection. Of it there are recursive groups and supertypes of function types, casts between references to
  /// functions, the types of null alone, and constant expressions that read globals of the module itself; structures,
  /// arrays and i31 are refused, whatever is accepted.
  kGc,
  kMultiMemory,  ///< several memories
  kMemory64,     ///< memories and tables with addresses of 64 bits
  kExceptions,   ///< try_table, throw, exnref
  kRelaxedSimd,  ///< f32x4.relaxed_madd and its kin
  // Later.
  kThreads,           ///< atomic operators; for memories that are shared see kUnsharedMemory
  kWideArithmetic,    ///< i64.add128, i64.mul_wide_u and their kin
  kLegacyExceptions,  ///< try, catch, catch_all, rethrow and delegate, which try_table replaced
  /// No proposal, but leave to give a memory that the module declares or imports as shared to its instance alone. For
  /// modules that are compiled for threads and start none: they run as they would with nobody else there. Where
  /// memory.atomic.wait32 and wait64 would wait, they trap with TrapKind::kExpectedSharedMemory, and
  /// memory.atomic.notify finds nobody. In no preset, all() included.
  kUnsharedMemory,
};
inline constexpr std::size_t kFeatures = static_cast<std::size_t>(Feature::kUnsharedMemory) + 1;

/// The name that wasm-tools has for it, such as "sign-extension"; "unshared-memory".
[[nodiscard]] ANEW_API const char* to_string(Feature feature) noexcept;

/// A set of proposals. A proposal that builds on others is in no set without these: relaxed-simd on simd; gc on
/// function-references; function-references and exceptions on reference-types; legacy-exceptions on exceptions;
/// unshared-memory on threads.
class ANEW_API Features {
 public:
  /// None: WebAssembly's first version.
  constexpr Features() noexcept = default;
  constexpr Features(Feature feature) noexcept : bits_(with_base(feature)) {}
  constexpr Features(std::initializer_list<Feature> features) noexcept {
    for (const Feature each : features) bits_ |= with_base(each);
  }

  static constexpr Features mvp() noexcept { return {}; }
  /// WebAssembly 2.0 and 3.0; of 3.0 what Anew runs (see Feature::kGc).
  static constexpr Features wasm_2() noexcept { return up_to(Feature::kSimd); }
  static constexpr Features wasm_3() noexcept { return up_to(Feature::kRelaxedSimd); }
  /// What Substrate's executor accepts of a chain's runtime: the first version and mutable globals. Its Wasmtime is
  /// told to refuse multi-value, bulk-memory, reference-types, simd, threads, multi-memory and memory64 (polkadot-sdk,
  /// substrate/client/executor: `wasm_*` in src/wasm_runtime.rs, `config.wasm_*` in wasmtime/src/runtime.rs). It is
  /// told nothing of what Wasmtime cannot leave out, sign-extension and saturating-float-to-int, but parity-wasm, which
  /// reads each runtime first (common/src/runtime_blob/runtime_blob.rs), does not know the opcodes (polkadot-sdk, issue
  /// 15).
  static constexpr Features substrate() noexcept { return Feature::kMutableGlobal; }
  /// All that Anew runs as the specification says.
  static constexpr Features all() noexcept { return up_to(Feature::kLegacyExceptions); }
  /// And what it runs otherwise.
  static constexpr Features every() noexcept { return all().with(Feature::kUnsharedMemory); }

  /// A list such as "mvp,sign-extension", "all,-simd" or "-threads": presets (mvp, 2.0, 3.0, substrate, all) and names
  /// of proposals. Each adds to what stands before it, or takes it away with a "-" before it; a "+" may be written. A
  /// list begins with a preset, or with a sign: then it changes all(). What is added brings what it builds on, and what
  /// is taken away takes what builds on it.
  /// @return kArgument, with what is known, for any other text.
  [[nodiscard]] static Result<Features> parse(std::string_view list);

  [[nodiscard]] constexpr bool has(Feature feature) const noexcept { return (bits_ & bit(feature)) != 0; }
  [[nodiscard]] constexpr bool has_all(Features features) const noexcept { return (features.bits_ & ~bits_) == 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr Features with(Features features) const noexcept {
    return Features(bits_ | features.bits_, {});
  }
  /// Without it, and without what builds on it.
  [[nodiscard]] constexpr Features without(Feature feature) const noexcept {
    Features left;
    for (std::size_t i = 0; i < kFeatures; ++i) {
      const auto each = static_cast<Feature>(i);  // below kFeatures
      if (has(each) && (with_base(each) & bit(feature)) == 0) left = left.with(each);
    }
    return left;
  }
  /// In the order of the enumerators.
  [[nodiscard]] std::vector<Feature> list() const;
  bool operator==(const Features&) const = default;

  /// For the library's own folders: a bit for each by its number.
  [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
  /// @return the set, with what its members build on; bits that stand for no proposal count for nothing.
  [[nodiscard]] static constexpr Features from_bits(std::uint32_t bits) noexcept {
    Features features;
    for (std::size_t i = 0; i < kFeatures; ++i) {
      const auto each = static_cast<Feature>(i);  // below kFeatures
      if ((bits & bit(each)) != 0) features = features.with(each);
    }
    return features;
  }

 private:
  struct Closed {};  ///< the bits hold what their members build on
  constexpr Features(std::uint32_t bits, Closed) noexcept : bits_(bits) {}

  static constexpr std::uint32_t bit(Feature feature) noexcept { return 1u << static_cast<unsigned>(feature); }
  static constexpr std::uint32_t with_base(Feature feature) noexcept {
    switch (feature) {
      case Feature::kRelaxedSimd: return bit(feature) | with_base(Feature::kSimd);
      case Feature::kGc: return bit(feature) | with_base(Feature::kFunctionReferences);
      case Feature::kLegacyExceptions: return bit(feature) | with_base(Feature::kExceptions);
      case Feature::kFunctionReferences:
      case Feature::kExceptions: return bit(feature) | with_base(Feature::kReferenceTypes);
      case Feature::kUnsharedMemory: return bit(feature) | with_base(Feature::kThreads);
      default: return bit(feature);
    }
  }
  static constexpr Features up_to(Feature last) noexcept { return Features(2 * bit(last) - 1, {}); }

  std::uint32_t bits_ = 0;
};

}  // namespace anew
