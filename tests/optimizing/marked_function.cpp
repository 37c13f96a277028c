// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "optimizing/marked_function.hpp"

#include <fmt/format.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace anew::codegen::optimizing {
namespace {

constexpr std::uint32_t kFurtherShift = 10;
constexpr std::uint64_t kEnd = abi::kMemoryAddressSpace + abi::kGuardBytes;
/// What can be accessed.
constexpr std::array<std::pair<std::uint64_t, std::uint64_t>, 3> kWindows = {
    {{0, FakeCell::kLow},
     {FakeCell::kMiddle - FakeCell::kHigh, FakeCell::kMiddle + FakeCell::kLow},
     {abi::kMemoryAddressSpace - FakeCell::kHigh, abi::kMemoryAddressSpace + FakeCell::kHigh}}};

constexpr std::uint64_t kBlock = 4096;
/// What each block of a memory holds.
constexpr std::array<std::byte, kBlock> kPattern = [] {
  std::array<std::byte, kBlock> result{};
  for (std::size_t i = 0; i < kBlock; ++i) result[i] = static_cast<std::byte>(i * 7 + 0x5B);
  return result;
}();

os::Mapping region(std::uint64_t header) {
  os::Mapping mapping = os::Mapping::reserve(header + kEnd).value();
  bool ok = os::protect(mapping.data(), header, os::Access::kReadWrite);
  for (const auto& [begin, end] : kWindows)
    ok = os::protect(mapping.data() + header + begin, end - begin, os::Access::kReadWrite) && ok;
  if (!ok) throw std::runtime_error("no memory for a cell");
  return mapping;
}

}  // namespace

FakeCell::FakeCell(const wasm::Module& module, const abi::CellLayout& layout, bool foreign_memory) : layout_(layout) {
  own_ = region(layout.header_bytes());
  cell_ = own_.data() + layout.header_bytes();
  for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
    if (i == 0 && !foreign_memory) {
      // The layout's place for the cards, which are bytes.
      memories_.push_back({cell_, reinterpret_cast<std::uint8_t*>(cell_ + layout.cards()), layout.card_shift()});
      continue;
    }
    const std::uint64_t header = abi::memory_header_bytes(kFurtherShift);
    further_.push_back(region(header));
    std::byte* const begin = further_.back().data();
    memories_.push_back({begin + header, reinterpret_cast<std::uint8_t*>(begin), kFurtherShift});
    const abi::MemoryReference reference = {memories_.back().base, memories_.back().cards, kFurtherShift};
    std::memcpy(cell_ + layout.memory_reference(i), &reference, sizeof(reference));
  }
  for (const Memory& each : memories_) abi::hot_header(each.base).memory_bytes = kEnd;  // so that nothing traps
  reset();
  header_.assign(own_.data(), cell_);
}

void FakeCell::reset() {
  for (std::uint32_t i = 0; i < memories_.size(); ++i)
    for (const std::uint64_t card : cards(i)) memories_[i].cards[card] = 0;
  for (const Memory& each : memories_)
    for (const auto& [begin, end] : kWindows)
      for (std::uint64_t i = begin; i < end; i += kBlock) std::ranges::copy(kPattern, each.base + i);
}

template <typename Visit>
void FakeCell::for_each_written(Visit&& visit) const {
  for (std::size_t m = 0; m < memories_.size(); ++m)
    for (const auto& [begin, end] : kWindows)
      for (std::uint64_t block = begin; block < end; block += kBlock) {
        const std::byte* const bytes = memories_[m].base + block;
        if (std::memcmp(bytes, kPattern.data(), kBlock) == 0) continue;
        for (std::uint64_t i = 0; i < kBlock; ++i)
          if (bytes[i] != kPattern[i]) visit(m, block + i);
      }
}

