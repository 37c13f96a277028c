// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/emit.hpp"

#include <fmt/format.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DiagnosticHandler.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetOptions.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "abi/processor.hpp"
#include "abi/stack_limit.hpp"
#include "codegen/llvm/marks.hpp"
#include "codegen/llvm/object.hpp"
#include "codegen/llvm/pipeline.hpp"
#include "codegen/llvm/witnesses.hpp"
#include "codegen/positions.hpp"

namespace anew::codegen::optimizing {
namespace {

using ::llvm::CallBase;
using ::llvm::DILocation;
using ::llvm::Function;
using ::llvm::Instruction;
using ::llvm::Module;

constexpr char kTriple[] = "x86_64-unknown-linux-gnu";

/// Settings of LLVM's that only its command line has. Once a process.
void set_up_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();  // of inline assembly
    constexpr std::array kArguments = {
        "anew-optimizer",
        "-enable-shrink-wrap=false",               // the frame pointer is set before all else, for backtraces
        "-funcspec-min-function-size=4294967295",  // no copies of functions, for particular arguments
        // In an interpreter's loop each operator jumps to the next: 20, and what keeps an index inside of its table.
        "-tail-dup-indirect-size=32",
    };
    ::llvm::cl::ParseCommandLineOptions(kArguments.size(), kArguments.data());
  });
}

/// Remembers the first error that LLVM tells of, and prints nothing.
struct QuietHandler : ::llvm::DiagnosticHandler {
  std::string error;
  bool handleDiagnostics(const ::llvm::DiagnosticInfo& info) override {
    if (info.getSeverity() != ::llvm::DS_Error || !error.empty()) return true;
    ::llvm::raw_string_ostream stream(error);
    ::llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    return true;
  }
};

/// Calls of functions by name become calls through their entries, which may lead to any tier's code.
void call_through_entries(const Unit& unit, Function& function) {
  ::llvm::SmallVector<std::pair<CallBase*, std::uint32_t>> calls;
  for (Instruction& each : ::llvm::instructions(function)) {
    auto* const call = ::llvm::dyn_cast<CallBase>(&each);
    const Function* const callee = call != nullptr ? call->getCalledFunction() : nullptr;
    if (callee == nullptr) continue;
    if (const auto index = function_index(*callee)) calls.emplace_back(call, *index);
  }
  for (const auto& [call, index] : calls) {
    ::llvm::IRBuilder<> ir(call);
    ::llvm::Value* const entry = ir.CreateConstInBoundsGEP2_64(entries(unit).getValueType(), &entries(unit), 0, index);
    call->setCalledOperand(ir.CreateLoad(ir.getPtrTy(), entry));
  }
}

/// Where machine code comes from. Each instruction's location, with what is inlined there, becomes a line of its own
/// number in the function, so that the line table of the object file, which knows lines only, tells it all.
class Locations {
 public:
  explicit Locations(const Unit& unit) : unit_(unit) {}

  /// Takes the module's debug information for all of `functions`, and puts the lines in its place.
  void number(std::span<Function* const> functions) {
    Module& ir = unit_.ir;
    if (::llvm::NamedMDNode* const units = ir.getNamedMetadata("llvm.dbg.cu")) ir.eraseNamedMetadata(units);
    ::llvm::DIBuilder builder(ir);
    ::llvm::DIFile* const file = builder.createFile("module.wasm", "");
    builder.createCompileUnit(::llvm::dwarf::DW_LANG_C, file, "anew", true, "", 0, "",
                              ::llvm::DICompileUnit::LineTablesOnly);
    ::llvm::DISubroutineType* const type = builder.createSubroutineType(builder.getOrCreateTypeArray({}));
    for (Function* const function : functions) {
      if (function->getSubprogram() == nullptr) continue;
      ::llvm::DISubprogram* const subprogram =
          builder.createFunction(file, function->getName(), "", file, 0, type, 0, ::llvm::DINode::FlagZero,
                                 ::llvm::DISubprogram::SPFlagDefinition | ::llvm::DISubprogram::SPFlagOptimized);
      function->setSubprogram(subprogram);
      for (Instruction& each : ::llvm::instructions(*function))
        if (const DILocation* const location = each.getDebugLoc())
          each.setDebugLoc(DILocation::get(ir.getContext(), line(*location), 0, subprogram));
    }
    builder.finalize();
  }

