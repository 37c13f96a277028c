;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (memory 1)
  (global $calls (export "calls") (mut i32) (i32.const 0))

  ;; How often it was called in this instance.
  (func (export "next") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0)))

  (func $quotient (param $n i32) (param $d i32) (result i32)
    (i32.div_s (local.get $n) (local.get $d)))

  ;; Quotient and remainder.
  (func $divide (export "divide") (param $n i32) (param $d i32) (result i32 i32)
    (call $quotient (local.get $n) (local.get $d))
    (i32.rem_s (local.get $n) (local.get $d))))
