;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A guest that calls its host, for the tests and examples of the bindings. host.wasm is this, by wat2wasm --debug-names.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (import "env" "twice" (func $twice (param i64) (result i64)))
  (import "env" "call_back" (func $call_back (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello")

  (func (export "hello")
    (call $log (i32.const 16) (i32.const 5)))

  ;; Names bytes that the memory does not have.
  (func (export "hello_outside")
    (call $log (i32.const 65535) (i32.const 2)))

  (func (export "twice") (param i64) (result i64)
    (call $twice (local.get 0)))

  ;; The host may call what is below.
  (func (export "call_back") (param i32) (result i32)
    (call $call_back (local.get 0)))

  (func (export "inner") (param i32) (result i32)
    (i32.store (i32.const 0) (local.get 0))
    (i32.add (local.get 0) (i32.const 1)))

  (func (export "inner_trap")
    (unreachable)))
