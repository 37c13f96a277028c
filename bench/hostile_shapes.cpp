// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hostile_shapes.hpp"

#include <fmt/format.h>

namespace anew::bench {
namespace {

// Operators, where their names help.
enum : int {
  kUnreachable = 0x00,
  kBlock = 0x02,
  kLoop = 0x03,
  kIf = 0x04,
  kElse = 0x05,
  kEnd = 0x0B,
  kBr = 0x0C,
  kBrIf = 0x0D,
  kBrTable = 0x0E,
  kReturn = 0x0F,
  kCall = 0x10,
  kCallIndirect = 0x11,
  kReturnCall = 0x12,
  kTryTable = 0x1F,
  kCatchAll = 0x02,
  kDrop = 0x1A,
  kSelect = 0x1B,
  kLocalGet = 0x20,
  kLocalSet = 0x21,
  kLocalTee = 0x22,
  kI32Load = 0x28,
  kI32Store = 0x36,
  kI32Const = 0x41,
  kI32Eqz = 0x45,
  kI32Add = 0x6A,
  kI32DivS = 0x6D,
  kI32TruncF64S = 0xAA,
  kEmpty = 0x40,
  // Types.
  kGroup = 0x4E,
  kSubtype = 0x50,
  kRefNull = 0x63
};

/// Sets locals 1 to `count` from local 0, so that the registers hold as many as they can.
ModuleBytes fill_registers(std::uint32_t count) {
  ModuleBytes code;
  for (std::uint32_t i = 1; i <= count; ++i)
    code.op(kLocalGet, 0).op(kI32Const, i % 64).raw({kI32Add}).op(kLocalSet, i);
  return code;
}

/// A module of one function from an i32 to an i32, with `locals` more i32 locals and a memory.
ModuleBytes one_function(std::uint32_t locals, const ModuleBytes& body) {
  ModuleBuilder module;
  module.memory(1);
  module.function(module.type({kI32}, {kI32}), ModuleBytes({1}).u(locals).raw({kI32}), body);
  return module.build();
}

ModuleBytes types(std::uint32_t count, int type) { return ModuleBytes().repeat(count, {type}); }

constexpr std::uint32_t kMany = 1'000;  // parameters and results that the limits allow

constexpr Shape kShapes[] = {
    {"straight line", 100'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i) body.raw({kLocalGet, 0, kI32Const, 5, kI32Add, kLocalSet, 0});
       return one_function(0, body.op(kLocalGet, 0));
     }},
    {"operands n deep", 100'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.repeat(n, {kLocalGet, 0, kI32Const, 1, kI32Add}).repeat(n - 1, {kI32Add});
       return one_function(0, body);
     }},
    {"references to a local, then its assignment", 100'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.repeat(n, {kLocalGet, 0}).raw({kI32Const, 1, kLocalSet, 0}).repeat(n - 1, {kI32Add});
       return one_function(0, body);
     }},
    {"references and assignments in turn", 100'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.repeat(n, {kLocalGet, 0, kI32Const, 1, kLocalSet, 0}).repeat(n - 1, {kI32Add});
       return one_function(0, body);
     }},
    {"local.tee n times", 400'000,
     [](std::uint32_t n) {
       ModuleBytes body{kLocalGet, 0};
       for (std::uint32_t i = 0; i < n; ++i) body.op(kLocalTee, i % 40);
       return one_function(40, body);
     }},
    {"50,000 locals across n branches", 20'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i) {
         body.op(kLocalGet, i * 7919 % 49'999).op(kLocalSet, i * 104'729 % 49'999);
         body.raw({kLocalGet, 0, kIf, kEmpty}).op(kLocalGet, i % 49'999).op(kLocalSet, (i + 1) % 49'999).raw({kEnd});
       }
       return one_function(49'999, body.op(kLocalGet, 0));
     }},
    {"n functions of 50,000 locals", 10'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t type = module.type({}, {});
       for (std::uint32_t i = 0; i < n; ++i) module.function(type, ModuleBytes({1}).u(50'000).raw({kI32}), {});
       return module.build();
     }},
    {"n small functions", 100'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t type = module.type({kI32}, {kI32});
       for (std::uint32_t i = 0; i < n; ++i) module.function(type, {0}, {kLocalGet, 0});
       return module.build();
     }},
    {"n blocks in a row", 130'000,
     [](std::uint32_t n) {
       return one_function(0, ModuleBytes().repeat(n, {kBlock, kEmpty, kLocalGet, 0, kBrIf, 0, kEnd}).op(kLocalGet, 0));
     }},
    {"n loops in a row, registers full", 80'000,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       for (std::uint32_t i = 0; i < n; ++i)
         body.raw({kLoop, kEmpty}).op(kLocalGet, i % 30).op(kLocalSet, i * 7 % 30).raw({kLocalGet, 0, kBrIf, 0, kEnd});
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"n ifs in a row, registers full", 60'000,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       for (std::uint32_t i = 0; i < n; ++i) {
         body.op(kLocalGet, i % 30).raw({kIf, kEmpty}).op(kLocalGet, i % 29).op(kLocalSet, i * 7 % 30).raw({kElse});
         body.op(kLocalGet, i % 23).op(kLocalSet, i * 11 % 30).raw({kEnd});
       }
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"blocks n deep", 12'500,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.repeat(n, {kBlock, kEmpty});
       for (std::uint32_t i = 0; i < n; ++i) body.op(kLocalGet, i % 30).op(kBrIf, n - 1 - i);
       return one_function(30, body.repeat(n, {kEnd}).op(kLocalGet, 0));
     }},
    {"loops n deep", 12'500,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.repeat(n, {kLoop, kEmpty});
       for (std::uint32_t i = 0; i < n; ++i) body.op(kLocalGet, i % 30).op(kBrIf, n - 1 - i);
       return one_function(30, body.repeat(n, {kEnd}).op(kLocalGet, 0));
     }},
    {"ifs n deep", 12'500,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       for (std::uint32_t i = 0; i < n; ++i)
         body.op(kLocalGet, i % 30).raw({kIf, kEmpty}).op(kLocalGet, i % 7).op(kLocalSet, 9);
       for (std::uint32_t i = 0; i < n; ++i) body.raw({kElse}).op(kLocalGet, i % 30).op(kLocalSet, i % 13).raw({kEnd});
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"blocks n deep around operands", 12'500,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.repeat(n, {kLocalGet, 0, kI32Const, 1, kI32Add, kBlock, kEmpty}).repeat(n, {kEnd, kDrop});
       return one_function(0, body.op(kLocalGet, 0));
     }},
    {"n branches to one label", 230'000,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.raw({kBlock, kEmpty}).repeat(n, {kLocalGet, 0, kBrIf, 0}).raw({kEnd});
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"n branches that must move registers", 100'000,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.raw({kBlock, kEmpty, kLocalGet, 0, kBrIf, 0});
       for (std::uint32_t i = 0; i < n; ++i)
         body.op(kLocalGet, i * 7 % 30).op(kLocalSet, i * 11 % 30).raw({kLocalGet, 0, kBrIf, 0});
       return one_function(30, body.raw({kEnd}).op(kLocalGet, 0));
     }},
    {"a br_table of n targets, one label", 8'190,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.raw({kBlock, kEmpty}).op(kLocalGet, 0).op(kBrTable, n - 1).repeat(n, {0}).raw({kEnd});
       return one_function(0, body.op(kLocalGet, 0));
     }},
    {"a br_table of n targets, n labels", 8'190,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.repeat(n, {kBlock, kEmpty}).op(kLocalGet, 0).op(kBrTable, n - 1);
       for (std::uint32_t i = 0; i < n; ++i) body.u(i);
       return one_function(30, body.repeat(n, {kEnd}).op(kLocalGet, 0));
     }},
    {"n br_tables of 3 targets", 50'000,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       for (std::uint32_t i = 0; i < n; ++i) {
         body.raw({kBlock, kEmpty, kBlock, kEmpty, kLocalGet, 0, kBrTable, 2, 0, 1, 0, kEnd});
         body.op(kLocalGet, i % 29).op(kLocalSet, i * 7 % 30).raw({kEnd});
       }
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"n br_tables to 30 labels that registers must be moved for", 1'000,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.repeat(30, {kBlock, kEmpty});
       for (std::uint32_t i = 0; i < 30; ++i)
         body.op(kLocalGet, i).op(kLocalSet, i * 7 % 30).op(kLocalGet, 0).op(kBrIf, i);
       for (std::uint32_t i = 0; i < n; ++i) {
         body.raw({kBlock, kEmpty}).op(kLocalGet, 0).op(kBrTable, 30);
         for (std::uint32_t target = 0; target <= 30; ++target) body.u(target);
         body.raw({kEnd});
       }
       return one_function(30, body.repeat(30, {kEnd}).op(kLocalGet, 0));
     }},
    {"n blocks of 1,000 parameters and results", 10'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       ModuleBytes body;
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       for (std::uint32_t i = 0; i < n; ++i) body.op(kBlock, values).raw({kEnd});
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n loops of 1,000 parameters", 10'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       ModuleBytes body;
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       for (std::uint32_t i = 0; i < n; ++i) body.op(kLoop, values).op(kLocalGet, 0).op(kBrIf, 0).raw({kEnd});
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n branches with 1,000 values in place", 10'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       ModuleBytes body;
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       body.op(kBlock, values).repeat(n, {kLocalGet, 0, kBrIf, 0}).raw({kEnd});
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n branches with 1,000 values to move", 1'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       const std::uint32_t results = module.type({}, types(kMany, kI32));
       ModuleBytes body;
       body.op(kBlock, results).op(kLocalGet, 0);  // below the values: all of them must move down by one
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       module.function(values, {0}, body.repeat(n, {kLocalGet, 0, kBrIf, 0}).raw({kBr, 0, kEnd}));
       return module.build();
     }},
    {"a br_table of n targets, 1,000 values to move", 8'190,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       const std::uint32_t results = module.type({}, types(kMany, kI32));
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i) body.op(kBlock, results);
       body.op(kLocalGet, 0);
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       body.op(kLocalGet, 0).op(kBrTable, n - 1);
       for (std::uint32_t i = 0; i < n; ++i) body.u(i);
       for (std::uint32_t i = 0; i < n; ++i) {
         body.raw({kEnd});
         if (i + 1 < n) body.raw({kBr, 0});
       }
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n calls of 1,000 parameters and results", 1'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       ModuleBytes body;
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       for (std::uint32_t i = 0; i < n; ++i) body.op(kCall, 0);
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n times 1,000 constants passed to a call", 250,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t takes = module.type(types(kMany, kI32), {});
       const std::uint32_t nothing = module.type({}, {});
       module.function(takes, {0}, {});
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i) body.repeat(kMany, {kI32Const, 7}).op(kCall, 0);
       module.function(nothing, {0}, body);
       return module.build();
     }},
    {"n returns of 1,000 results", 10'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), types(kMany, kI32));
       ModuleBytes body;
       for (std::uint32_t i = 0; i < kMany; ++i) body.op(kLocalGet, i);
       body.repeat(n, {kLocalGet, 0, kBrIf, 0});
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n calls", 200'000,
     [](std::uint32_t n) { return one_function(0, ModuleBytes().op(kLocalGet, 0).repeat(n, {kCall, 0})); }},
    {"n indirect calls, registers full", 100'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       module.table(1);
       const std::uint32_t type = module.type({kI32}, {kI32});
       ModuleBytes body = fill_registers(30);
       body.op(kLocalGet, 0).repeat(n, {kLocalGet, 0, kCallIndirect, 0, 0});
       module.function(type, ModuleBytes({1}).u(30).raw({kI32}), body);
       return module.build();
     }},
    {"n stores", 100'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i)
         body.op(kLocalGet, i % 30).op(kLocalGet, i % 7).op(kI32Store, 2).u(i % 9'000);
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"n divisions and conversions, each with two traps", 60'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i)
         body.raw({kLocalGet, 0, kLocalGet, 1, kI32DivS, 0xB7, kI32TruncF64S, kLocalSet, 0});
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"n floating-point constants", 60'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.repeat(n, {0x44, 1, 2, 3, 4, 5, 6, 7, 8, kDrop, kLocalGet, 0, kI32Eqz, kDrop});
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"n selects", 180'000,
     [](std::uint32_t n) {
       return one_function(2, ModuleBytes().op(kLocalGet, 0).repeat(n, {kLocalGet, 1, kLocalGet, 2, kSelect}));
     }},
    {"unreachable, then n branches with 1,000 values", 10'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type({}, types(kMany, kI32));
       module.function(values, {0}, ModuleBytes({kUnreachable}).repeat(n, {kI32Const, 0, kBrIf, 0}));
       return module.build();
     }},
    {"unreachable, then n operators", 300'000,
     [](std::uint32_t n) {
       return one_function(0, ModuleBytes({kUnreachable}).repeat(n, {kI32Add, kI32Eqz, kSelect}));
     }},
    {"unreachable, then blocks n deep", 12'500,
     [](std::uint32_t n) {
       return one_function(0, ModuleBytes({kUnreachable}).repeat(n, {kBlock, kEmpty}).repeat(n, {kEnd}));
     }},
    {"n types", 100'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       for (std::uint32_t i = 0; i < n; ++i) {
         ModuleBytes parameters;
         for (std::uint32_t digits = i; digits != 0; digits >>= 2)
           parameters.raw({kF64 + static_cast<int>(digits & 3)});
         module.type(parameters, {});
       }
       return module.build();
     }},
    {"a recursive group of n types", 50'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       ModuleBytes group({kGroup});
       group.u(n);
       for (std::uint32_t i = 0; i < n; ++i) group.raw({0x60, 1, kRefNull}).s((i * 7919ull) % n).raw({0});
       module.type_entry(group);
       return module.build();
     }},
    {"n recursive groups that differ in their last type", 500,
     [](std::uint32_t n) {
       ModuleBuilder module;
       for (std::uint32_t i = 0; i < n; ++i) {
         ModuleBytes group({kGroup, 101});
         group.repeat(100, {0x60, 4, kI32, kF64, kI32, kF64, 0}).raw({0x60, 1, kRefNull});
         module.type_entry(group.s(i == 0 ? 0 : 101 * (i - 1)).raw({0}));
       }
       return module.build();
     }},
    {"n types, 63 below one another", 50'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       for (std::uint32_t i = 0; i < n; ++i) {
         ModuleBytes entry({kSubtype});
         if (i % 64 == 0)
           entry.raw({0});
         else
           entry.raw({1}).u(i - 1);
         module.type_entry(entry.raw({0x60, 0, 1, kRefNull}).s(i));
       }
       return module.build();
     }},
    {"n types of 1,000 parameters and results", 500,
     [](std::uint32_t n) {
       ModuleBuilder module;
       for (std::uint32_t i = 0; i < n; ++i) module.type(types(kMany, kF64), types(kMany, kI32));
       return module.build();
     }},
    {"n imports", 50'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t type = module.type({kI32}, {kI32});
       for (std::uint32_t i = 0; i < n; ++i) module.import_function(fmt::format("f{}", i), type);
       return module.build();
     }},
    {"n imports of 1,000 parameters", 5'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t type = module.type(types(kMany, kI32), types(kMany, kI32));
       for (std::uint32_t i = 0; i < n; ++i) module.import_function(fmt::format("f{}", i), type);
       return module.build();
     }},
    {"n exports", 100'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t function = module.function(module.type({}, {}), {0}, {});
       for (std::uint32_t i = 0; i < n; ++i) module.export_function(fmt::format("f{}", i), function);
       return module.build();
     }},
    {"n globals", 100'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       for (std::uint32_t i = 0; i < n; ++i) module.global(i);
       return module.build();
     }},
    {"n data segments", 12'500,
     [](std::uint32_t n) {
       ModuleBuilder module;
       module.memory(1);
       for (std::uint32_t i = 0; i < n; ++i) module.data(i % 60'000, {1, 2, 3});
       return module.build();
     }},
    {"n element segments", 50'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       module.table(100);
       const std::uint32_t function = module.function(module.type({}, {}), {0}, {});
       for (std::uint32_t i = 0; i < n; ++i) module.elements(i % 100, ModuleBytes().u(function), 1);
       return module.build();
     }},
    {"n vector operations on 30 locals", 100'000,
     [](std::uint32_t n) {
       constexpr int kV128 = 0x7B;
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i) {
         body.op(kLocalGet, 1 + i % 30).op(kLocalGet, 1 + i * 7 % 30).raw({0xFD}).u(0xAE);  // i32x4.add
         body.op(kLocalSet, 1 + i * 11 % 30);
       }
       ModuleBuilder module;
       module.function(module.type({kI32}, {kI32}), ModuleBytes({1}).u(30).raw({kV128}), body.op(kLocalGet, 0));
       return module.build();
     }},
    {"n tail calls of 1,000 parameters", 300,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t values = module.type(types(kMany, kI32), {});
       ModuleBytes body;
       for (std::uint32_t i = 0; i < n; ++i) {
         body.raw({kLocalGet, 0, kIf, kEmpty});
         for (std::uint32_t j = 0; j < kMany; ++j) body.op(kLocalGet, (i + j) % kMany);
         body.op(kReturnCall, 0).raw({kEnd});
       }
       module.function(values, {0}, body);
       return module.build();
     }},
    {"n try_tables deep around n calls", 12'500,
     [](std::uint32_t n) {
       ModuleBytes body = fill_registers(30);
       body.repeat(n, {kBlock, kEmpty, kTryTable, kEmpty, 1, kCatchAll, 0});
       body.repeat(n, {kLocalGet, 0, kCall, 0, kLocalSet, 0}).repeat(n, {kEnd, kEnd});
       return one_function(30, body.op(kLocalGet, 0));
     }},
    {"a try_table of n handlers around n calls", 8'000,
     [](std::uint32_t n) {
       ModuleBytes body;
       body.raw({kBlock, kEmpty, kTryTable, kEmpty}).u(n).repeat(n, {kCatchAll, 0});
       body.repeat(n, {kLocalGet, 0, kCall, 0, kLocalSet, 0}).raw({kEnd, kEnd});
       return one_function(0, body.op(kLocalGet, 0));
     }},
    {"n functions that do nothing", 12'500,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t type = module.type({}, {});
       for (std::uint32_t i = 0; i < n; ++i) module.function(type, {0}, {});
       return module.build();
     }},
    {"n functions of 50,000 locals", 12'500,
     [](std::uint32_t n) {
       ModuleBuilder module;
       const std::uint32_t type = module.type({}, {});
       for (std::uint32_t i = 0; i < n; ++i) module.function(type, ModuleBytes({1}).u(50'000).raw({kI32}), {});
       return module.build();
     }},
    {"n ifs that do nothing", 100'000,
     [](std::uint32_t n) {
       return one_function(0, ModuleBytes().repeat(n, {kLocalGet, 0, kIf, kEmpty, kEnd}).op(kLocalGet, 0));
     }},
    {"n blocks that trap", 100'000,
     [](std::uint32_t n) {
       return one_function(0, ModuleBytes().repeat(n, {kBlock, kEmpty, kUnreachable, kEnd}).op(kLocalGet, 0));
     }},
    {"n custom sections", 100'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       ModuleBytes bytes = module.build();
       return bytes.repeat(n, {0, 1, 0});
     }},
    {"n types, each of a reference to the one before", 50'000,
     [](std::uint32_t n) {
       ModuleBuilder module;
       module.type({}, {});
       for (std::uint32_t i = 0; i < n; ++i) module.wide_type(1, ModuleBytes({kRefNull}).s(i));
       return module.build();
     }},
};

}  // namespace

std::span<const Shape> hostile_shapes() noexcept { return kShapes; }

}  // namespace anew::bench
