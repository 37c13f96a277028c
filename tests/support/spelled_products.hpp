// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of 128 bits as compilers spell them out (wasm/spelled_product.hpp).
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace anew::test {

/// A function's body that a real module has: its locals and operators, in text.
struct SpelledProduct {
  const char* name;
  const char* locals;
  const char* operators;
};

inline constexpr SpelledProduct kSpelledProducts[] = {
    {"Clang 19, and QuickJS", "i64",
     "local.get 0 local.get 4 local.get 1 i64.mul local.get 2 local.get 3 i64.mul i64.add local.get 3 "
     "i64.const 32 i64.shr_u local.tee 2 local.get 1 i64.const 32 i64.shr_u local.tee 4 i64.mul i64.add "
     "local.get 3 i64.const 4294967295 i64.and local.tee 3 local.get 1 i64.const 4294967295 i64.and "
     "local.tee 1 i64.mul local.tee 5 i64.const 32 i64.shr_u local.get 3 local.get 4 i64.mul i64.add "
     "local.tee 3 i64.const 32 i64.shr_u i64.add local.get 3 i64.const 4294967295 i64.and local.get 2 "
     "local.get 1 i64.mul i64.add local.tee 1 i64.const 32 i64.shr_u i64.add i64.store offset=8 local.get "
     "0 local.get 1 i64.const 32 i64.shl local.get 5 i64.const 4294967295 i64.and i64.or i64.store"},
    {"the first runtimes of Kusama and Westend", "i64 i64",
     "local.get 0 local.get 3 i64.const 32 i64.shr_u local.tee 5 local.get 1 i64.const 32 i64.shr_u "
     "local.tee 6 i64.mul local.get 3 local.get 2 i64.mul i64.add local.get 4 local.get 1 i64.mul i64.add "
     "local.get 3 i64.const 4294967295 i64.and local.tee 3 local.get 1 i64.const 4294967295 i64.and "
     "local.tee 1 i64.mul local.tee 4 i64.const 32 i64.shr_u local.get 3 local.get 6 i64.mul i64.add "
     "local.tee 3 i64.const 32 i64.shr_u i64.add local.get 3 i64.const 4294967295 i64.and local.get 5 "
     "local.get 1 i64.mul i64.add local.tee 3 i64.const 32 i64.shr_u i64.add i64.store offset=8 local.get "
     "0 local.get 3 i64.const 32 i64.shl local.get 4 i64.const 4294967295 i64.and i64.or i64.store"},
    {"Rust 1.95", "i64 i64 i64 i64 i64 i64",
     "local.get 0 local.get 3 i64.const 4294967295 i64.and local.tee 5 local.get 1 i64.const 4294967295 "
     "i64.and local.tee 6 i64.mul local.tee 7 local.get 3 i64.const 32 i64.shr_u local.tee 8 local.get 6 "
     "i64.mul local.tee 6 local.get 5 local.get 1 i64.const 32 i64.shr_u local.tee 9 i64.mul i64.add "
     "local.tee 5 i64.const 32 i64.shl i64.add local.tee 10 i64.store local.get 0 local.get 8 local.get 9 "
     "i64.mul local.get 5 local.get 6 i64.lt_u i64.extend_i32_u i64.const 32 i64.shl local.get 5 i64.const "
     "32 i64.shr_u i64.or i64.add local.get 10 local.get 7 i64.lt_u i64.extend_i32_u i64.add local.get 4 "
     "local.get 1 i64.mul local.get 3 local.get 2 i64.mul i64.add i64.add i64.store offset=8"},
    {"a runtime of Rococo", "i64 i64 i64 i64 i64 i64",
     "local.get 0 local.get 3 i64.const 4294967295 i64.and local.tee 5 local.get 1 i64.const 4294967295 "
     "i64.and local.tee 6 i64.mul local.tee 7 local.get 3 i64.const 32 i64.shr_u local.tee 8 local.get 6 "
     "i64.mul local.tee 6 local.get 5 local.get 1 i64.const 32 i64.shr_u local.tee 9 i64.mul i64.add "
     "local.tee 5 i64.const 32 i64.shl i64.add local.tee 10 i64.store local.get 0 local.get 8 local.get 9 "
     "i64.mul local.get 4 local.get 1 i64.mul local.get 3 local.get 2 i64.mul i64.add i64.add local.get 5 "
     "local.get 6 i64.lt_u i64.extend_i32_u i64.const 32 i64.shl local.get 5 i64.const 32 i64.shr_u i64.or "
     "i64.add local.get 10 local.get 7 i64.lt_u i64.extend_i32_u i64.add i64.store offset=8"},
    {"Ruby: Clang for WASI, then wasm-opt", "i64 i64 i64 i64 i64 i64",
     "local.get 3 i64.const 4294967295 i64.and local.tee 5 local.get 1 i64.const 4294967295 i64.and "
     "local.tee 6 i64.mul local.set 7 local.get 0 local.get 7 local.get 1 i64.const 32 i64.shr_u local.tee "
     "8 local.get 5 i64.mul local.tee 9 local.get 3 i64.const 32 i64.shr_u local.tee 10 local.get 6 "
     "i64.mul i64.add local.tee 5 i64.const 32 i64.shl i64.add local.tee 6 i64.store local.get 0 local.get "
     "1 local.get 4 i64.mul local.get 2 local.get 3 i64.mul i64.add local.get 6 local.get 7 i64.lt_u "
     "i64.extend_i32_u local.get 8 local.get 10 i64.mul local.get 5 local.get 9 i64.lt_u i64.extend_i32_u "
     "i64.const 32 i64.shl local.get 5 i64.const 32 i64.shr_u i64.or i64.add i64.add i64.add i64.store "
     "offset=8"},
    {"a product of two i64, high half first", "i64 i64 i64 i64",
     "local.get 0 local.get 2 i64.const 4294967295 i64.and local.tee 3 local.get 1 i64.const 32 i64.shr_u "
     "local.tee 4 i64.mul local.tee 5 i64.const 4294967295 i64.and local.get 2 i64.const 32 i64.shr_u "
     "local.tee 2 local.get 1 i64.const 4294967295 i64.and local.tee 1 i64.mul local.tee 6 i64.const "
     "4294967295 i64.and i64.add local.get 1 local.get 3 i64.mul local.tee 1 i64.const 32 i64.shr_u "
     "i64.add local.tee 3 i64.const 32 i64.shl local.get 1 i64.const 4294967295 i64.and i64.or i64.store "
     "offset=8 local.get 0 local.get 2 local.get 4 i64.mul local.get 5 i64.const 32 i64.shr_u i64.add "
     "local.get 6 i64.const 32 i64.shr_u i64.add local.get 3 i64.const 32 i64.shr_u i64.add i64.store"},
    {"Polkadot", "i32 i64 i64 i64",
     "global.get 0 i32.const 16 i32.sub local.tee 5 global.set 0 local.get 1 local.get 2 call $low "
     "i64.const 4294967295 i64.and local.get 3 local.get 4 call $low i64.const 4294967295 i64.and call "
     "$multiply local.set 6 local.get 1 local.get 2 call $low i64.const 32 i64.shr_u local.get 3 local.get "
     "4 call $low i64.const 4294967295 i64.and call $multiply local.get 6 i64.const 32 i64.shr_u i64.add "
     "local.tee 7 i64.const 32 i64.shr_u call $same local.set 8 local.get 5 local.get 3 local.get 4 call "
     "$low i64.const 32 i64.shr_u local.get 1 local.get 2 call $low i64.const 4294967295 i64.and call "
     "$multiply local.get 7 i64.const 4294967295 i64.and i64.add local.tee 7 i64.const 32 i64.shl "
     "local.get 6 i64.const 4294967295 i64.and i64.or local.get 8 local.get 7 i64.const 32 i64.shr_u call "
     "$same i64.add local.get 1 local.get 2 call $low i64.const 32 i64.shr_u local.get 3 local.get 4 call "
     "$low i64.const 32 i64.shr_u call $multiply call $same i64.add local.get 1 local.get 2 call $high "
     "local.get 3 local.get 4 call $low call $same call $multiply call $add local.get 1 local.get 2 call "
     "$low call $same local.get 3 local.get 4 call $high call $multiply call $add call $store local.get 5 "
     "i64.load local.set 3 local.get 0 local.get 5 i32.const 8 i32.add i64.load i64.store offset=8 "
     "local.get 0 local.get 3 i64.store local.get 5 i32.const 16 i32.add global.set 0"},
};

/// Whether the factors are i128, of two i64 each.
inline bool has_high_halves(const SpelledProduct& product) {
  return !std::string_view(product.name).contains("two i64");
}

/// A module that exports it. @param operators  its own, or others in their place. @param more  functions behind it.
inline std::string text_of(const SpelledProduct& product, std::string_view operators, std::string_view more = {}) {
  return fmt::format(R"((module
      (memory (export "memory") 1)
      (global $stack (export "stack") (mut i32) (i32.const 4096))
      (func $low (param i64 i64) (result i64) local.get 0)
      (func $high (param i64 i64) (result i64) local.get 1)
      (func $same (param i64) (result i64) local.get 0)
      (func $add (param i64 i64) (result i64) local.get 1 local.get 0 i64.add)
      (func $multiply (param i64 i64) (result i64) local.get 1 local.get 0 i64.mul)
      (func $store (param i32 i64 i64)
        local.get 0 local.get 2 i64.store offset=8 local.get 0 local.get 1 i64.store)
      (type $product (func (param i32 {})))
      (func $product (export "product") (type $product) (local {}) {})
      {}))",
                     has_high_halves(product) ? "i64 i64 i64 i64" : "i64 i64", product.locals, operators, more);
}

}  // namespace anew::test
