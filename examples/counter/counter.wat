;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A counter that starts at 0 in every instance. main.cpp holds this module as `wat2wasm counter.wat` translates it.
(module
  (import "env" "step" (func $step (result i32)))
  (memory 1)
  (func (export "next") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (call $step)))
    (i32.load (i32.const 0))))
