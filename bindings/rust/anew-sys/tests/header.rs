// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! src/ffi.rs is include/anew.h in Rust, src/component.rs include/anew_component.h, and src/wasi.rs include/anew_wasi.h:
//! this translates the headers and compares, and has the C compiler compare the layout of structs.
//!
//! After a change of a header: `ANEW_SYS_TRANSLATE=1 cargo test -p anew-sys` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process::Command};

/// Where the header is: ANEW_INCLUDE_DIR, else the source tree that this crate lies in.
fn include_dir() -> PathBuf {
    match env::var_os("ANEW_INCLUDE_DIR") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../include"),
    }
}

/// The header without comments, preprocessor lines and what only C++ sees.
fn declarations(header: &str) -> String {
    let mut text = String::new();
    let mut rest = header;
    while let Some(begin) = rest.find("/*") {
        text.push_str(&rest[..begin]);
        rest = &rest[begin..];
        rest = &rest[rest.find("*/").expect("a comment ends") + 2..];
    }
    text.push_str(rest);
    let mut kept = String::new();
    let mut for_cpp = false;
    for line in text.lines() {
        for_cpp |= line.starts_with("#ifdef __cplusplus");
        if !for_cpp && !line.starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
        }
        for_cpp &= !line.starts_with("#endif");
    }
    kept
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || c == '_';
        match tokens.last_mut() {
            Some(last) if is_word && in_word => last.push(c),
            _ if !c.is_whitespace() => tokens.push(c.to_string()),
            _ => {}
        }
        in_word = is_word;
    }
    tokens
}

/// A field, a parameter, or what else has a type and a name.
struct Named {
    name: String,
    rust: String,
}

#[derive(Default)]
struct Translator {
    tokens: Vec<String>,
    at: usize,
    last_type: String,
    output: String,
    functions: String,
    layout: String,
}

