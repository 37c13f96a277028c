// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Turns the component model's test scripts into what tests/component runs: `convert-components OUTPUT_DIRECTORY`.
//!
//! The scripts come with the package wasm-tools: the specification's in tests/component-model, its own in
//! tests/cli/component-model. Each becomes a JSON file, as `wasm-tools json-from-wast` writes it, and the binaries that
//! this names.
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Where cargo keeps what is in the package wasm-tools.
fn package() -> Result<PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--manifest-path", manifest])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let package = packages.iter().find(|package| package["name"] == "wasm-tools").ok_or("no package wasm-tools")?;
    let manifest = package["manifest_path"].as_str().ok_or("the package wasm-tools is nowhere")?;
    Ok(Path::new(manifest).parent().ok_or("the package wasm-tools is nowhere")?.to_path_buf())
}

fn scripts(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            scripts(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "wast") {
            found.push(path);
        }
    }
    Ok(())
}

fn convert(script: &Path, output: &Path) -> Result<()> {
    fs::create_dir_all(output)?;
    let contents = fs::read_to_string(script)?;
    let name = script.to_str().ok_or("a path that is not UTF-8")?;
    // The scripts have characters in names that a reader may take for another order of what it reads.
    let mut lexer = wast::lexer::Lexer::new(&contents);
    lexer.allow_confusing_unicode(true);
    let buffer = wast::parser::ParseBuffer::new_with_lexer(lexer)?;
    let json = json_from_wast::Wast::from_ast(name, &contents, wast::parser::parse::<wast::Wast>(&buffer)?)?;
    for (name, bytes) in &json.wasms {
        fs::write(output.join(name), bytes)?;
    }
    fs::write(output.join("script.json"), serde_json::to_string(&json)?)?;
    Ok(())
}

fn run(output: &Path) -> Result<()> {
    let package = package()?;
    for (folder, name) in [("tests/component-model/test", "spec"), ("tests/cli/component-model", "wasm-tools")] {
        let root = package.join(folder);
        let mut found = Vec::new();
        scripts(&root, &mut found)?;
        for script in found {
            let to = output.join(name).join(script.strip_prefix(&root)?.with_extension(""));
            convert(&script, &to).map_err(|error| format!("{}: {error}", script.display()))?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [output] = arguments.as_slice() else {
        eprintln!("usage: convert-components OUTPUT_DIRECTORY");
        return ExitCode::from(2);
    };
    match run(Path::new(output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("convert-components: {error}");
            ExitCode::FAILURE
        }
    }
}
