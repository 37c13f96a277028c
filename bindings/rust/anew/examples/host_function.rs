// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Host functions: a guest's memory, calls back into the guest, errors that stay what they are.

use anew::{BoxError, Caller, Engine, Linker, Module, Pool};
use std::error::Error as _;

fn main() -> anew::Result<()> {
    let mut linker = Linker::new()?;
    linker.define("env", "log", |caller: Caller<'_>, address: u32, size: u32| -> anew::Result<()> {
        let memory = caller.memory()?;
        let text = memory.bytes(address.into(), size as usize)?; // an error if they are not all inside: it traps the guest
        println!("the guest says {}", String::from_utf8_lossy(text));
        Ok(())
    })?;
    linker.define("env", "twice", |value: i64| value.checked_mul(2).ok_or("too large"))?;
    linker.define("env", "call_back", |mut caller: Caller<'_>, value: i32| -> Result<i32, BoxError> {
        Ok(caller.call_export::<(i32,), i32>("inner", (value,))?) // the guest's own function, in the midst of its call
    })?;

    let module = Module::new(&Engine::new()?, include_bytes!("../../../guests/host.wasm"))?;
    let pool = Pool::new(&module, &linker)?;
    let mut lease = pool.acquire()?;
    lease.call_export::<(), ()>("hello", ())?;
    println!("called back: {}", lease.call_export::<(i32,), i32>("call_back", (41,))?);
    let error = lease.call_export::<(i64,), i64>("twice", (i64::MAX,)).unwrap_err();
    println!("{error}, because: {}", error.source().expect("what the function returned"));
    Ok(())
}
