;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; The handles that a host in JavaScript keeps for Ruby (ruby.wat): each is the value itself.
(module
  (func (export "resource_new_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_get_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_drop_js-abi-value") (param i32)))
