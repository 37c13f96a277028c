// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Finds the library, see src/lib.rs.

use std::path::Path;
use std::process::Command;
use std::{env, process};

fn main() {
    for variable in ["ANEW_LIB_DIR", "ANEW_STATIC", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let wants_static = env::var("ANEW_STATIC").is_ok_and(|value| value != "0");
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation needs no library
    }
    match env::var("ANEW_LIB_DIR") {
        Ok(directory) => link_directory(&directory, wants_static),
        Err(_) => link_pkg_config(wants_static),
    }
}

fn fail(message: &str) -> ! {
    eprintln!("anew-sys: {message}");
    process::exit(1);
}

/// What is linked of Anew: what needs another comes first.
fn own_libraries() -> &'static [&'static str] {
    if env::var_os("CARGO_FEATURE_WASI").is_some() {
        &["anew_wasi", "anew"]
    } else {
        &["anew"]
    }
}

fn link_directory(directory: &str, wants_static: bool) {
    println!("cargo:rustc-link-search=native={directory}");
    let file = |name: &str, end: &str| Path::new(directory).join(format!("lib{name}.{end}"));
    for name in own_libraries() {
        let is_shared = file(name, "so").exists() && !wants_static;
        let path = file(name, if is_shared { "so" } else { "a" });
        if !path.exists() {
            fail(&format!("ANEW_LIB_DIR is {directory}, where there is no lib{name}.so and no lib{name}.a"));
        }
        println!("cargo:rerun-if-changed={}", path.display());
        println!("cargo:rustc-link-lib={}{name}", if is_shared { "dylib=" } else { "static:-bundle=" });
    }
    if !file("anew", "so").exists() || wants_static {
        ["fmt", "xxhash", "sodium", "stdc++"].iter().for_each(|name| println!("cargo:rustc-link-lib={name}"));
    }
}

fn link_pkg_config(wants_static: bool) {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_string());
    let mut command = Command::new(&program);
    command.arg("--libs");
    if wants_static {
        command.arg("--static");
    }
    command.args(own_libraries().iter().map(|name| name.replace('_', "-")));
    let way_out = "install libanew-dev, add the directory of anew.pc to PKG_CONFIG_PATH, or name the directory of the \
                   library in ANEW_LIB_DIR";
    let output = match command.output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => fail(&format!("{}{way_out}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => fail(&format!("{program}: {error}; {way_out}")),
    };
    for flag in output.split_whitespace() {
        if let Some(directory) = flag.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={directory}");
        } else if let Some(library) = flag.strip_prefix("-l") {
            let is_archive = wants_static && own_libraries().contains(&library);
            println!("cargo:rustc-link-lib={}{library}", if is_archive { "static:-bundle=" } else { "dylib=" });
        }
    }
}
