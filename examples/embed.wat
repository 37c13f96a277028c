;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (import "env" "print" (func $print (param $address i32) (param $size i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello from the guest")
  (global $calls (mut i32) (i32.const 0))

  (func (export "greet")
    (call $print (i32.const 16) (i32.const 20)))

  ;; How often it was called in this instance.
  (func (export "next") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (global.get $calls))

  ;; Prints what the host wrote behind the greeting.
  (func (export "echo") (param $size i32)
    (call $print (i32.const 64) (local.get $size)))

  (func $divide (export "divide") (param $n i32) (param $d i32) (result i32)
    (i32.div_s (local.get $n) (local.get $d)))

  (func (export "forever") (loop (br 0))))
