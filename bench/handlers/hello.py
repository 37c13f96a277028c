# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The shortest handler in Python, for scripts/bench-serve."""
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        response = OutgoingResponse(Fields())
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        stream = body.write()
        stream.blocking_write_and_flush(f"Hello from Python {request.path_with_query()}\n".encode())
        stream.__exit__(None, None, None)
        OutgoingBody.finish(body, None)