std::string FakeCell::check() const {
  std::string wrong;
  for_each_written([&](std::size_t m, std::uint64_t address) {
    const Memory& memory = memories_[m];
    const std::uint64_t card = address >> memory.shift;
    const bool in_slack = (address & ((std::uint64_t{1} << memory.shift) - 1)) < abi::kSlackBytes && card != 0;
    if (memory.cards[card] == 0 && !(in_slack && memory.cards[card - 1] != 0) && wrong.empty())
      wrong = fmt::format("memory {}: {:#x} was written, its card {} is not marked", m, address, card);
  });
  // What lies before the card table and behind it.
  const std::size_t cards = header_.size() - static_cast<std::size_t>(-layout_.cards());
  const std::size_t behind = layout_.has_memory() ? cards + layout_.card_table_bytes() : cards;
  const auto is_as_it_was = [&](std::size_t begin, std::size_t end) {
    return std::equal(header_.data() + begin, header_.data() + end, own_.data() + begin);
  };
  if (!is_as_it_was(0, cards) || !is_as_it_was(behind, header_.size())) return "the cell's header was written";
  return wrong;
}

std::uint64_t FakeCell::written_bytes() const {
  std::uint64_t count = 0;
  for_each_written([&](std::size_t, std::uint64_t) { ++count; });
  return count;
}

std::vector<std::uint64_t> FakeCell::cards(std::uint32_t memory) const {
  static constexpr std::array<std::uint8_t, kBlock> kNone{};
  std::vector<std::uint64_t> result;
  const Memory& from = memories_[memory];
  const std::uint64_t count = abi::card_table_bytes(from.shift);
  for (std::uint64_t block = 0; block < count; block += kBlock) {
    const std::uint64_t end = std::min(block + kBlock, count);
    if (std::memcmp(from.cards + block, kNone.data(), end - block) == 0) continue;
    for (std::uint64_t i = block; i < end; ++i)
      if (from.cards[i] != 0) result.push_back(i);
  }
  return result;
}

namespace {

::llvm::orc::JITTargetMachineBuilder host() {
  ::llvm::InitializeNativeTarget();
  ::llvm::InitializeNativeTargetAsmPrinter();
  return cantFail(::llvm::orc::JITTargetMachineBuilder::detectHost());
}

}  // namespace

void optimize(::llvm::Module& ir) {
  static const std::unique_ptr<::llvm::TargetMachine> machine = cantFail(host().createTargetMachine());
  ir.setDataLayout(machine->createDataLayout());
  ir.setTargetTriple(machine->getTargetTriple().str());
  for (::llvm::Function& each : ir) {
    each.addFnAttr("target-cpu", machine->getTargetCPU());
    each.addFnAttr("target-features", machine->getTargetFeatureString());
  }
  ::llvm::LoopAnalysisManager loops;
  ::llvm::FunctionAnalysisManager functions;
  ::llvm::CGSCCAnalysisManager components;
  ::llvm::ModuleAnalysisManager modules;
  ::llvm::PassBuilder builder(machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(::llvm::OptimizationLevel::O2).run(ir, modules);
}

Jit::Jit() {
  auto machine = host();
  machine.setCodeGenOptLevel(::llvm::CodeGenOptLevel::None);
  jit_ = cantFail(::llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machine)).create());
}

Jit::~Jit() = default;

void Jit::add(std::unique_ptr<::llvm::Module> ir, std::unique_ptr<::llvm::LLVMContext> context) {
  ::llvm::IRBuilder<> builder(*context);
  auto* const type = ::llvm::FunctionType::get(builder.getVoidTy(),
                                               {builder.getPtrTy(), builder.getInt64Ty(), builder.getInt64Ty()}, false);
  std::vector<::llvm::Function*> functions;
  for (::llvm::Function& each : *ir)
    if (!each.isDeclaration() && each.getName().starts_with("f")) functions.push_back(&each);
  for (::llvm::Function* const each : functions) {
    auto* const run =
        ::llvm::Function::Create(type, ::llvm::GlobalValue::ExternalLinkage, "run" + each->getName().drop_front(), *ir);
    builder.SetInsertPoint(::llvm::BasicBlock::Create(*context, "", run));
    auto* const call = builder.CreateCall(each, {run->getArg(1), run->getArg(2), run->getArg(0)});
    call->setCallingConv(each->getCallingConv());
    call->addParamAttr(2, ::llvm::Attribute::SwiftSelf);
    builder.CreateRetVoid();
  }
  ir->setDataLayout(jit_->getDataLayout());
  cantFail(jit_->addIRModule(::llvm::orc::ThreadSafeModule(std::move(ir), std::move(context))));
}

Jit::Entry Jit::entry(std::uint32_t function) {
  return cantFail(jit_->lookup("run" + std::to_string(function))).toPtr<Entry>();
}

}  // namespace anew::codegen::optimizing
