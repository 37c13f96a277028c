// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The shortest handler in Rust, for scripts/bench-serve: one that brings no interpreter.
use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit", world: "handler", generate_all });

struct Handler;

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("its body was not taken yet");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("its stream was not taken yet");
        let text = format!("Hello from Rust {}\n", request.path_with_query().unwrap_or_default());
        stream.blocking_write_and_flush(text.as_bytes()).expect("the client takes it");
        drop(stream);
        OutgoingBody::finish(body, None).expect("nothing is missing");
    }
}

export!(Handler);
