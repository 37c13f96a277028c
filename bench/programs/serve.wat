;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Answers a request as a small program would: writes to 16 stretches of its memory, each on another page, then a header
;; and a few words. It may be started again in the same instance.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "\10\00\00\00\20\00\00\00")
  (data (i32.const 16) "Content-Type: text/plain\0a\0ahello\0a")
  (func (export "_start") (local $page i32)
    (loop $next
      (i32.store (i32.add (i32.const 65536) (i32.shl (local.get $page) (i32.const 12)))
        (i32.add (local.get $page)
          (i32.load (i32.add (i32.const 65536) (i32.shl (local.get $page) (i32.const 12))))))
      (br_if $next (i32.lt_u (local.tee $page (i32.add (local.get $page) (i32.const 1))) (i32.const 16))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
