// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads and stores of vectors and of their lanes. Each is one access of just the operator's width, so that it traps
// where the specification says.
#include <cassert>

#include "abi/planted_fault.hpp"
#include "codegen/quick/x86_64/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

/// The instruction that loads and widens, copies, or clears the other lanes.
constexpr asmjit::InstId load_of(Op op) noexcept {
  switch (op) {
    case Op::kV128Load8x8S: return Inst::kIdVpmovsxbw;
    case Op::kV128Load8x8U: return Inst::kIdVpmovzxbw;
    case Op::kV128Load16x4S: return Inst::kIdVpmovsxwd;
    case Op::kV128Load16x4U: return Inst::kIdVpmovzxwd;
    case Op::kV128Load32x2S: return Inst::kIdVpmovsxdq;
    case Op::kV128Load32x2U: return Inst::kIdVpmovzxdq;
    case Op::kV128Load8Splat: return Inst::kIdVpbroadcastb;
    case Op::kV128Load16Splat: return Inst::kIdVpbroadcastw;
    case Op::kV128Load32Splat: return Inst::kIdVbroadcastss;
    case Op::kV128Load64Splat: return Inst::kIdVmovddup;
    case Op::kV128Load32Zero: return Inst::kIdVmovss;
    case Op::kV128Load64Zero: return Inst::kIdVmovsd;
    default: return Inst::kIdVmovups;
  }
}

}  // namespace

void Operators::vector_load(Op op, wasm::MemoryArgument argument) {
  settle_flags();
  const Operand base = pop();
  const Mem from = address(base, argument, wasm::access_bytes(op)).mem;
  const Register to = allocate(true);
  add_position();
  a_.emit(load_of(op), xmm(to), from);
  push_register(ValueType::kV128, to);
  release();
}

void Operators::vector_store(Op /*v128.store*/, wasm::MemoryArgument argument) {
  constexpr std::uint32_t kBytes = 16;
  settle_flags();
  const Operand value = pop();
  const Operand base = pop();
  const Register from = use(value);  // before address(), which may leave its sum in r10
  const Address to = address(base, argument, kBytes);
  if (!to.traps) {
    mark(base, to, argument, kBytes);
    add_position();
    a_.vmovups(to.mem, xmm(from));
  }
  release();
}

void Operators::load_lane(Op op, wasm::MemoryArgument argument, std::uint32_t lane) {
  settle_flags();
  const Operand value = pop();
  const Operand base = pop();
  const std::uint32_t bytes = wasm::access_bytes(op);
  const Vectors v = use_vectors({&value, 1});
  const Mem from = address(base, argument, bytes).mem;
  add_position();
  switch (bytes) {
    case 1: a_.vpinsrb(v.to, v.a, from, lane); break;
    case 2: a_.vpinsrw(v.to, v.a, from, lane); break;
    case 4: a_.vpinsrd(v.to, v.a, from, lane); break;
    default: lane == 0 ? a_.vmovlps(v.to, v.a, from) : a_.vmovhps(v.to, v.a, from); break;
  }
  push_vector(v);
}

void Operators::store_lane(Op op, wasm::MemoryArgument argument, std::uint32_t lane) {
  settle_flags();
  const Operand value = pop();
  const Operand base = pop();
  const std::uint32_t bytes = wasm::access_bytes(op);
  const Register from = use(value);
  const Address to = address(base, argument, bytes);
  if (!to.traps) {
    if constexpr (!abi::is_planted(abi::PlantedFault::kLaneMark)) mark(base, to, argument, bytes);
    add_position();
    switch (bytes) {
      case 1: a_.vpextrb(to.mem, xmm(from), lane); break;
      case 2: a_.vpextrw(to.mem, xmm(from), lane); break;
      case 4: lane == 0 ? a_.vmovss(to.mem, xmm(from)) : a_.vextractps(to.mem, xmm(from), lane); break;
      default: lane == 0 ? a_.vmovlps(to.mem, xmm(from)) : a_.vmovhps(to.mem, xmm(from)); break;
    }
  }
  release();
}

}  // namespace anew::codegen::quick
