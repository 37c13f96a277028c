;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A guest that imports a global, a table, a memory, and a function of another guest, for the tests of the bindings.
;; imports.wasm is this, by wat2wasm --debug-names.
(module
  (import "env" "global" (global $global i64))
  (import "env" "table" (table 1 funcref))
  (import "env" "memory" (memory 1))
  (import "plain" "next" (func $next (result i32)))
  (export "global" (global $global))
  (export "memory" (memory 0))
  (func (export "next_of_plain") (result i32)
    (call $next)))
