// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical ABI: values of the component model to and from core values and linear memory, with every trap of its
// reference (component model, design/mvp/CanonicalABI.md and canonical-abi/definitions.py).
#pragma once

#include <anew/component/value.hpp>
#include <anew/memory_view.hpp>

#include "component/binary.hpp"
#include "component/handles.hpp"
#include "component/types.hpp"

namespace anew::component {

/// Calls the guest's allocator. @return the address, or what the guest's trap is.
class Allocator {
 public:
  virtual ~Allocator() = default;
  [[nodiscard]] virtual Result<std::uint64_t> reallocate(std::uint32_t old, std::uint32_t old_size,
                                                         std::uint32_t alignment, std::uint32_t size) = 0;
};

/// In place of an instance's number: the host.
inline constexpr std::uint32_t kHost = ~std::uint32_t{0};

/// Bytes of host memory that the values of one call, lifted, may take: guests can make few bytes of theirs into many
/// values, as lists whose elements are all the same list.
inline constexpr std::uint64_t kMostLifted = 1U << 28;

/// One side of a call: the guest that is read or written, by its canonical options.
struct Side {
  const Types* types = nullptr;
  MemoryView memory = {};          ///< of size 0 if the options name none; seen anew after each call of the allocator
  Allocator* allocator = nullptr;  ///< null if the options name none
  binary::StringEncoding encoding = binary::StringEncoding::kUtf8;
  HandleTable* handles = nullptr;  ///< of the component's instance
  std::uint32_t instance = 0;      ///< its number in the plan
  /// By ResourceId: the number of the instance that defines the resource, or kHost. What is lent to that one is passed
  /// as its representation, not as a handle (lower_borrow).
  std::span<const std::uint32_t> implementers = {};
  CallScope* scope = nullptr;  ///< of the call: what is lent for as long as it takes
};

/// Reads the parameters of a call that the guest makes (lower), or the result of one that it was made to compute
/// (lift).
/// @param slots  core values, one each, as host functions have them (anew/value.hpp).
/// @return kTrap for all that the canonical ABI says it is one, and for values of more than kMostLifted bytes; handles
///         are then taken or lent, or not.
[[nodiscard]] Result<Values> lift_parameters(Side& side, const FunctionType& type,
                                             std::span<const std::uint64_t> slots);
[[nodiscard]] Result<Value> lift_result(Side& side, const FunctionType& type, std::span<const std::uint64_t> slots);

/// Writes the arguments of a call to a guest. @param slots  as many as the core function has parameters.
/// @return kArgument, with nothing done, if the values are not of the types: a Resource for an own handle has to be an
///         owned one, the text of a string UTF-8, a list<u8> Bytes. kTrap and errors of the allocator, in the midst.
[[nodiscard]] Result<void> lower_parameters(Side& side, const FunctionType& type, std::span<const Value> values,
                                            std::span<std::uint64_t> slots);
/// Writes the result of a call that a guest made. @param slots  its arguments, the last one the address where a result
/// goes that is not flat; a flat one is written to the first, and there must be one. @return as lower_parameters().
[[nodiscard]] Result<void> lower_result(Side& side, const FunctionType& type, const Value& value,
                                        std::span<std::uint64_t> slots);

/// The type of the core function that is lifted to, or lowered from, a function.
[[nodiscard]] anew::FunctionType core_type_of_lift(const Types& types, const FunctionType& type);
[[nodiscard]] anew::FunctionType core_type_of_lower(const Types& types, const FunctionType& type);

}  // namespace anew::component
