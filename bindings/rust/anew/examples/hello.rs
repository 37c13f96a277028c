// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The first call: an instance as new for each lease, and what a trap says.

use anew::{Engine, Linker, Module, Pool, TrapKind};

fn main() -> anew::Result<()> {
    let engine = Engine::new()?;
    let module = Module::new(&engine, include_bytes!("../../../guests/plain.wasm"))?;
    let pool = Pool::new(&module, &Linker::new()?)?; // it imports nothing
    let next = pool.function::<(), u32>("next")?; // looked up and type-checked once
    for name in ["an instance:", "another:    "] {
        let mut lease = pool.acquire()?; // an instance as new
        println!("{name} {} {}", lease.call(&next, ())?, lease.call(&next, ())?);
    } // given back: restored here

    let divide = pool.function::<(u32, u32), (u32, u32)>("divide")?;
    let mut lease = pool.acquire()?;
    println!("17 by 5: {:?}", lease.call(&divide, (17, 5))?);
    match lease.call(&divide, (1, 0)) {
        Err(error) if error.trap() == Some(TrapKind::IntegerDivideByZero) => println!("{error:#}"), // with the backtrace
        other => println!("unexpected: {other:?}"),
    }
    Ok(())
}
