;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A handler of wasi:http that answers nothing: it drops the request and what it could answer with.
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type $incoming-request (sub resource)))
    (export "response-outparam" (type $response-outparam (sub resource)))))
  (alias export $types "incoming-request" (type $incoming-request))
  (alias export $types "response-outparam" (type $response-outparam))
  (core func $drop-request (canon resource.drop $incoming-request))
  (core func $drop-outparam (canon resource.drop $response-outparam))
  (core module $program
    (import "host" "drop-request" (func $drop-request (param i32)))
    (import "host" "drop-outparam" (func $drop-outparam (param i32)))
    (func (export "handle") (param $request i32) (param $outparam i32)
      (call $drop-request (local.get $request))
      (call $drop-outparam (local.get $outparam))))
  (core instance $program (instantiate $program (with "host" (instance
    (export "drop-request" (func $drop-request))
    (export "drop-outparam" (func $drop-outparam))))))
  (func $handle (param "request" (own $incoming-request)) (param "response-out" (own $response-outparam))
    (canon lift (core func $program "handle")))
  (instance $exported (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $exported)))
