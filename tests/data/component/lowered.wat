;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Lifts functions that are lowered, or a resource's, as they are; and names such functions in canonical options.
(component
  (import "double" (func $double (param "number" u32) (result u32)))
  (import "gone" (func $gone (param "number" u32)))
  (import "allocate" (func $allocate (param "old" u32) (param "size" u32) (param "alignment" u32) (param "new" u32)
    (result u32)))

  (core func $double' (canon lower (func $double)))
  (core func $gone' (canon lower (func $gone)))
  (core func $allocate' (canon lower (func $allocate)))
  (type $thing' (resource (rep i32) (dtor (core func $gone'))))
  (export $thing "thing" (type $thing'))
  (core func $make (canon resource.new $thing'))
  (core func $drop (canon resource.drop $thing'))

  (core module $module
    (memory (export "memory") 1)
    (func (export "length") (param i32 i32) (result i32) (local.get 1))
    (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $instance (instantiate $module))

  (func (export "double") (param "number" u32) (result u32) (canon lift (core func $double')))
  (func (export "double-again") (param "number" u32) (result u32) (canon lift (core func $double')))
  (func (export "make") (param "number" u32) (result (own $thing)) (canon lift (core func $make)))
  (func (export "drop") (param "it" (own $thing)) (canon lift (core func $drop)))
  ;; Nothing can be called out of the instance while it allocates or cleans up.
  (func (export "length") (param "text" string) (result u32)
    (canon lift (core func $instance "length") (memory (core memory $instance "memory")) (realloc (core func $allocate'))))
  (func (export "clean") (param "number" u32) (result u32)
    (canon lift (core func $instance "same") (post-return (core func $gone'))))
)
