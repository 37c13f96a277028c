// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A process that makes modules on request, so that a fuzzer pays for its start once.
//!
//! Requests are lines on standard input; each answer is a length (four bytes, little endian) and that many bytes of a
//! module, none if there is no module for this request:
//!
//! ```text
//! smith SEED FEATURES              a module of wasm-smith's, instrumented
//! dense SEED FEATURES              a module of dense.rs, instrumented
//! instrument SEED FEATURES PATH    the module in a file, instrumented
//! validate 0 FEATURES PATH         the module in a file, if wasmparser finds it valid
//! probe FEATURE                    a module that is valid if and only if the engine has the feature
//! ```
//!
//! FEATURES is a list with commas, of `features::ALL`, or `-`. The same request always gets the same answer.

mod dense;
mod features;
mod generate;
mod instrument;
mod operators;
mod random;
mod statements;

use std::io::{BufRead, Write};

fn answer(request: &str) -> Option<Vec<u8>> {
    let words: Vec<&str> = request.splitn(4, ' ').collect();
    match words[..] {
        ["smith", seed, features] => generate::module(seed.parse().ok()?, &features::Set::parse(features)),
        ["dense", seed, features] => dense::module(seed.parse().ok()?, &features::Set::parse(features)),
        ["instrument", seed, features, path] => {
            let binary = std::fs::read(path).ok()?;
            let features = features::Set::parse(features);
            // Older versions of Binaryen had other rules for references.
            instrument::module(&binary, seed.parse().ok()?, &features, None).filter(|made| features.accepts(made))
        }
        ["validate", _, features, path] => {
            let binary = std::fs::read(path).ok()?;
            features::Set::parse(features).accepts(&binary).then_some(binary)
        }
        ["probe", feature] => features::probe(feature),
        _ => panic!("unknown request: {request}"),
    }
}

fn main() {
    let mut output = std::io::stdout().lock();
    for request in std::io::stdin().lock().lines() {
        let module = answer(&request.expect("requests are UTF-8")).unwrap_or_default();
        let length = u32::try_from(module.len()).expect("modules are small");
        output.write_all(&length.to_le_bytes()).expect("whoever asked is there");
        output.write_all(&module).expect("whoever asked is there");
        output.flush().expect("whoever asked is there");
    }
}
