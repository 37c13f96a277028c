// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/program.hpp"

#include <fmt/format.h>

#include <numeric>

#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

bool is_access(Op op) noexcept { return (Op::kI32Load <= op && op <= Op::kI64Store32) || is_atomic(op); }

// --- Binary ---

void encode(ModuleBuilder& module, const Sequence& sequence, Code& out) {
  for (const Instruction& each : sequence) {
    const auto index = static_cast<std::uint32_t>(each.immediate);
    if (is_access(each.op)) {
      out.access(each.op, index, is_atomic(each.op) ? wasm::signature_of(each.op).access_log2 : 0);
      continue;
    }
    switch (each.op) {
      case Op::kBlock:
      case Op::kLoop:
      case Op::kIf:
      case Op::kTry:
        if (each.block.parameters.empty() && each.block.results.empty())
          out.open(each.op);
        else if (each.block.parameters.empty() && each.block.results.size() == 1)
          out.open(each.op, each.block.results[0]);
        else
          out.open(each.op, module.type(each.block));
        encode(module, each.body, out);
        if (!each.otherwise.empty()) {
          out.op(Op::kElse);
          encode(module, each.otherwise, out);
        }
        for (const Instruction& arm : each.arms) {
          out.op(arm.op);
          if (arm.op != Op::kCatchAll) out.unsigned_leb(arm.immediate);
          encode(module, arm.body, out);
        }
        if (each.arms.empty() || each.arms.back().op != Op::kDelegate) out.end();
        break;
      case Op::kI32Const:
      case Op::kI64Const:
      case Op::kF32Const:
      case Op::kF64Const: out.constant(each.type, each.immediate); break;
      case Op::kSelectTyped: out.op(each.op).byte(1).type(each.type); break;
      case Op::kBrTable:
        out.op(each.op).unsigned_leb(each.targets.size() - 1);
        for (const std::uint32_t depth : each.targets) out.unsigned_leb(depth);
        break;
      case Op::kCallIndirect: out.op(each.op).unsigned_leb(module.type(each.block)).byte(0); break;
      case Op::kMemorySize:
      case Op::kMemoryGrow:
      case Op::kMemoryFill: out.op(each.op).byte(0); break;
      case Op::kMemoryCopy: out.op(each.op).byte(0).byte(0); break;
      case Op::kBr:
      case Op::kBrIf:
      case Op::kCall:
      case Op::kThrow:
      case Op::kRethrow:
      case Op::kLocalGet:
      case Op::kLocalSet:
      case Op::kLocalTee:
      case Op::kGlobalGet:
      case Op::kGlobalSet: out.op(each.op, index); break;
      default: out.op(each.op);
    }
  }
}

// --- Text ---

std::string types_text(std::string_view keyword, const std::vector<ValueType>& types) {
  if (types.empty()) return "";
  std::string result = fmt::format(" ({}", keyword);
  for (const ValueType type : types) result += fmt::format(" {}", to_string(type));
  return result + ")";
}

std::string constant_text(ValueType type, std::uint64_t bits) {
  switch (type) {
    case kI32: return fmt::format("i32.const {:#x}", static_cast<std::uint32_t>(bits));
    case kI64: return fmt::format("i64.const {:#x}", bits);
    // The text format has no bits of a float but those of a NaN; this way no bit is lost.
    case kF32: return fmt::format("i32.const {:#x} f32.reinterpret_i32", static_cast<std::uint32_t>(bits));
    default: return fmt::format("i64.const {:#x} f64.reinterpret_i64", bits);
  }
}

