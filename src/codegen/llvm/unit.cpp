// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/unit.hpp"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/ConstantRange.h>
#include <llvm/IR/DIBuilder.h>

#include <string>
#include <vector>

#include "abi/x86_64/convention.hpp"
#include "abi/x86_64/features.hpp"

namespace anew::codegen::optimizing {

using ::llvm::Attribute;
using ::llvm::AttributeList;
using ::llvm::Type;

namespace {

/// What code may use, in LLVM's words.
constexpr char kFeatures[] = "+avx2,+bmi,+bmi2,+lzcnt,+popcnt,+fma,+movbe";
static_assert(abi::kBaselineFeatures ==
              (abi::feature::kAvx2 | abi::feature::kBmi1 | abi::feature::kBmi2 | abi::feature::kLzcnt |
               abi::feature::kPopcnt | abi::feature::kFma | abi::feature::kMovbe));

::llvm::FunctionType* uniform_type(::llvm::LLVMContext& context) {
  Type* const integer = Type::getInt64Ty(context);
  Type* const vector = ::llvm::FixedVectorType::get(Type::getDoubleTy(context), 2);
  Type* const pointer = ::llvm::PointerType::get(context, 0);
  std::vector<Type*> parameters(abi::kIntegerArguments, integer);
  parameters.insert(parameters.end(), abi::kFloatArguments, vector);
  parameters.insert(parameters.end(), 2, pointer);
  std::vector<Type*> results(abi::kIntegerResults, integer);
  results.insert(results.end(), abi::kFloatResults, vector);
  return ::llvm::FunctionType::get(::llvm::StructType::get(context, results), parameters, false);
}

std::vector<Type*> in_registers(::llvm::LLVMContext& context, std::span<const ValueType> types,
                                const abi::Places& places) {
  std::vector<Type*> passed;
  for (std::size_t i = 0; i < types.size(); ++i)
    if (places.places[i].kind != abi::Place::Kind::kMemory) passed.push_back(passed_type_of(context, types[i]));
  return passed;
}

/// Attributes of all functions, those that LLVM makes code of and those it only calls.
void set_attributes(const Unit& unit, ::llvm::Function& function) {
  function.setCallingConv(::llvm::CallingConv::Swift);
  function.setVisibility(::llvm::GlobalValue::HiddenVisibility);
  function.setDSOLocal(true);
  function.addFnAttr(Attribute::NoUnwind);
  function.addFnAttr("no-builtins");           // no loop becomes a call of something of the system's
  function.addFnAttr("frame-pointer", "all");  // abi/x86_64/frame.hpp
  // A call is a frame, in backtraces and for a stack's end, unless it is a tail call in the module.
  function.addFnAttr("disable-tail-calls", "true");
  // A throw pays for each function that it looks for a handler in, whosever tag it is (docs/fuel.md): none goes away.
  if (unit.options.fuel) function.addFnAttr(Attribute::NoInline);
  function.addFnAttr("probe-stack", "inline-asm");
  function.addFnAttr("stack-probe-size", "4096");  // a guest stack's guard must not be stepped over
  function.addFnAttr("target-cpu", "x86-64");
  function.addFnAttr("target-features", kFeatures);
  function.addFnAttr("tune-cpu", "generic");
}

::llvm::Function& declare(const Unit& unit, const std::string& name, ::llvm::FunctionType* type) {
  if (::llvm::Function* const found = unit.ir.getFunction(name)) return *found;
  auto* const function = ::llvm::Function::Create(type, ::llvm::GlobalValue::ExternalLinkage, name, unit.ir);
  set_attributes(unit, *function);
  return *function;
}

std::string symbol(std::uint32_t function, Shape shape) {
  return (shape == Shape::kOwn ? kFunctionSymbol : kUniformSymbol) + std::to_string(function);
}

}  // namespace

// --- Types ---

Type* type_of(::llvm::LLVMContext& context, ValueType type) {
  switch (type) {
    case ValueType::kI32: return Type::getInt32Ty(context);
    case ValueType::kF32: return Type::getFloatTy(context);
    case ValueType::kF64: return Type::getDoubleTy(context);
    case ValueType::kV128: return ::llvm::FixedVectorType::get(Type::getInt64Ty(context), 2);
    default: return Type::getInt64Ty(context);  // kI64 and references
  }
}

Type* passed_type_of(::llvm::LLVMContext& context, ValueType type) {
  return type_of(context, type == ValueType::kI32 ? ValueType::kI64 : type);
}

::llvm::FunctionType* function_type(const Unit& unit, std::uint32_t type_index, Shape shape, bool with_reference) {
  ::llvm::LLVMContext& context = unit.ir.getContext();
  if (shape == Shape::kUniform) return uniform_type(context);
  const FunctionType& type = unit.module.types[type_index];
  std::vector<Type*> parameters = in_registers(context, type.parameters, unit.arguments[type_index]);
  parameters.insert(parameters.end(), with_reference ? 2 : 1, ::llvm::PointerType::get(context, 0));
  const std::vector<Type*> results = in_registers(context, type.results, unit.results[type_index]);
  Type* const result = results.empty()       ? Type::getVoidTy(context)
                       : results.size() == 1 ? results[0]
                                             : ::llvm::StructType::get(context, results);
  return ::llvm::FunctionType::get(result, parameters, false);
}

unsigned uniform_argument(abi::Place place) {
  return place.index + (place.kind == abi::Place::Kind::kFloat ? abi::kIntegerArguments : 0);
}

unsigned uniform_result(abi::Place place) {
  return place.index + (place.kind == abi::Place::Kind::kFloat ? abi::kIntegerResults : 0);
}

AttributeList attributes_of(const Unit& unit, std::uint32_t type_index, Shape shape, bool with_reference) {
  ::llvm::LLVMContext& context = unit.ir.getContext();
  const unsigned parameters = function_type(unit, type_index, shape, with_reference)->getNumParams();
  AttributeList attributes = AttributeList().addParamAttribute(context, parameters - 1, Attribute::SwiftSelf);
  if (shape == Shape::kUniform || with_reference)
    attributes = attributes.addParamAttribute(context, parameters - 2, Attribute::Nest);
  if (shape == Shape::kUniform) return attributes;
  ::llvm::AttrBuilder is_i32(context);
  is_i32.addRangeAttr({::llvm::APInt(64, 0), ::llvm::APInt(64, std::uint64_t{1} << 32)});
  const FunctionType& type = unit.module.types[type_index];
  unsigned parameter = 0;
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    if (unit.arguments[type_index].places[i].kind == abi::Place::Kind::kMemory) continue;
    if (type.parameters[i] == ValueType::kI32) attributes = attributes.addParamAttributes(context, parameter, is_i32);
    ++parameter;
  }
  if (type.results.size() == 1 && type.results[0] == ValueType::kI32)
    attributes = attributes.addRetAttributes(context, is_i32);
  return attributes;
}

