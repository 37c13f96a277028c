// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/pipeline.hpp"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/InlineCost.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Analysis/ProfileSummaryInfo.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/IPO/ElimAvailExtern.h>
#include <llvm/Transforms/IPO/FunctionAttrs.h>
#include <llvm/Transforms/IPO/Inliner.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "codegen/llvm/witnesses.hpp"

namespace anew::codegen::optimizing {
namespace {

// Pipeline::kGuest. A guest's compiler has optimized it once; what is left is to make values of locals, to see through
// addresses and flags as WebAssembly spells them out, to inline what is small, and loops. So it is LLVM's O2 without
// the passes that change no code of guests, with half as many of InstCombine, the dearest, and less inlining.

#define ANEW_COMBINE "instcombine<no-verify-fixpoint>"
#define ANEW_SIMPLIFY "simplifycfg<switch-range-to-icmp>"
#define ANEW_HOIST "loop-mssa(licm<allowspeculation>)"

/// All functions, before anything is inlined: what the inliner counts.
constexpr char kBefore[] = "sroa<modify-cfg>,early-cse," ANEW_SIMPLIFY "," ANEW_COMBINE;

/// A function whose callees are done.
constexpr char kFunction[] =
    "sroa<modify-cfg>,early-cse<memssa>,jump-threading,correlated-propagation," ANEW_SIMPLIFY "," ANEW_COMBINE
    ",reassociate,"
    "loop-mssa(licm<no-allowspeculation>,loop-rotate<header-duplication>,licm<allowspeculation>,"
    "simple-loop-unswitch<no-nontrivial;trivial>)," ANEW_SIMPLIFY "," ANEW_COMBINE
    ",loop(indvars,loop-deletion,loop-unroll-full),sroa<modify-cfg>,gvn,jump-threading,correlated-propagation,"
    "dse," ANEW_HOIST ",simplifycfg<switch-range-to-icmp;hoist-common-insts;sink-common-insts>," ANEW_COMBINE;

/// When all are done.
constexpr char kBehind[] =
    "drop-witnesses,loop-vectorize," ANEW_COMBINE
    ",simplifycfg<forward-switch-cond;switch-range-to-icmp;switch-to-lookup;no-keep-loops;hoist-common-insts;"
    "sink-common-insts>,slp-vectorizer,loop-unroll<O2>,sroa<preserve-cfg>," ANEW_COMBINE "," ANEW_HOIST
    ",instsimplify,simplifycfg<switch-range-to-icmp;speculate-unpredictables>";

/// What LLVM takes with Os. At 25 what is left out is felt; O2's 225 is for sources that nobody has inlined yet.
constexpr int kInlineThreshold = 50;

::llvm::FunctionPassManager parse(::llvm::PassBuilder& builder, const char* text) {
  ::llvm::FunctionPassManager passes;
  if (::llvm::Error error = builder.parsePassPipeline(passes, text))
    throw std::logic_error("a pipeline is not LLVM's: " + ::llvm::toString(std::move(error)));
  return passes;
}

::llvm::ModulePassManager for_guests(::llvm::PassBuilder& builder) {
  ::llvm::ModulePassManager passes;
  passes.addPass(::llvm::createModuleToFunctionPassAdaptor(parse(builder, kBefore), /*EagerlyInvalidate=*/true));
  passes.addPass(::llvm::RequireAnalysisPass<::llvm::ProfileSummaryAnalysis, ::llvm::Module>());
  ::llvm::ModuleInlinerWrapperPass inliner(::llvm::getInlineParams(kInlineThreshold), /*MandatoryFirst=*/false);
  inliner.getPM().addPass(::llvm::PostOrderFunctionAttrsPass(/*SkipNonRecursive=*/true));
  inliner.getPM().addPass(::llvm::createCGSCCToFunctionPassAdaptor(parse(builder, kFunction),
                                                                   /*EagerlyInvalidate=*/true, /*NoRerun=*/true));
  passes.addPass(std::move(inliner));
  passes.addPass(::llvm::EliminateAvailableExternallyPass());
  passes.addPass(::llvm::createModuleToFunctionPassAdaptor(parse(builder, kBehind), /*EagerlyInvalidate=*/true));
  return passes;
}

::llvm::OptimizationLevel level(Pipeline pipeline) {
  switch (pipeline) {
    case Pipeline::kO1: return ::llvm::OptimizationLevel::O1;
    case Pipeline::kO3: return ::llvm::OptimizationLevel::O3;
    case Pipeline::kOs: return ::llvm::OptimizationLevel::Os;
    case Pipeline::kO2:
    case Pipeline::kGuest: break;
  }
  return ::llvm::OptimizationLevel::O2;
}

}  // namespace

::llvm::CodeGenOptLevel code_level(Pipeline pipeline) {
  switch (pipeline) {
    case Pipeline::kO1: return ::llvm::CodeGenOptLevel::Less;
    case Pipeline::kO3: return ::llvm::CodeGenOptLevel::Aggressive;
    case Pipeline::kO2:
    case Pipeline::kOs:
    case Pipeline::kGuest: break;
  }
  return ::llvm::CodeGenOptLevel::Default;
}

::llvm::TargetLibraryInfoImpl no_library(const ::llvm::Triple& triple) {
  ::llvm::TargetLibraryInfoImpl library(triple);
  library.disableAllFunctions();
  return library;
}

void run_passes(const Unit& unit, ::llvm::TargetMachine& machine, Pipeline pipeline) {
  const ::llvm::TargetLibraryInfoImpl library = no_library(machine.getTargetTriple());
  ::llvm::LoopAnalysisManager loops;
  ::llvm::FunctionAnalysisManager functions;
  ::llvm::CGSCCAnalysisManager components;
  ::llvm::ModuleAnalysisManager modules;
  ::llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = pipeline != Pipeline::kO1;
  tuning.SLPVectorization = pipeline != Pipeline::kO1;
  ::llvm::PassBuilder builder(&machine, tuning);
  functions.registerPass([&] { return ::llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  const auto add_own = [&](::llvm::FunctionPassManager& passes) { passes.addPass(DropWitnesses(unit)); };
  builder.registerVectorizerStartEPCallback(
      [&](::llvm::FunctionPassManager& passes, ::llvm::OptimizationLevel) { add_own(passes); });
  builder.registerPipelineParsingCallback([&](::llvm::StringRef name, ::llvm::FunctionPassManager& passes,
                                              ::llvm::ArrayRef<::llvm::PassBuilder::PipelineElement>) {
    if (name == "drop-witnesses") add_own(passes);
    return name == "drop-witnesses";
  });
  for (::llvm::Function& each : unit.ir)
    if (pipeline == Pipeline::kOs && !each.isDeclaration()) each.addFnAttr(::llvm::Attribute::OptimizeForSize);
  auto passes =
      pipeline == Pipeline::kGuest ? for_guests(builder) : builder.buildPerModuleDefaultPipeline(level(pipeline));
  passes.run(unit.ir, modules);
}

}  // namespace anew::codegen::optimizing
