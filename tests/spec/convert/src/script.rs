// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! One script: its directives as JSON commands, its modules as binaries. tests/spec/README.md describes the form.
use crate::json::Json;
use crate::superseded::Lines;
use std::fs;
use std::path::Path;
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Const, V128Pattern, WastArgCore, WastRetCore};
use wast::parser::{self, ParseBuffer};
use wast::token::{F32, F64, Id, Span};
use wast::{QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

type Result<T> = std::result::Result<T, String>;

pub struct Script<'a> {
    directory: &'a Path,
    name: &'a str,
    line_starts: Vec<usize>,
    binaries: usize,
    superseded: Lines,
}

/// Writes `directory/name.json` and its modules, `directory/name.N.wasm`.
pub fn convert(directory: &Path, name: &str, source: &str, superseded: Lines) -> Result<()> {
    let mut lexer = wast::lexer::Lexer::new(source);
    lexer.allow_confusing_unicode(true); // the scripts test such names on purpose
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(|error| error.to_string())?;
    let directives = parser::parse::<Wast<'_>>(&buffer).map_err(|error| error.to_string())?.directives;
    let line_starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut script = Script { directory, name, line_starts, binaries: 0, superseded };
    let commands = script.commands(directives)?;
    if let Some(line) = script.superseded.keys().next() {
        return Err(format!("superseded.txt names line {line}, where no command begins"));
    }
    // A command a line: the file is also for people to read.
    let lines: Vec<String> = commands.iter().map(Json::to_string).collect();
    let text = format!("{{\"commands\":[\n{}\n]}}\n", lines.join(",\n"));
    write(&directory.join(format!("{name}.json")), text.as_bytes())
}

pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn object(kind: &str) -> Json {
    Json::Object(vec![("type", kind.into())])
}

fn start(kind: &str, line: u64) -> Json {
    object(kind).with("line", Some(Json::Number(line)))
}

fn name_of(id: Option<Id<'_>>) -> Option<&str> {
    id.map(|id| id.name())
}

