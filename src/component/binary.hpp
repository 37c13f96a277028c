// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A component as its binary says it: definitions in their order, which name others by their indices (component model,
// design/mvp/Binary.md). decode() makes it, validate() looks at it, and plan.hpp puts it together with what it
// imports. Everything that WASI 0.2 needs is there; values, `start`, async and threads are refused by name.
//
// Reading order of this folder: this header, decoder.hpp, validator.hpp, types.hpp (types as the ABI sees them),
// abi.hpp (lifting and lowering), plan.hpp (nested components put together to one list of core instances),
// component.cpp (pools and calls).
#pragma once

#include <anew/error.hpp>
#include <anew/types.hpp>
#include <anew/value.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "wasm/module.hpp"

namespace anew::component::binary {

/// Index spaces. Those of core items belong to a component just like the others.
enum class Sort : std::uint8_t {
  kCoreFunction,
  kCoreTable,
  kCoreMemory,
  kCoreGlobal,
  kCoreTag,
  kCoreType,
  kCoreModule,
  kCoreInstance,
  kFunction,
  kValue,
  kType,
  kComponent,
  kInstance,
};

struct Item {
  Sort sort;
  std::uint32_t index;
};

enum class Primitive : std::uint8_t {
  kBool,
  kS8,
  kU8,
  kS16,
  kU16,
  kS32,
  kU32,
  kS64,
  kU64,
  kF32,
  kF64,
  kChar,
  kString,
};

/// A primitive type or the index of a type.
using ValueType = std::variant<Primitive, std::uint32_t>;

struct Field {
  std::string name;
  ValueType type;
};
struct Case {
  std::string name;
  std::optional<ValueType> type;
};
struct Record {
  std::vector<Field> fields;
};
struct Variant {
  std::vector<Case> cases;
};
struct List {
  ValueType element;
};
struct Tuple {
  std::vector<ValueType> types;
};
struct Flags {
  std::vector<std::string> names;
};
struct Enum {
  std::vector<std::string> names;
};
struct Option {
  ValueType type;
};
struct ResultType {
  std::optional<ValueType> ok;
  std::optional<ValueType> error;
};
struct Own {
  std::uint32_t resource;
};
struct Borrow {
  std::uint32_t resource;
};
struct FunctionType {
  std::vector<Field> parameters;
  std::optional<ValueType> result;
};
/// Its representation is i32.
struct ResourceType {
  std::optional<std::uint32_t> destructor;  ///< a core function
};

struct ComponentType;
struct InstanceType;
using TypeDefinition =
    std::variant<Primitive, Record, Variant, List, Tuple, Flags, Enum, Option, ResultType, Own, Borrow, FunctionType,
                 ResourceType, std::unique_ptr<ComponentType>, std::unique_ptr<InstanceType>>;

struct CoreExportAlias {
  Sort sort;  ///< a core one
  std::uint32_t instance;
  std::string name;
};
struct ExportAlias {
  Sort sort;
  std::uint32_t instance;
  std::string name;
};
struct OuterAlias {
  Sort sort;            ///< kCoreModule, kCoreType, kType or kComponent
  std::uint32_t count;  ///< enclosing components to go out; 0: this one
  std::uint32_t index;
};
using Alias = std::variant<CoreExportAlias, ExportAlias, OuterAlias>;

/// `(type (sub resource))`.
struct AnyResource {};
/// `(type (eq N))`.
struct EqualType {
  std::uint32_t type;
};
/// What an import or export is: the sort says what the index of its type means.
struct ExternalType {
  Sort sort;                                        ///< kCoreModule, kFunction, kType, kComponent or kInstance
  std::uint32_t type = 0;                           ///< of all but kType; a core type's index for kCoreModule
  std::variant<AnyResource, EqualType> bound = {};  ///< of kType
};
struct Import {
  std::string name;
  ExternalType type;
};
/// In a type of an instance or component.
struct ExportDeclaration {
  std::string name;
  ExternalType type;
};

/// What a core module imports or exports; a function or tag by the index of its type, in the module type's index space.
using CoreExternalType = std::variant<std::uint32_t, TableType, MemoryType, GlobalType, wasm::Tag>;
struct CoreImport {
  std::string module;
  std::string name;
  CoreExternalType type;
};
struct CoreExport {
  std::string name;
  CoreExternalType type;
};
/// What the type of a core module declares, in order. Its index space of types is its own.
using CoreDeclaration = std::variant<anew::FunctionType, OuterAlias, CoreImport, CoreExport>;
struct ModuleType {
  std::vector<CoreDeclaration> declarations;
};
/// A core function's type, or a core module's.
using CoreType = std::variant<anew::FunctionType, ModuleType>;

/// What the types of instances and components declare, in order; each has index spaces of its own.
using Declaration = std::variant<CoreType, TypeDefinition, Alias, Import, ExportDeclaration>;
struct InstanceType {
  std::vector<Declaration> declarations;  ///< no imports
};
struct ComponentType {
  std::vector<Declaration> declarations;
};

/// A core module: its binary, a view of the component's.
struct CoreModule {
  std::span<const std::byte> bytes;
};
struct CoreArgument {
  std::string name;
  std::uint32_t instance;
};
struct CoreInstantiate {
  std::uint32_t module;
  std::vector<CoreArgument> arguments;
};
struct NamedItem {
  std::string name;
  Item item;
};
/// An instance made of items that are there already.
struct CoreItems {
  std::vector<NamedItem> exports;
};
using CoreInstance = std::variant<CoreInstantiate, CoreItems>;

struct Instantiate {
  std::uint32_t component;
  std::vector<NamedItem> arguments;
};
struct Items {
  std::vector<NamedItem> exports;
};
using ComponentInstance = std::variant<Instantiate, Items>;

enum class StringEncoding : std::uint8_t { kUtf8, kUtf16, kLatin1OrUtf16 };
struct CanonicalOptions {
  StringEncoding encoding = StringEncoding::kUtf8;
  std::optional<std::uint32_t> memory = {};       ///< a core memory
  std::optional<std::uint32_t> realloc = {};      ///< a core function
  std::optional<std::uint32_t> post_return = {};  ///< a core function
};
/// A function of the component's, by a core function.
struct Lift {
  std::uint32_t core_function;
  CanonicalOptions options;
  std::uint32_t type;
};
/// A core function, by a function of the component's.
struct Lower {
  std::uint32_t function;
  CanonicalOptions options;
};
/// Core functions that make a handle, drop one, and tell what it represents.
struct ResourceNew {
  std::uint32_t resource;
};
struct ResourceDrop {
  std::uint32_t resource;
};
struct ResourceRepresentation {
  std::uint32_t resource;
};
using Canonical = std::variant<Lift, Lower, ResourceNew, ResourceDrop, ResourceRepresentation>;

struct Export {
  std::string name;
  Item item;
  std::optional<ExternalType> type;
};

struct Component;
/// One of these adds one index to the index space of its sort (an export too: what it exports, by a new index).
using Definition = std::variant<CoreModule, CoreInstance, CoreType, std::unique_ptr<Component>, ComponentInstance,
                                Alias, TypeDefinition, Canonical, Import, Export>;
struct Component {
  std::vector<Definition> definitions;
  std::vector<std::size_t> offsets;  ///< of each definition in the binary, for messages
};

}  // namespace anew::component::binary