  /// The stream of positions of a function's code (codegen/positions.hpp).
  [[nodiscard]] std::vector<std::byte> positions(std::uint32_t function, std::span<const Line> lines) const {
    std::vector<std::byte> stream;
    PositionWriter writer(stream);
    const std::uint32_t imports = unit_.module.imported_functions;
    writer.add(0, unit_.module.bodies[function - imports].offset);
    std::uint32_t last = 0;
    for (const Line& each : lines) {
      // An instruction of no known line is of the last one's.
      if (each.line == 0 || each.line == last || each.line > chains_.size()) continue;
      last = each.line;
      const Chain& chain = chains_[each.line - 1];
      std::vector<InlinedFunction> inlined;
      for (std::size_t i = 0; i + 1 < chain.size(); ++i) inlined.push_back({function_at(chain[i]), chain[i + 1]});
      writer.add(each.code_offset, chain.front(), inlined);
    }
    return stream;
  }

 private:
  /// Offsets in the module: of the operator, and of the calls that led to it, from the innermost on.
  using Chain = std::vector<std::uint64_t>;

  std::uint32_t line(const DILocation& location) {
    if (location.getLine() == 0) return 0;
    const auto [found, is_new] = lines_.emplace(&location, static_cast<std::uint32_t>(chains_.size() + 1));
    if (is_new) {
      Chain chain;
      // What has lost its place in a function is at the function's start.
      for (const DILocation* each = &location; each != nullptr; each = each->getInlinedAt())
        chain.push_back(each->getLine() != 0 ? each->getLine() : each->getScope()->getSubprogram()->getLine());
      chains_.push_back(std::move(chain));
    }
    return found->second;
  }

  /// The function whose body an offset lies in; bodies stand in the module in their order.
  [[nodiscard]] std::uint32_t function_at(std::uint64_t offset) const {
    const auto& bodies = unit_.module.bodies;
    const auto after = std::ranges::upper_bound(bodies, offset, {}, &wasm::FunctionBody::offset);
    const auto defined = after == bodies.begin() ? 0 : after - bodies.begin() - 1;
    return unit_.module.imported_functions + static_cast<std::uint32_t>(defined);  // fewer than 2^32 functions
  }

  const Unit& unit_;
  std::map<const DILocation*, std::uint32_t> lines_;
  std::vector<Chain> chains_;  ///< by line, less 1
};

::llvm::SmallVector<char, 0> machine_code(Module& ir, ::llvm::TargetMachine& machine) {
  ::llvm::SmallVector<char, 0> object;
  ::llvm::raw_svector_ostream stream(object);
  ::llvm::legacy::PassManager passes;
  passes.add(new ::llvm::TargetLibraryInfoWrapperPass(
      no_library(machine.getTargetTriple())));  // the pass manager's from here on
  if (machine.addPassesToEmitFile(passes, stream, nullptr, ::llvm::CodeGenFileType::ObjectFile))
    throw std::logic_error("LLVM makes no object files");
  passes.run(ir);
  return object;
}

/// Whether a frame takes more than the function pays for it (abi/stack_limit.hpp).
bool takes_too_much(const Unit& unit, const Function& function, std::uint64_t frame_bytes) {
  if (!unit.options.metered_stack) return false;
  // What calls into other instances add comes on top.
  return frame_bytes + abi::kOtherCellBytes >
         abi::kStackBytesPerUnit * function.getFnAttributeAsParsedInteger(kStackUnitsAttribute);
}

/// Why the function's IR is not valid; empty if it is. A fault of this tier's, which is looked for without NDEBUG.
[[maybe_unused]] std::string invalid(const Function& function) {
  std::string why;
  ::llvm::raw_string_ostream stream(why);
  if (::llvm::verifyFunction(function, &stream)) return "its IR is not valid: " + why;
  return {};
}

}  // namespace

