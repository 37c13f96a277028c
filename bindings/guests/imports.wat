;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A guest that imports globals, a table, a memory, and a function of another guest, for the tests of the bindings.
;; imports.wasm is this, by wat2wasm --debug-names.
(module
  (import "env" "global" (global $global i64))
  (import "env" "count" (global $count (mut i32)))
  (import "env" "table" (table 1 funcref))
  (import "env" "memory" (memory 1))
  (import "plain" "next" (func $next (result i32)))
  (export "global" (global $global))
  (export "memory" (memory 0))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))
  (func (export "next_of_plain") (result i32)
    (call $next)))
