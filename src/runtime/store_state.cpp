// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

constexpr std::uint64_t kReferenceBytes = sizeof(abi::FunctionReference);

struct Place {
  const Instance* instance;
  std::uint32_t function;
};

/// The function whose reference has these bits, not null.
std::optional<Place> find_function(const StoreState& store, std::uint64_t reference) noexcept {
  for (const auto& instance : store.instances) {
    const std::uint64_t distance = reference - instance->reference_to(0);  // huge if below
    const std::uint64_t functions = instance->linked->wasm().functions.size();
    if (distance % kReferenceBytes == 0 && distance / kReferenceBytes < functions)
      return Place{instance.get(), static_cast<std::uint32_t>(distance / kReferenceBytes)};  // below `functions`
  }
  return std::nullopt;
}

}  // namespace

std::string_view StoreState::name_of(const Instance& instance) const noexcept {
  for (const auto& [name, number] : names)
    if (number == instance.number) return name;
  return {};
}

std::optional<std::uint64_t> StoreState::function_number(std::uint64_t reference) const noexcept {
  if (reference == 0) return 0;
  const auto place = find_function(*this, reference);
  if (!place) return std::nullopt;
  return 1 + (std::uint64_t{place->instance->number} << 32 | place->function);
}

std::uint64_t StoreState::function_reference(std::uint64_t number) const noexcept {
  if (number == 0) return 0;
  // The halves that function_number put together.
  return instances[(number - 1) >> 32]->reference_to(static_cast<std::uint32_t>(number - 1));
}

const char* StoreState::reference_problem(const ScopedType& scoped, std::uint64_t bits) const noexcept {
  const ValueType type = scoped.type;
  if (bits == 0) return is_nullable(type) ? nullptr : "is null, which its type does not allow";
  if (with_null(type) == ValueType::kExternRef) return nullptr;
  if (with_null(type) != ValueType::kFuncRef && !is_typed_reference(type)) {
    return is_exception_reference(type) ? "is an exception; the host can pass null only"
                                        : "is not null, as its type wants it";
  }
  const auto place = find_function(*this, bits);
  if (!place) return "is a function reference that this store did not hand out; pass null or one that came from there";
  if (!is_typed_reference(type)) return nullptr;
  const abi::FunctionReference& function = place->instance->function_references()[place->function];
  return is_of_type(function, scoped.scope, type_index(type)) ? nullptr
                                                              : "is a reference to a function of another type";
}

}  // namespace anew::detail
