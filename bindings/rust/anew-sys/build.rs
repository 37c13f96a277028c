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

fn link_directory(directory: &str, wants_static: bool) {
    let has = |name: &str| Path::new(directory).join(name).exists();
    println!("cargo:rustc-link-search=native={directory}");
    if has("libanew.so") && !wants_static {
        println!("cargo:rerun-if-changed={directory}/libanew.so");
        println!("cargo:rustc-link-lib=dylib=anew");
    } else if has("libanew.a") {
        println!("cargo:rerun-if-changed={directory}/libanew.a");
        link_static(["fmt", "xxhash", "sodium"].map(str::to_string));
    } else {
        fail(&format!("ANEW_LIB_DIR is {directory}, where neither libanew.so nor libanew.a is"));
    }
}

/// @param needed  libraries that the archive needs, besides the C++ runtime.
fn link_static(needed: impl IntoIterator<Item = String>) {
    println!("cargo:rustc-link-lib=static:-bundle=anew");
    for library in needed {
        println!("cargo:rustc-link-lib={library}");
    }
    println!("cargo:rustc-link-lib=stdc++");
}

fn link_pkg_config(wants_static: bool) {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_string());
    let mut command = Command::new(&program);
    command.arg("--libs");
    if wants_static {
        command.arg("--static");
    }
    let way_out = "install libanew-dev, add the directory of anew.pc to PKG_CONFIG_PATH, or name the directory of the \
                   library in ANEW_LIB_DIR";
    let output = match command.arg("anew").output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => fail(&format!("{}{way_out}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => fail(&format!("{program}: {error}; {way_out}")),
    };
    let mut libraries = Vec::new();
    let mut is_shared = false;
    for flag in output.split_whitespace() {
        if let Some(directory) = flag.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={directory}");
            is_shared |= Path::new(directory).join("libanew.so").exists();
        } else if let Some(library) = flag.strip_prefix("-l") {
            libraries.push(library.to_string());
        }
    }
    // In the linker's own directories pkg-config names none: there the shared library is what a package installs.
    is_shared |= !output.contains("-L");
    if is_shared && !wants_static {
        libraries.iter().for_each(|library| println!("cargo:rustc-link-lib={library}"));
    } else {
        link_static(libraries.into_iter().filter(|library| library != "anew" && library != "stdc++"));
    }
}
