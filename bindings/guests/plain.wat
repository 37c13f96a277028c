;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A guest that imports nothing, for the tests and examples of the bindings. plain.wasm is this, by wat2wasm --debug-names.
(module
  (memory (export "memory") 1 4)
  (global $calls (export "calls") (mut i32) (i32.const 0))

  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))

  ;; Counts in memory and in a global: 1 in every instance as new.
  (func (export "next") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0)))

  ;; Quotient and remainder.
  (func $divide (export "divide") (param i32 i32) (result i32 i32)
    (i32.div_u (local.get 0) (local.get 1))
    (i32.rem_u (local.get 0) (local.get 1)))

  (func (export "mix") (param i32 i64 f32 f64) (result f64)
    (f64.add
      (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)))
      (f64.add (f64.promote_f32 (local.get 2)) (local.get 3))))

  (func (export "add_vectors") (param v128 v128) (result v128)
    (i64x2.add (local.get 0) (local.get 1)))

  (func (export "reference") (param externref) (result externref)
    (local.get 0))

  (func (export "peek") (param i32) (result i32)
    (i32.load8_u (local.get 0)))

  (func (export "grow") (param i32) (result i32)
    (memory.grow (local.get 0)))

  (func (export "nothing"))

  ;; For a prelude: what it writes is in the snapshot.
  (func (export "prepare")
    (i32.store (i32.const 0) (i32.const 100)))

  (func $spin (export "spin")
    (loop $again (br $again)))

  (func (export "unreachable")
    (unreachable))

  (func $recurse (export "recurse")
    (call $recurse)))
