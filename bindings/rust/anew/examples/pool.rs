// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Threads that share a pool, with a deadline for each call, and what a call costs.

use anew::{Engine, Linker, Module, Pool, PoolOptions, TrapKind};
use std::time::{Duration, Instant};

const CALLS: u32 = 1_000_000;

fn main() -> anew::Result<()> {
    let module = Module::new(&Engine::new()?, include_bytes!("../../../guests/plain.wasm"))?;
    let options = PoolOptions { capacity: 2, minimum_warm: 2, ..Default::default() };
    let pool = Pool::with_options(&module, &Linker::new()?, &options)?;
    let add = pool.function::<(u32, u32), u32>("add")?;

    let sums = std::thread::scope(|scope| {
        let ask = |number| {
            let (pool, add) = (&pool, &add);
            scope.spawn(move || -> anew::Result<u32> {
                let mut lease = pool.acquire_until(Some(Instant::now() + Duration::from_secs(10)))?;
                lease.set_timeout(Duration::from_secs(1));
                lease.call(add, (number, 1))
            })
        };
        let threads: Vec<_> = (0..8).map(ask).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<anew::Result<Vec<_>>>()
    })?;
    println!("{sums:?}");

    let mut lease = pool.acquire()?;
    lease.set_timeout(Duration::from_millis(20));
    let endless = lease.call_export::<(), ()>("spin", ()).unwrap_err();
    println!("an endless loop: {}", endless.trap().unwrap_or(TrapKind::Unreachable));
    drop(lease);

    let nothing = pool.function::<(), ()>("nothing")?;
    let mut lease = pool.acquire()?;
    let begin = Instant::now();
    for _ in 0..CALLS {
        lease.call(&nothing, ())?;
    }
    eprintln!("a call within a lease: {:.1} ns", begin.elapsed().as_nanos() as f64 / f64::from(CALLS));
    drop(lease);
    let begin = Instant::now();
    for _ in 0..CALLS {
        pool.acquire()?.call(&nothing, ())?;
    }
    eprintln!("acquire, call and release: {:.1} ns", begin.elapsed().as_nanos() as f64 / f64::from(CALLS));
    pool.shutdown(Duration::from_secs(1))
}
