// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/mixing_program.hpp"

#include <fmt/format.h>

namespace anew::test {

std::string mixing_program() {
  std::string parameters;
  std::string arguments;
  std::string sums;
  std::string results;
  std::string values;
  std::string folds;
  for (int i = 0; i < 20; ++i) {
    parameters += " i64";
    results += " i64";
    arguments += fmt::format(" (i64.add (local.get $x) (i64.const {}))", i);
    sums += fmt::format(" (local.set $s (i64.rotl (i64.xor (local.get $s) (local.get {})) (i64.const 7)))", i);
    values += fmt::format(" (i64.mul (local.get $s) (i64.const {}))", 2 * i + 1);
    folds += " i64.xor";
  }
  return fmt::format(R"((module
  (memory (export "memory") 4)
  (global $count (mut i64) (i64.const 0))
  (table funcref (elem $many $other))
  (type $many (func (param{0}) (result{2})))
  (func $many (type $many) (local $s i64) {3} {4})
  (func $other (type $many) (local $s i64) (local.set $s (i64.const 99)) {3} {4})
  (func $step (param $x i64) (result i64)
    (call_indirect (type $many) {1} (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 1)))
    {5})
  (func (export "mix") (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $c i32) (local $i i32) (local $f f64) (local $g f32) (local $v v128)
    (local.set $a (i64.const 0x9E3779B97F4A7C15))
    (local.set $f (f64.const 1.5))
    (local.set $v (v128.const i64x2 1 2))
    (loop $again
      (local.set $a (i64.add (i64.rotl (local.get $a) (i64.const 13)) (local.get $n)))
      (local.set $b (select (i64.sub (local.get $b) (local.get $a)) (i64.xor (local.get $b) (local.get $a))
                            (i64.lt_u (local.get $a) (local.get $b))))
      (local.set $f (f64.add (f64.mul (local.get $f) (f64.const 0.75)) (f64.convert_i32_u (local.get $c))))
      (local.set $g (f32.add (local.get $g) (f32.demote_f64 (local.get $f))))
      (local.set $v (i64x2.add (i64x2.mul (local.get $v) (v128.const i64x2 3 5)) (i64x2.splat (local.get $a))))
      (local.set $c (i32.and (i32.wrap_i64 (local.get $b)) (i32.const 0x3FFF0)))
      (v128.store (local.get $c) (local.get $v))
      (i64.store8 (i32.xor (local.get $c) (i32.const 0x155)) (local.get $a))
      (global.set $count (i64.add (global.get $count) (i64.load (local.get $c))))
      (local.set $i (i32.const 50))
      (loop $short
        (local.set $b (i64.mul (i64.add (local.get $b) (i64.const 1)) (i64.const 6364136223846793005)))
        (br_if $short (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (local.set $b (i64.xor (local.get $b) (call $step (local.get $a))))
      (br_if $again (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (memory.fill (i32.const 0x20000) (local.get $c) (i32.const 0x10000))
    (i64.xor (i64.xor (local.get $b) (global.get $count))
      (i64.xor (i64.reinterpret_f64 (local.get $f))
        (i64.xor (i64.extend_i32_u (i32.reinterpret_f32 (local.get $g)))
          (i64.xor (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)))))))
  (func $deep (param $n i64) (result i64)
    (if (result i64) (i64.lt_u (local.get $n) (i64.const 2)) (then (i64.const 1))
      (else (i64.add (i64.mul (call $deep (i64.sub (local.get $n) (i64.const 1))) (i64.const 3))
                     (call $deep (i64.sub (local.get $n) (i64.const 2)))))))
  (func (export "deep") (param $n i64) (result i64) (local $i i64) (local $s i64)
    (loop $again
      (local.set $s (i64.add (local.get $s) (call $deep (local.get $n))))
      (br_if $again (i64.ne (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 100))))
    (local.get $s))
  (func (export "spin") (param i64) (result i64) (i64.store (i32.const 8) (i64.const 77)) (loop (br 0)) unreachable)
  (func (export "plain") (param i64) (result i64) (i64.add (i64.load (i32.const 8)) (local.get 0)))))",
                     parameters, arguments, results, sums, values, folds.substr(std::string(" i64.xor").size()));
}

}  // namespace anew::test
