// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shortest handler in Go, for scripts/bench-serve. scripts/make-handlers puts it beside the bindings it is built with.
package export_wasi_http_incoming_handler

import (
	"go.bytecodealliance.org/pkg/wit/types"
	"wit_component/wasi_http_types"
)

func Handle(request *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	response := wasi_http_types.MakeOutgoingResponse(wasi_http_types.MakeFields())
	body := response.Body().Ok()
	wasi_http_types.ResponseOutparamSet(
		out, wit_types.Ok[*wasi_http_types.OutgoingResponse, wasi_http_types.ErrorCode](response))
	stream := body.Write().Ok()
	stream.BlockingWriteAndFlush([]byte("Hello from Go " + request.PathWithQuery().SomeOr("") + "\n")).Ok()
	stream.Drop()
	wasi_http_types.OutgoingBodyFinish(body, wit_types.None[*wasi_http_types.Fields]()).Ok()
}
