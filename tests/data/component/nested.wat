;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Two components in one that both ask the host: the outer one asks the inner one twice, and adds what the host says.
(component
  (import "ask" (func $ask (param "number" u32) (result string)))
  (component $inner
    (import "ask" (func $ask (param "number" u32) (result string)))
    (core module $libc
      (memory (export "memory") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at)))
    (core instance $libc (instantiate $libc))
    (core func $ask_lowered (canon lower (func $ask) (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")) string-encoding=utf8))
    (core module $m
      (import "" "memory" (memory 1))
      (import "" "ask" (func $ask (param i32 i32)))
      ;; What the host says, and what it says to the next number, one behind the other: the second is put where there is
      ;; room, the first moved in front of it.
      (func (export "ask-both") (param $number i32) (result i32)
        (call $ask (local.get $number) (i32.const 16))
        (call $ask (i32.add (local.get $number) (i32.const 1)) (i32.const 24))
        (memory.copy (i32.const 2048) (i32.load (i32.const 16)) (i32.load (i32.const 20)))
        (memory.copy (i32.add (i32.const 2048) (i32.load (i32.const 20))) (i32.load (i32.const 24)) (i32.load (i32.const 28)))
        (i32.store (i32.const 8) (i32.const 2048))
        (i32.store (i32.const 12) (i32.add (i32.load (i32.const 20)) (i32.load (i32.const 28))))
        (i32.const 8)))
    (core instance $i (instantiate $m (with "" (instance
      (export "ask" (func $ask_lowered)) (export "memory" (memory $libc "memory"))))))
    (func (export "ask-both") (param "number" u32) (result string)
      (canon lift (core func $i "ask-both") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))
  (component $outer
    (import "ask-both" (func $ask_both (param "number" u32) (result string)))
    (core module $libc
      (memory (export "memory") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at)))
    (core instance $libc (instantiate $libc))
    (core func $ask_both_lowered (canon lower (func $ask_both) (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")) string-encoding=utf8))
    (core module $m
      (import "" "memory" (memory 1))
      (import "" "ask-both" (func $ask_both (param i32 i32)))
      ;; How long all is that the inner one says to two numbers; the count is kept over its waits in a local.
      (func (export "count") (param $number i32) (result i32) (local $sum i32)
        (call $ask_both (local.get $number) (i32.const 16))
        (local.set $sum (i32.load (i32.const 20)))
        (call $ask_both (i32.add (local.get $number) (i32.const 2)) (i32.const 16))
        (i32.add (local.get $sum) (i32.load (i32.const 20)))))
    (core instance $i (instantiate $m (with "" (instance
      (export "memory" (memory $libc "memory")) (export "ask-both" (func $ask_both_lowered))))))
    (func (export "count") (param "number" u32) (result u32) (canon lift (core func $i "count"))))
  (instance $inner (instantiate $inner (with "ask" (func $ask))))
  (instance $outer (instantiate $outer (with "ask-both" (func $inner "ask-both"))))
  (export "count" (func $outer "count")))