// --- What the unit declares ---

::llvm::Function& declare_function(const Unit& unit, std::uint32_t function, Shape shape) {
  const std::uint32_t type_index = unit.module.functions[function];
  const std::string name = symbol(function, shape);
  if (::llvm::Function* const found = unit.ir.getFunction(name)) return *found;
  ::llvm::Function& declared = declare(unit, name, function_type(unit, type_index, shape, false));
  const AttributeList attributes = attributes_of(unit, type_index, shape, false);
  declared.setAttributes(AttributeList::get(unit.ir.getContext(), {declared.getAttributes(), attributes}));
  return declared;
}

std::optional<std::uint32_t> function_index(const ::llvm::Function& function) {
  ::llvm::StringRef name = function.getName();
  std::uint32_t index = 0;
  if ((name.consume_front(kFunctionSymbol) || name.consume_front(kUniformSymbol)) && !name.getAsInteger(10, index))
    return index;
  return std::nullopt;
}

::llvm::Function* definition(const Unit& unit, std::uint32_t function) {
  for (const Shape shape : {Shape::kOwn, Shape::kUniform}) {
    ::llvm::Function* const found = unit.ir.getFunction(symbol(function, shape));
    if (found != nullptr && !found->isDeclaration()) return found;
  }
  return nullptr;
}

::llvm::Function& declare_trap(const Unit& unit, TrapKind kind) {
  ::llvm::LLVMContext& context = unit.ir.getContext();
  std::vector<Type*> parameters = {::llvm::PointerType::get(context, 0)};
  if (kind == TrapKind::kNone) parameters.insert(parameters.begin(), Type::getInt32Ty(context));
  ::llvm::Function& trap = declare(unit, kTrapSymbol + std::to_string(static_cast<unsigned>(kind)),
                                   ::llvm::FunctionType::get(Type::getVoidTy(context), parameters, false));
  trap.addParamAttr(static_cast<unsigned>(parameters.size() - 1), Attribute::SwiftSelf);
  trap.addFnAttr(Attribute::Cold);
  trap.addFnAttr(Attribute::NoReturn);
  trap.setOnlyReadsMemory();  // who asks what the guest left behind finds what was stored before
  return trap;
}

::llvm::GlobalVariable& entries(const Unit& unit) {
  if (::llvm::GlobalVariable* const found = unit.ir.getGlobalVariable(kEntriesSymbol)) return *found;
  Type* const pointer = ::llvm::PointerType::get(unit.ir.getContext(), 0);
  auto* const table = new ::llvm::GlobalVariable(  // belongs to the module
      unit.ir, ::llvm::ArrayType::get(pointer, unit.module.functions.size()), false,
      ::llvm::GlobalValue::ExternalLinkage, nullptr, kEntriesSymbol);
  table->setVisibility(::llvm::GlobalValue::HiddenVisibility);
  table->setDSOLocal(true);
  return *table;
}

::llvm::DISubprogram& make_subprogram(const Unit& unit, std::uint32_t function) {
  ::llvm::Module& ir = unit.ir;
  if (ir.getModuleFlag("Debug Info Version") == nullptr)
    ir.addModuleFlag(::llvm::Module::Warning, "Debug Info Version", ::llvm::DEBUG_METADATA_VERSION);
  const auto units = ir.debug_compile_units();
  ::llvm::DIBuilder builder(ir, true, units.begin() == units.end() ? nullptr : *units.begin());
  ::llvm::DIFile* const file = builder.createFile("module.wasm", "");
  if (units.begin() == units.end()) {
    builder.createCompileUnit(::llvm::dwarf::DW_LANG_C, file, "anew", true, "", 0, "",
                              ::llvm::DICompileUnit::LineTablesOnly);
  }
  // Offsets in a module are below limits::kModuleBytes.
  const auto line = static_cast<unsigned>(unit.module.bodies[function - unit.module.imported_functions].offset);
  ::llvm::DISubprogram* const subprogram = builder.createFunction(
      file, symbol(function, Shape::kOwn), "", file, line,
      builder.createSubroutineType(builder.getOrCreateTypeArray({})), line, ::llvm::DINode::FlagZero,
      ::llvm::DISubprogram::SPFlagDefinition | ::llvm::DISubprogram::SPFlagOptimized);
  builder.finalize();
  return *subprogram;
}

}  // namespace anew::codegen::optimizing