impl Translator {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }
    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }
    fn takes(&mut self, token: &str) -> bool {
        let is_there = self.peek(0) == token;
        self.at += usize::from(is_there);
        is_there
    }
    fn expect(&mut self, token: &str) {
        let next = self.next();
        assert_eq!(next, token, "near {:?}", &self.tokens[self.at.saturating_sub(8)..self.at]);
    }

    fn scalar(name: &str) -> &str {
        match name {
            "void" => "c_void",
            "char" => "c_char",
            "float" => "f32",
            "double" => "f64",
            "size_t" | "uintptr_t" => "usize",
            "int32_t" => "i32",
            "int64_t" => "i64",
            "uint8_t" => "u8",
            "uint32_t" => "u32",
            "uint64_t" => "u64",
            _ => name, // bool, and the header's own
        }
    }

    /// A type without what stands behind the name.
    fn type_before_name(&mut self) -> String {
        let mut is_const = self.takes("const");
        let name = self.next();
        let mut rust = Self::scalar(&name).to_string();
        while self.takes("*") {
            rust = format!("*{} {rust}", if is_const { "const" } else { "mut" });
            is_const = self.takes("const");
        }
        rust
    }

    fn returned(rust: String) -> String {
        if rust == "c_void" {
            String::new()
        } else {
            format!(" -> {rust}")
        }
    }

    /// A type and a name: a field, a parameter, or with `(*name)(...)` a pointer to a function.
    fn named(&mut self, is_parameter: bool) -> Named {
        let rust = self.type_before_name();
        if self.takes("(") {
            self.expect("*");
            let name = self.next();
            self.expect(")");
            let parameters = self.parameters();
            let rust = format!("Option<unsafe extern \"C\" fn({parameters}){}>", Self::returned(rust));
            return Named { name, rust };
        }
        let name = self.next();
        if !self.takes("[") {
            return Named { name, rust };
        }
        let count = self.next();
        self.expect("]");
        let rust = if is_parameter { format!("*mut {rust}") } else { format!("[{rust}; {count}]") };
        Named { name, rust }
    }

    fn parameters(&mut self) -> String {
        self.expect("(");
        let mut parameters: Vec<String> = Vec::new();
        if self.peek(0) == "void" && self.peek(1) == ")" {
            self.at += 1;
        }
        while !self.takes(")") {
            // `const uint8_t hash[32]` is a pointer to what is constant.
            let is_const = self.peek(0) == "const";
            let Named { name, mut rust } = self.named(true);
            let is_array = self.tokens[self.at - 1] == "]";
            if is_array && is_const {
                rust = rust.replacen("*mut", "*const", 1);
            }
            let name = if name == "type" { "type_".to_string() } else { name };
            parameters.push(format!("{name}: {rust}"));
            self.takes(",");
        }
        parameters.join(", ")
    }

    fn fields(&mut self, owner: &str, kind: &str) {
        self.expect("{");
        let mut fields = Vec::new();
        while !self.takes("}") {
            if self.takes("union") {
                let inner = format!("{owner}_of");
                self.fields(&inner, "union");
                let name = self.next();
                fields.push(Named { name, rust: inner });
            } else {
                fields.push(self.named(false));
            }
            self.expect(";");
        }
        let _ = writeln!(self.output, "#[repr(C)]\n#[derive(Clone, Copy)]\npub {kind} {owner} {{");
        let is_public = kind == "struct";
        if is_public {
            let _ = writeln!(self.layout, "    (\"sizeof({owner})\", size_of::<{owner}>()),");
        }
        for Named { name, rust } in fields {
            let field = if name == "type" { "type_" } else { &name };
            let _ = writeln!(self.output, "    pub {field}: {rust},");
            if is_public {
                let _ = writeln!(self.layout, "    (\"offsetof({owner}, {name})\", offset_of!({owner}, {field})),");
            }
        }
        self.output.push_str("}\n");
    }

    /// Constants, of the type that was named before them.
    fn enumerators(&mut self) {
        let of = self.last_type.clone();
        self.expect("{");
        while !self.takes("}") {
            let name = self.next();
            self.expect("=");
            let number = self.next();
            let _ = writeln!(self.output, "pub const {name}: {of} = {number};");
            self.takes(",");
        }
    }

    fn declaration(&mut self) {
        match self.next().as_str() {
            "typedef" if self.peek(0) == "struct" && self.peek(2) != "{" => {
                self.at += 1;
                let name = self.next();
                self.expect(&name);
                let _ = writeln!(self.output, "#[repr(C)]\npub struct {name} {{\n    _private: [u8; 0],\n}}");
            }
            "typedef" if self.takes("struct") => {
                let name = self.next();
                self.fields(&name, "struct");
                self.expect(&name);
            }
            "typedef" => {
                let Named { name, rust } = self.named(false);
                let _ = writeln!(self.output, "pub type {name} = {rust};");
                self.last_type = name;
            }
            "enum" => self.enumerators(),
            "ANEW_C_API" => {
                let rust = self.type_before_name();
                let name = self.next();
                let parameters = self.parameters();
                let _ = writeln!(self.functions, "    pub fn {name}({parameters}){};", Self::returned(rust));
            }
            "static" => {
                while self.next() != "{" {}
                let mut depth = 1;
                while depth > 0 {
                    match self.next().as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => {}
                    }
                }
                return; // no semicolon
            }
            other => panic!("{other} begins no declaration that is known here"),
        }
        self.expect(";");
    }
}

const CORE: &str = "use std::ffi::{c_char, c_void};\nuse std::mem::{offset_of, size_of};\n\n\
                    pub const ANEW_NO_DEADLINE: i64 = i64::MAX;\n";
const COMPONENT: &str = "use crate::ffi::*;\nuse std::ffi::{c_char, c_void};\nuse std::mem::{offset_of, size_of};\n\n";
const WASI: &str = "use crate::component::{anew_component_lease_t, anew_component_linker_t};\nuse crate::ffi::*;\n\
                    use std::ffi::{c_char, c_void};\nuse std::mem::{offset_of, size_of};\n\n";