impl Script<'_> {
    fn commands(&mut self, directives: Vec<WastDirective<'_>>) -> Result<Vec<Json>> {
        directives.into_iter().map(|directive| self.command(directive)).collect()
    }

    fn line(&self, span: Span) -> u64 {
        self.line_starts.partition_point(|&start| start <= span.offset()) as u64
    }

    fn command(&mut self, directive: WastDirective<'_>) -> Result<Json> {
        let line = self.line(directive.span());
        let start = |kind: &str| start(kind, line);
        let command = match directive {
            WastDirective::Module(mut module) => {
                let name = name_of(module.name());
                start("module").with("name", name).with("file", Some(self.valid_module(&mut module)?))
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = name_of(module.name());
                start("module_definition").with("name", name).with("file", Some(self.valid_module(&mut module)?))
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                start("module_instance").with("name", name_of(instance)).with("module", name_of(module))
            }
            WastDirective::Register { name, module, .. } => {
                start("register").with("as", Some(name)).with("module", name_of(module))
            }
            WastDirective::Invoke(invoke) => start("action").with("action", Some(self.invoke(invoke)?)),
            WastDirective::AssertReturn { exec, results, .. } => start("assert_return")
                .with("action", Some(self.execute(exec)?))
                .with("expected", Some(Json::List(results.iter().map(result).collect::<Result<_>>()?))),
            WastDirective::AssertTrap { exec, message, .. } => {
                start("assert_trap").with("action", Some(self.execute(exec)?)).with("text", Some(message))
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                start("assert_exhaustion").with("action", Some(self.invoke(call)?)).with("text", Some(message))
            }
            WastDirective::AssertException { exec, .. } => {
                start("assert_exception").with("action", Some(self.execute(exec)?))
            }
            WastDirective::AssertSuspension { exec, message, .. } => {
                start("assert_suspension").with("action", Some(self.execute(exec)?)).with("text", Some(message))
            }
            WastDirective::AssertMalformed { mut module, message, .. } => {
                self.refused(line, "assert_malformed", &mut module, message)?
            }
            WastDirective::AssertInvalid { mut module, message, .. } => {
                self.refused(line, "assert_invalid", &mut module, message)?
            }
            WastDirective::AssertMalformedCustom { mut module, message, .. } => {
                self.refused(line, "assert_malformed_custom", &mut module, message)?
            }
            WastDirective::AssertInvalidCustom { mut module, message, .. } => {
                self.refused(line, "assert_invalid_custom", &mut module, message)?
            }
            WastDirective::AssertUnlinkable { module, message, .. } => start("assert_unlinkable")
                .with("file", Some(self.valid_module(&mut QuoteWat::Wat(module))?))
                .with("text", Some(message)),
            WastDirective::Thread(thread) => start("thread")
                .with("name", Some(thread.name.name()))
                .with("shared", name_of(thread.shared_module))
                .with("commands", Some(Json::List(self.commands(thread.directives)?))),
            WastDirective::Wait { thread, .. } => start("wait").with("thread", Some(thread.name())),
        };
        let superseded = self.superseded.remove(&line);
        Ok(command.with(
            "superseded",
            superseded.map(|entry| Json::Object(vec![("now", entry.now.into()), ("reason", entry.reason.into())])),
        ))
    }

    /// The file of a module that the script takes for well-formed.
    fn valid_module(&mut self, module: &mut QuoteWat<'_>) -> Result<String> {
        let bytes = module.encode().map_err(|error| error.to_string())?;
        self.binary(&bytes)
    }

    /// A module that must be refused. One that cannot be encoded exists as text only, and has no "file".
    fn refused(&mut self, line: u64, kind: &str, module: &mut QuoteWat<'_>, message: &str) -> Result<Json> {
        let bytes = match module.to_test() {
            Ok(QuoteWatTest::Binary(bytes)) => Some(bytes),
            // What assert_malformed quotes is about the text format, even where the encoder is lenient.
            Ok(QuoteWatTest::Text(_)) if !kind.starts_with("assert_malformed") => module.encode().ok(),
            _ => None,
        };
        let file = bytes.map(|bytes| self.binary(&bytes)).transpose()?;
        Ok(start(kind, line).with("file", file).with("text", Some(message)))
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<String> {
        let file = format!("{}.{}.wasm", self.name, self.binaries);
        self.binaries += 1;
        write(&self.directory.join(&file), bytes)?;
        Ok(file)
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Json> {
        match execute {
            WastExecute::Invoke(call) => self.invoke(call),
            WastExecute::Get { module, global, .. } => {
                Ok(object("get").with("module", name_of(module)).with("field", Some(global)))
            }
            WastExecute::Wat(wat @ Wat::Module(_)) => {
                Ok(object("module").with("file", Some(self.valid_module(&mut QuoteWat::Wat(wat))?)))
            }
            WastExecute::Wat(Wat::Component(_)) => Err("components are not part of core WebAssembly".into()),
        }
    }

    fn invoke(&mut self, call: WastInvoke<'_>) -> Result<Json> {
        let arguments = call.args.iter().map(argument).collect::<Result<_>>()?;
        Ok(object("invoke")
            .with("module", name_of(call.module))
            .with("field", Some(call.name))
            .with("arguments", Some(Json::List(arguments))))
    }
}

// Numbers are text: their bits as an unsigned decimal, which JSON's own numbers could not hold.
fn number(kind: &str, bits: impl ToString) -> Json {
    object(kind).with("value", Some(bits.to_string()))
}

fn vector(shape: &str, lanes: impl IntoIterator<Item = String>) -> Json {
    let lanes = lanes.into_iter().map(Json::Text).collect();
    object("v128").with("shape", Some(shape)).with("lanes", Some(Json::List(lanes)))
}

fn argument(argument: &WastArg<'_>) -> Result<Json> {
    let WastArg::Core(argument) = argument else { return Err("not a core argument".into()) };
    Ok(match argument {
        WastArgCore::I32(value) => number("i32", *value as u32),
        WastArgCore::I64(value) => number("i64", *value as u64),
        WastArgCore::F32(value) => number("f32", value.bits),
        WastArgCore::F64(value) => number("f64", value.bits),
        WastArgCore::V128(value) => match value {
            V128Const::I8x16(lanes) => vector("i8x16", lanes.map(|lane| (lane as u8).to_string())),
            V128Const::I16x8(lanes) => vector("i16x8", lanes.map(|lane| (lane as u16).to_string())),
            V128Const::I32x4(lanes) => vector("i32x4", lanes.map(|lane| (lane as u32).to_string())),
            V128Const::I64x2(lanes) => vector("i64x2", lanes.map(|lane| (lane as u64).to_string())),
            V128Const::F32x4(lanes) => vector("f32x4", lanes.map(|lane| lane.bits.to_string())),
            V128Const::F64x2(lanes) => vector("f64x2", lanes.map(|lane| lane.bits.to_string())),
        },
        WastArgCore::RefNull(heap) => object("ref.null").with("heap", Some(heap_type(heap)?)),
        WastArgCore::RefExtern(value) => number("ref.extern", value),
        WastArgCore::RefHost(value) => number("ref.host", value),
    })
}

fn result(result: &WastRet<'_>) -> Result<Json> {
    let WastRet::Core(result) = result else { return Err("not a core result".into()) };
    pattern(result)
}

fn pattern(expected: &WastRetCore<'_>) -> Result<Json> {
    Ok(match expected {
        WastRetCore::I32(value) => number("i32", *value as u32),
        WastRetCore::I64(value) => number("i64", *value as u64),
        WastRetCore::F32(value) => number("f32", f32_pattern(value)),
        WastRetCore::F64(value) => number("f64", f64_pattern(value)),
        WastRetCore::V128(value) => match value {
            V128Pattern::I8x16(lanes) => vector("i8x16", lanes.map(|lane| (lane as u8).to_string())),
            V128Pattern::I16x8(lanes) => vector("i16x8", lanes.map(|lane| (lane as u16).to_string())),
            V128Pattern::I32x4(lanes) => vector("i32x4", lanes.map(|lane| (lane as u32).to_string())),
            V128Pattern::I64x2(lanes) => vector("i64x2", lanes.map(|lane| (lane as u64).to_string())),
            V128Pattern::F32x4(lanes) => vector("f32x4", lanes.iter().map(f32_pattern)),
            V128Pattern::F64x2(lanes) => vector("f64x2", lanes.iter().map(f64_pattern)),
        },
        WastRetCore::RefNull(heap) => object("ref.null").with("heap", heap.as_ref().map(heap_type).transpose()?),
        WastRetCore::RefExtern(value) => object("ref.extern").with("value", value.map(|value| value.to_string())),
        WastRetCore::RefHost(value) => number("ref.host", value),
        WastRetCore::RefFunc(_) => object("ref.func"),
        WastRetCore::RefAny => object("ref.any"),
        WastRetCore::RefEq => object("ref.eq"),
        WastRetCore::RefArray => object("ref.array"),
        WastRetCore::RefStruct => object("ref.struct"),
        WastRetCore::RefI31 | WastRetCore::RefI31Shared => object("ref.i31"),
        WastRetCore::Either(cases) => {
            object("either").with("cases", Some(Json::List(cases.iter().map(pattern).collect::<Result<_>>()?)))
        }
    })
}

fn f32_pattern(value: &NanPattern<F32>) -> String {
    match value {
        NanPattern::CanonicalNan => "nan:canonical".into(),
        NanPattern::ArithmeticNan => "nan:arithmetic".into(),
        NanPattern::Value(value) => value.bits.to_string(),
    }
}

fn f64_pattern(value: &NanPattern<F64>) -> String {
    match value {
        NanPattern::CanonicalNan => "nan:canonical".into(),
        NanPattern::ArithmeticNan => "nan:arithmetic".into(),
        NanPattern::Value(value) => value.bits.to_string(),
    }
}

fn heap_type(heap: &HeapType<'_>) -> Result<&'static str> {
    use AbstractHeapType::*;
    Ok(match heap {
        HeapType::Abstract { ty, .. } => match ty {
            Func => "func",
            NoFunc => "nofunc",
            Extern => "extern",
            NoExtern => "noextern",
            Exn => "exn",
            NoExn => "noexn",
            Any => "any",
            None => "none",
            Eq => "eq",
            I31 => "i31",
            Struct => "struct",
            Array => "array",
            Cont | NoCont => return Err("continuations are not part of WebAssembly 3.0".into()),
        },
        HeapType::Concrete(_) | HeapType::Exact(_) => return Err("a script cannot name a module's types".into()),
    })
}
