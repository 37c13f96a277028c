// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads and stores of vectors and of their lanes. Each is one access of just the operator's width, so that it traps
// where the specification says. What becomes of a load is part of the instruction, so the witness takes that.
#include "codegen/llvm/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;

void Operators::vector_load(Op op, wasm::MemoryArgument argument) {
  const std::uint32_t bytes = wasm::access_bytes(op);
  Value* const from = address(pop(), argument, bytes);
  const auto extend = [&](unsigned count, bool is_signed) {
    Type* const narrow = ::llvm::FixedVectorType::get(ir_.getIntNTy(64 / count), count);
    return ir_.CreateIntCast(load_without_witness(narrow, from), lanes(ir_.getIntNTy(128 / count)), is_signed);
  };
  const auto load_lane = [&] { return load_without_witness(ir_.getIntNTy(8 * bytes), from); };
  Value* value = nullptr;
  switch (op) {
    case Op::kV128Load: value = load_without_witness(type_of(ValueType::kV128), from); break;
    case Op::kV128Load8x8S: value = extend(8, true); break;
    case Op::kV128Load8x8U: value = extend(8, false); break;
    case Op::kV128Load16x4S: value = extend(4, true); break;
    case Op::kV128Load16x4U: value = extend(4, false); break;
    case Op::kV128Load32x2S: value = extend(2, true); break;
    case Op::kV128Load32x2U: value = extend(2, false); break;
    case Op::kV128Load32Zero:
    case Op::kV128Load64Zero: {
      Value* const lane = load_lane();
      value = ir_.CreateInsertElement(::llvm::Constant::getNullValue(lanes(lane->getType())), lane, std::uint64_t{0});
      break;
    }
    default: value = splat(load_lane()); break;
  }
  witness(value);
  push_vector(value);
}

void Operators::vector_store(Op op, wasm::MemoryArgument argument) {
  Value* const value = pop();
  guest_store(value, address(pop(), argument, wasm::access_bytes(op)));
}

void Operators::load_lane(Op op, wasm::MemoryArgument argument, std::uint32_t lane) {
  const std::uint32_t bytes = wasm::access_bytes(op);
  Type* const type = ir_.getIntNTy(8 * bytes);
  Value* const vector = pop_as(lanes(type));
  Value* const loaded = load_without_witness(type, address(pop(), argument, bytes));
  Value* const value = ir_.CreateInsertElement(vector, loaded, lane);
  witness(value);
  push_vector(value);
}

void Operators::store_lane(Op op, wasm::MemoryArgument argument, std::uint32_t lane) {
  const std::uint32_t bytes = wasm::access_bytes(op);
  Value* const value = ir_.CreateExtractElement(pop_as(lanes(ir_.getIntNTy(8 * bytes))), lane);
  guest_store(value, address(pop(), argument, bytes));
}

}  // namespace anew::codegen::optimizing