void print(const Sequence& sequence, std::size_t indent, std::string& out) {
  for (const Instruction& each : sequence) {
    out.append(indent, ' ');
    if (is_access(each.op)) {
      out += fmt::format("{} offset={}\n", wasm::to_string(each.op), each.immediate);
      continue;
    }
    switch (each.op) {
      case Op::kBlock:
      case Op::kLoop:
      case Op::kIf:
      case Op::kTry:
        out += fmt::format("{}{}{}\n", wasm::to_string(each.op), types_text("param", each.block.parameters),
                           types_text("result", each.block.results));
        print(each.body, indent + 2, out);
        if (!each.otherwise.empty()) {
          out.append(indent, ' ');
          out += "else\n";
          print(each.otherwise, indent + 2, out);
        }
        for (const Instruction& arm : each.arms) {
          out.append(indent, ' ');
          out += wasm::to_string(arm.op);
          out += arm.op == Op::kCatchAll ? "\n" : fmt::format(" {}\n", arm.immediate);
          print(arm.body, indent + 2, out);
        }
        if (!each.arms.empty() && each.arms.back().op == Op::kDelegate) break;
        out.append(indent, ' ');
        out += "end\n";
        break;
      case Op::kI32Const:
      case Op::kI64Const:
      case Op::kF32Const:
      case Op::kF64Const: out += constant_text(each.type, each.immediate) + "\n"; break;
      case Op::kSelectTyped: out += fmt::format("select (result {})\n", to_string(each.type)); break;
      case Op::kBrTable:
        out += "br_table";
        for (const std::uint32_t depth : each.targets) out += fmt::format(" {}", depth);
        out += "\n";
        break;
      case Op::kCallIndirect:
        out += fmt::format("call_indirect{}{}\n", types_text("param", each.block.parameters),
                           types_text("result", each.block.results));
        break;
      case Op::kBr:
      case Op::kBrIf:
      case Op::kCall:
      case Op::kThrow:
      case Op::kRethrow:
      case Op::kLocalGet:
      case Op::kLocalSet:
      case Op::kLocalTee:
      case Op::kGlobalGet:
      case Op::kGlobalSet: out += fmt::format("{} {}\n", wasm::to_string(each.op), each.immediate); break;
      default: out += fmt::format("{}\n", wasm::to_string(each.op));
    }
  }
}

}  // namespace

std::vector<std::byte> encode(const Program& program) {
  ModuleBuilder module;
  for (std::size_t i = 0; i < program.imports.size(); ++i)
    module.import_function("host", fmt::format("h{}", i), program.imports[i]);
  module.memory(kProgramMemoryBytes / 65'536, kProgramMemoryBytes / 65'536);
  for (std::size_t i = 0; i < program.globals.size(); ++i)
    module.global(program.globals[i].type, program.globals[i].bits, fmt::format("g{}", i));
  for (const std::vector<ValueType>& tag : program.tags) module.tag(tag);
  std::vector<std::uint32_t> table(program.function_count());
  std::iota(table.begin(), table.end(), 0u);
  module.table(table, program.function_count() + 1);
  for (const ProgramFunction& function : program.functions) {
    Code code;
    encode(module, function.body, code);
    module.function(function.type, function.locals, code, &function == &program.functions.back() ? "run" : "");
  }
  return module.finish();
}

std::string print(const Program& program) {
  std::string out = "(module\n";
  for (std::size_t i = 0; i < program.imports.size(); ++i) {
    out += fmt::format("(import \"host\" \"h{}\" (func{}{}))\n", i, types_text("param", program.imports[i].parameters),
                       types_text("result", program.imports[i].results));
  }
  out += "(memory (export \"memory\") 1 1)\n";
  for (std::size_t i = 0; i < program.globals.size(); ++i) {
    out += fmt::format("(global (export \"g{}\") (mut {}) {}.const {})\n", i, to_string(program.globals[i].type),
                       to_string(program.globals[i].type), to_string(program.globals[i]));
  }
  for (const std::vector<ValueType>& tag : program.tags) out += fmt::format("(tag{})\n", types_text("param", tag));
  out += fmt::format("(table {} funcref) (elem (i32.const 0)", program.function_count() + 1);
  for (std::uint32_t i = 0; i < program.function_count(); ++i) out += fmt::format(" {}", i);
  out += ")\n";
  for (const ProgramFunction& function : program.functions) {
    out += fmt::format("(func{}{}{}{}\n", &function == &program.functions.back() ? " (export \"run\")" : "",
                       types_text("param", function.type.parameters), types_text("result", function.type.results),
                       types_text("local", function.locals));
    print(function.body, 2, out);
    out += ")\n";
  }
  return out + ")\n";
}

}  // namespace anew::codegen::test
