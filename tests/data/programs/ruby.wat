;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Ruby, of the npm package @ruby/3.4-wasm-wasi, as a program: evaluates its first argument. `init` starts the interpreter, for
;; a prelude. The package's module has the interface of a host in JavaScript, by which it is called here; what it would want
;; of JavaScript itself is in canonical_abi.wat, or never called.
;;
;;   anew run --link canonical_abi=canonical_abi.wat --link ruby=ruby.wasm --trap-unknown-imports --prelude init ruby.wat 'puts 6 * 7'
(module
  (import "ruby" "memory" (memory 0))
  (import "ruby" "_initialize" (func $initialize))
  (import "ruby" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "ruby" "ruby-init: func(args: list<string>) -> ()" (func $ruby_init (param i32 i32)))
  (import "ruby" "ruby-init-loadpath: func() -> ()" (func $init_load_path))
  (import "ruby" "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>"
    (func $eval (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (export "memory" (memory 0))

  (func $allocate (param $size i32) (result i32)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $size)))

  (data $ruby "ruby\00")
  (data $bare "--disable-all\00")
  (data $option "-e0\00")
  (data $sync "$stdout.sync = true\00")

  ;; ruby-init(["ruby", "--disable-all", "-e0"]); Ruby frees what it is given.
  (func (export "init") (local $list i32) (local $text i32)
    (call $initialize)
    (local.set $list (call $allocate (i32.const 24)))
    (local.set $text (call $allocate (i32.const 5)))
    (memory.init $ruby (local.get $text) (i32.const 0) (i32.const 5))
    (i32.store (local.get $list) (local.get $text))
    (i32.store offset=4 (local.get $list) (i32.const 5))
    (local.set $text (call $allocate (i32.const 14)))
    (memory.init $bare (local.get $text) (i32.const 0) (i32.const 14))
    (i32.store offset=8 (local.get $list) (local.get $text))
    (i32.store offset=12 (local.get $list) (i32.const 14))
    (local.set $text (call $allocate (i32.const 4)))
    (memory.init $option (local.get $text) (i32.const 0) (i32.const 4))
    (i32.store offset=16 (local.get $list) (local.get $text))
    (i32.store offset=20 (local.get $list) (i32.const 4))
    (call $ruby_init (local.get $list) (i32.const 3))
    (call $init_load_path)
    (local.set $text (call $allocate (i32.const 20)))
    (memory.init $sync (local.get $text) (i32.const 0) (i32.const 20))
    (drop (call $eval (local.get $text) (i32.const 20))))

  (func (export "_start") (local $pointers i32) (local $text i32) (local $size i32) (local $result i32)
    (local.set $pointers (call $allocate (i32.const 8)))
    (drop (call $args_sizes_get (local.get $pointers) (i32.add (local.get $pointers) (i32.const 4))))
    (if (i32.ne (i32.load (local.get $pointers)) (i32.const 2)) (then (call $proc_exit (i32.const 64))))
    (local.set $size (i32.load offset=4 (local.get $pointers)))
    (local.set $text (call $allocate (local.get $size)))
    (drop (call $args_get (local.get $pointers) (local.get $text)))
    ;; Its own block, since Ruby frees it.
    (local.set $size (i32.sub (local.get $size) (i32.sub (i32.load offset=4 (local.get $pointers)) (local.get $text))))
    (local.set $result (call $allocate (local.get $size)))
    (memory.copy (local.get $result) (i32.load offset=4 (local.get $pointers)) (local.get $size))
    (local.set $result (call $eval (local.get $result) (local.get $size)))
    ;; Behind the value: 0, or how it ended.
    (if (i32.load offset=4 (local.get $result)) (then (call $proc_exit (i32.const 1))))))
