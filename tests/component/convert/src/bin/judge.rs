// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What wasmparser says of each binary on the standard input, where its length in 4 bytes stands before each: a line
//! with "ok" or with what is wrong.
use std::io::{ErrorKind, Read, stdin};
use wasmparser::{Validator, WasmFeatures};

fn main() -> std::io::Result<()> {
    let mut input = stdin().lock();
    // What tests/component accepts: no other proposal of the component model, and what Anew runs of core ones.
    let features = WasmFeatures::WASM3
        | WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::THREADS
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::LEGACY_EXCEPTIONS;
    loop {
        let mut length = [0; 4];
        match input.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        }
        let mut binary = vec![0; u32::from_ne_bytes(length) as usize];
        input.read_exact(&mut binary)?;
        match Validator::new_with_features(features).validate_all(&binary) {
            Ok(_) => println!("ok"),
            Err(error) => println!("{} (at {})", error.message().replace('\n', " "), error.offset()),
        }
    }
}