/// The Rust source for a header. @param head  what comes before its declarations.
fn translate(header: &str, name: &str, head: &str) -> String {
    let mut translator = Translator { tokens: tokens(&declarations(header)), ..Translator::default() };
    while translator.at < translator.tokens.len() {
        translator.declaration();
    }
    format!(
        "// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n\
         // include/{name}, as tests/header.rs translates it: change that, not this.\n\
         {head}{}\n\
         extern \"C\" {{\n{}}}\n\n\
         /// Sizes and offsets, each with the C expression that it is to be equal to.\n\
         #[doc(hidden)]\n\
         pub const LAYOUT: &[(&str, usize)] = &[\n{}];\n",
        translator.output, translator.functions, translator.layout
    )
}

fn compare(name: &str, head: &str, file: &str) {
    let header = include_dir().join(name);
    let header = fs::read_to_string(&header).unwrap_or_else(|error| panic!("{}: {error}", header.display()));
    let translated = translate(&header, name, head);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("ANEW_SYS_TRANSLATE").is_some() {
        fs::write(&path, translated).expect("it can be written");
        return;
    }
    let committed = fs::read_to_string(&path).expect("it is there");
    let different = translated.lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert!(
        translated == committed,
        "include/{name} and {file} differ, first in {different:?}: run ANEW_SYS_TRANSLATE=1 cargo test -p anew-sys"
    );
}

#[test]
fn ffi_is_the_header_in_rust() {
    compare("anew.h", CORE, "src/ffi.rs");
    let header = fs::read_to_string(include_dir().join("anew.h")).expect("it was there");
    assert!(header.contains("#define ANEW_NO_DEADLINE INT64_MAX"));
}

#[test]
fn components_are_their_header_in_rust() {
    compare("anew_component.h", COMPONENT, "src/component.rs");
}

#[test]
fn wasi_is_its_header_in_rust() {
    compare("anew_wasi.h", WASI, "src/wasi.rs");
}

#[test]
fn layouts_are_those_of_the_c_compiler() {
    let mut program =
        String::from("#include <anew_wasi.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n");
    #[cfg(feature = "wasi")]
    let layout = [anew_sys::LAYOUT, anew_sys::COMPONENT_LAYOUT, anew_sys::WASI_LAYOUT].concat();
    #[cfg(not(feature = "wasi"))]
    let layout = [anew_sys::LAYOUT, anew_sys::COMPONENT_LAYOUT].concat();
    for (expression, _) in layout.iter() {
        let _ = writeln!(program, "  printf(\"%zu\\n\", (size_t)({expression}));");
    }
    program.push_str("  return 0;\n}\n");
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, binary) = (directory.join("layout.c"), directory.join("layout"));
    fs::write(&source, program).expect("the directory for tests can be written");
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut compile = Command::new(compiler);
    compile.arg("-std=c11").arg("-I").arg(include_dir()).arg(&source).arg("-o").arg(&binary);
    assert!(compile.status().expect("a C compiler is there").success());
    let printed = Command::new(&binary).output().expect("the program runs").stdout;
    let printed = String::from_utf8(printed).expect("it prints numbers");
    assert_eq!(printed.lines().count(), layout.len());
    for ((expression, in_rust), in_c) in layout.iter().zip(printed.lines()) {
        assert_eq!(in_rust.to_string(), in_c, "{expression}");
    }
}

#[test]
fn a_header_that_differs_is_found() {
    let text = "typedef struct t { int32_t a; const char* b; } t;\nANEW_C_API void f(const t* x, uint8_t h[32]);\n";
    let translated = translate(text, "t.h", "");
    assert!(translated.contains("pub a: i32,\n    pub b: *const c_char,"), "{translated}");
    assert!(translated.contains("pub fn f(x: *const t, h: *mut u8);"), "{translated}");
    assert_ne!(translated, translate(&text.replace("int32_t", "int64_t"), "t.h", ""));
}
