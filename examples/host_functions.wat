;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Greets people whose full names the host knows. A string is an address and a number of bytes.
(module
  (import "env" "log" (func $log (param $text i32) (param $bytes i32)))
  ;; The full name, in memory that the host had `allocate` make: its address in the upper half, its bytes in the lower.
  (import "env" "full_name" (func $full_name (param $name i32) (param $bytes i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "Hello, looking one up")
  (global $free (mut i32) (i32.const 1024))

  ;; Memory for a string of the host.
  (func $allocate (export "allocate") (param $bytes i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get $bytes))))

  ;; The greeting: its address in the upper half, its bytes in the lower.
  (func (export "greet") (param $name i32) (param $bytes i32) (result i64)
    (local $full i64) (local $full_bytes i32) (local $text i32)
    (call $log (i32.const 7) (i32.const 14))
    (local.set $full (call $full_name (local.get $name) (local.get $bytes)))
    (local.set $full_bytes (i32.wrap_i64 (local.get $full)))
    (local.set $text (call $allocate (i32.add (i32.const 7) (local.get $full_bytes))))
    (memory.copy (local.get $text) (i32.const 0) (i32.const 7))
    (memory.copy (i32.add (local.get $text) (i32.const 7))
                 (i32.wrap_i64 (i64.shr_u (local.get $full) (i64.const 32))) (local.get $full_bytes))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $text)) (i64.const 32))
      (i64.extend_i32_u (i32.add (i32.const 7) (local.get $full_bytes))))))