Emitter::Emitter(MarkFault planted) : planted_(planted) {
  set_up_llvm();
  std::string error;
  const ::llvm::Target* const target = ::llvm::TargetRegistry::lookupTarget(kTriple, error);
  if (target == nullptr) throw std::logic_error("LLVM does not know the processor: " + error);
  ::llvm::TargetOptions options;
  options.FunctionSections = true;  // each function's code and constants by themselves: object.cpp
  options.DataSections = true;
  options.EmitStackSizeSection = true;
  options.AllowFPOpFusion = ::llvm::FPOpFusion::Strict;
  options.TrapUnreachable = true;  // nothing runs on into the constants
  options.NoTrapAfterNoreturn = true;
  // Which processor: unit.cpp's attributes say.
  machine_.reset(target->createTargetMachine(kTriple, "", "", options, ::llvm::Reloc::PIC_, ::llvm::CodeModel::Small));
}

Emitter::~Emitter() = default;

void Emitter::prepare(Module& ir) const {
  ir.setTargetTriple(kTriple);
  ir.setDataLayout(machine_->createDataLayout());
  ir.setPICLevel(::llvm::PICLevel::SmallPIC);
}

std::vector<FunctionCode> Emitter::emit(const Unit& unit, std::span<const std::uint32_t> wanted, Pipeline pipeline) {
  Module& ir = unit.ir;
  auto owned_handler = std::make_unique<QuietHandler>();
  const QuietHandler& handler = *owned_handler;
  ir.getContext().setDiagnosticHandler(std::move(owned_handler));

  std::vector<FunctionCode> codes(wanted.size());
  std::vector<Function*> functions(wanted.size());  // null: not compiled
  const auto refuse = [&](std::size_t i, std::string reason) {
    codes[i].not_compiled = std::move(reason);
    functions[i]->deleteBody();
    functions[i] = nullptr;
  };
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    codes[i].function = wanted[i];
    functions[i] = definition(unit, wanted[i]);
    if (functions[i] == nullptr) throw std::logic_error("a function is wanted that the unit does not define");
    functions[i]->addFnAttr(::llvm::Attribute::NoRedZone);  // so that the frame's size is all that it takes
  }
#ifndef NDEBUG
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (std::string why = invalid(*functions[i]); !why.empty()) refuse(i, std::move(why));
  for (Function& each : ir)
    if (each.hasAvailableExternallyLinkage() && !invalid(each).empty()) each.deleteBody();
#endif

  machine_->setOptLevel(code_level(pipeline));
  run_passes(unit, *machine_, pipeline);

  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (functions[i] == nullptr) continue;
    call_through_entries(unit, *functions[i]);
    try {
      static_cast<void>(add_marks(unit, *functions[i], planted_));
      make_volatile(*functions[i]);
    } catch (const NotCompiled& why) {
      refuse(i, why.reason);
      continue;
    }
#ifndef NDEBUG
    if (std::string why = invalid(*functions[i]); !why.empty()) refuse(i, std::move(why));
#endif
  }

  std::vector<Function*> left;
  std::ranges::copy_if(functions, std::back_inserter(left), [](const Function* each) { return each != nullptr; });
  if (left.empty()) return codes;
  for (Function& each : ir)
    if (!each.isDeclaration() && std::ranges::find(left, &each) == left.end()) each.deleteBody();
  Locations locations(unit);
  locations.number(left);
  const auto object = machine_code(ir, *machine_);
  const ObjectFile file({object.data(), object.size()});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (functions[i] == nullptr) continue;
    if (!handler.error.empty()) {
      codes[i].not_compiled = handler.error;
      continue;
    }
    try {
      std::vector<Line> lines;
      codes[i] = file.take(functions[i]->getName().str(), lines);
      if (takes_too_much(unit, *functions[i], codes[i].frame_bytes))
        throw NotTaken{"its frame takes more of the machine's stack than it pays for"};
      codes[i].positions = locations.positions(wanted[i], lines);
    } catch (const NotTaken& why) {
      codes[i] = {};
      codes[i].not_compiled = why.reason;
    }
    codes[i].function = wanted[i];
  }
  return codes;
}

}  // namespace anew::codegen::optimizing
