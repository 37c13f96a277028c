// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The crate against the library: what is called, what fails, what panics, and what threads may do.

use anew::{
    BoxError, Caller, CompileOptions, Engine, EngineOptions, Error, ErrorCode, ExternalKind, FunctionType, Linker,
    Module, Pool, PoolCache, PoolCacheOptions, PoolOptions, PoolSettings, SnapshotOptions, StateType, TrapKind, Value,
    ValueType,
};
use std::error::Error as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{mpsc, Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const PLAIN: &[u8] = include_bytes!("../../../guests/plain.wasm");
const IMPORTS: &[u8] = include_bytes!("../../../guests/imports.wasm");
const HOST: &[u8] = include_bytes!("../../../guests/host.wasm");

fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let options = || EngineOptions { no_cache: true, ..Default::default() };
    ENGINE.get_or_init(|| Engine::with_options(options()).unwrap()).clone()
}

fn plain() -> Pool {
    Pool::new(&Module::new(&engine(), PLAIN).unwrap(), &Linker::new().unwrap()).unwrap()
}

/// A pool of the guest that calls its host, with these functions; what is not defined traps.
fn host(define: impl FnOnce(&mut Linker) -> anew::Result<()>) -> Pool {
    let mut linker = Linker::new().unwrap();
    define(&mut linker).unwrap();
    linker.trap_unknown_functions().unwrap();
    Pool::new(&Module::new(&engine(), HOST).unwrap(), &linker).unwrap()
}

#[test]
fn each_lease_is_as_new() {
    let pool = plain();
    let next = pool.function::<(), u32>("next").unwrap();
    for _ in 0..3 {
        let mut lease = pool.acquire().unwrap();
        assert_eq!(lease.call(&next, ()).unwrap(), 1);
        assert_eq!(lease.call(&next, ()).unwrap(), 2);
        assert_eq!(lease.global("calls").unwrap(), Value::I32(2));
        assert!(lease.dirty_bytes() > 0);
        lease.memory_mut().unwrap().write(4096, b"left behind").unwrap();
    }
    let lease = pool.acquire().unwrap();
    assert_eq!(lease.memory().unwrap().read::<11>(4096).unwrap(), [0; 11]);
    let statistics = pool.statistics();
    assert_eq!((statistics.acquired, statistics.restored, statistics.leased), (4, 3, 1));
}

#[test]
fn all_types_pass() {
    let pool = plain();
    let mut lease = pool.acquire().unwrap();
    assert_eq!(lease.call(&pool.function::<(u32, u32), u32>("add").unwrap(), (2, 40)).unwrap(), 42);
    assert_eq!(lease.call(&pool.function::<(i32, i32), i32>("add").unwrap(), (-2, 1)).unwrap(), -1);
    assert_eq!(lease.call(&pool.function::<(u32, u32), (u32, u32)>("divide").unwrap(), (17, 5)).unwrap(), (3, 2));
    let mix = pool.function::<(i32, i64, f32, f64), f64>("mix").unwrap();
    assert_eq!(lease.call(&mix, (-1, 1 << 40, 0.5, 0.25)).unwrap(), (1u64 << 40) as f64 - 0.25);
    let vectors = pool.function::<(u128, u128), u128>("add_vectors").unwrap();
    let (a, b) = (u128::from(u64::MAX) | 7 << 64, 1 | 1 << 64);
    assert_eq!(lease.call(&vectors, (a, b)).unwrap(), 8 << 64); // lanes of 64 bits
    let nothing = pool.function::<(), ()>("nothing").unwrap();
    lease.call(&nothing, ()).unwrap();
    // By name, and with values.
    assert_eq!(lease.call_export::<(u32, u32), (u32, u32)>("divide", (17, 5)).unwrap(), (3, 2));
    assert_eq!(lease.call_export::<(u128, u128), u128>("add_vectors", (1, 2)).unwrap(), 3);
    let divide = pool.any_function("divide").unwrap();
    assert_eq!(divide.function_type(), &FunctionType::of::<(u32, u32), (u32, u32)>());
    let results = lease.call_values(&divide, &[17u32.into(), 5u32.into()]).unwrap();
    assert_eq!(results, [Value::I32(3), Value::I32(2)]);
    let reference = pool.any_function("reference").unwrap();
    assert_eq!(lease.call_values(&reference, &[Value::ExternRef(77)]).unwrap(), [Value::ExternRef(77)]);
    let added = lease.call_values(&pool.any_function("add_vectors").unwrap(), &[Value::V128(a), Value::V128(b)]);
    assert_eq!(added.unwrap(), [Value::V128(8 << 64)]);
}

#[test]
fn wrong_calls_are_refused() {
    let pool = plain();
    let mut lease = pool.acquire().unwrap();
    let misspelt = pool.function::<(), u32>("nex").unwrap_err();
    assert_eq!(misspelt.code(), ErrorCode::NotFound);
    assert!(misspelt.message().contains("did you mean \"next\"?"), "{misspelt}");
    let mistyped = pool.function::<(u64,), u32>("next").unwrap_err();
    assert_eq!(mistyped.code(), ErrorCode::Argument);
    assert!(mistyped.message().contains("[i64] -> [i32]"), "{mistyped}");
    assert_eq!(lease.call_export::<(u64,), u32>("next", (1,)).unwrap_err().code(), ErrorCode::Argument);
    assert_eq!(lease.call_export::<(), u64>("next", ()).unwrap_err().code(), ErrorCode::Argument);
    assert_eq!(lease.call_export::<(), ()>("next", ()).unwrap_err().code(), ErrorCode::Argument);
    let add = pool.any_function("add").unwrap();
    for arguments in [&[][..], &[Value::I32(1)], &[Value::I32(1), Value::I64(2)], &[Value::I32(1); 3]] {
        assert_eq!(lease.call_values(&add, arguments).unwrap_err().code(), ErrorCode::Argument);
    }
    // A function of one pool in a lease of another.
    let foreign = plain().function::<(), u32>("next").unwrap();
    assert_eq!(lease.call(&foreign, ()).unwrap_err().code(), ErrorCode::Argument);
    // Modules that are none.
    let malformed = Module::new(&engine(), b"\0asm\x01\0\0\0\xff").unwrap_err();
    assert_eq!((malformed.code(), malformed.offset()), (ErrorCode::Malformed, Some(8)));
    assert_eq!(Module::new(&engine(), &[]).unwrap_err().code(), ErrorCode::Malformed);
    let missing = Module::load(&engine(), "/nowhere/at all", &CompileOptions::default()).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
    let options = EngineOptions { stack_bytes: 5, ..Default::default() };
    assert_eq!(Engine::with_options(options).unwrap_err().code(), ErrorCode::Argument);
    let unlinked = Pool::new(&Module::new(&engine(), HOST).unwrap(), &Linker::new().unwrap()).unwrap_err();
    assert_eq!(unlinked.code(), ErrorCode::Link);
    assert!(unlinked.message().contains("call_back"), "{unlinked}");
}

#[test]
fn traps_say_what_and_where() {
    let pool = plain();
    let divide = pool.function::<(u32, u32), (u32, u32)>("divide").unwrap();
    let mut lease = pool.acquire().unwrap();
    let error = lease.call(&divide, (1, 0)).unwrap_err();
    assert_eq!((error.code(), error.trap()), (ErrorCode::Trap, Some(TrapKind::IntegerDivideByZero)));
    assert_eq!(error.trap().unwrap().to_string(), "integer divide by zero");
    let [frame] = error.backtrace() else { panic!("{error:?}") };
    assert_eq!((frame.function_name.as_str(), frame.is_host), ("divide", false));
    assert!(frame.module_offset.is_some());
    assert_eq!(error.to_string(), error.message());
    assert!(format!("{error:#}").contains("at divide"), "{error:#}");
    assert!(format!("{error:?}").starts_with("trap: "), "{error:?}");
    assert!(error.source().is_none());
    for (name, kind) in [("recurse", TrapKind::StackExhausted), ("unreachable", TrapKind::Unreachable)] {
        let trapped = pool.acquire().unwrap().call_export::<(), ()>(name, ()).unwrap_err();
        assert_eq!(trapped.trap(), Some(kind));
    }
    // A fault in the guard region of the memory, behind a handler of the standard library's for SIGSEGV.
    let outside = pool.acquire().unwrap().call_export::<(u32,), u32>("peek", (u32::MAX,)).unwrap_err();
    assert_eq!(outside.trap(), Some(TrapKind::MemoryOutOfBounds));
    drop(lease);
    let statistics = pool.statistics();
    assert_eq!((statistics.traps, statistics.distrusted), (4, 4));
}

#[test]
fn memory_is_checked_and_grows() {
    let pool = plain();
    let mut lease = pool.acquire().unwrap();
    let mut memory = lease.memory_mut().unwrap();
    assert_eq!(memory.size(), 65536);
    memory.bytes_mut(65532, 4).unwrap().copy_from_slice(&7u32.to_le_bytes());
    assert_eq!(u32::from_le_bytes(memory.read(65532).unwrap()), 7);
    for (address, count) in [(65533, 4), (u64::MAX, 1), (u64::MAX, usize::MAX), (0, usize::MAX), (65537, 0)] {
        assert_eq!(memory.bytes(address, count).unwrap_err().code(), ErrorCode::Argument, "{address} {count}");
        assert_eq!(memory.bytes_mut(address, count).unwrap_err().code(), ErrorCode::Argument, "{address} {count}");
    }
    assert!(memory.bytes(65536, 0).unwrap().is_empty());
    assert!(memory.bytes_mut(65536, 0).unwrap().is_empty());
    assert_eq!(memory.grow(2).unwrap(), 1);
    assert_eq!(memory.size(), 3 * 65536);
    assert_eq!(memory.grow(2).unwrap_err().code(), ErrorCode::Resource); // the maximum is 4
    assert_eq!(lease.exported_memory("memory").unwrap().size(), 3 * 65536);
    assert_eq!(lease.exported_memory("add").unwrap_err().code(), ErrorCode::Argument);
    assert_eq!(lease.exported_memory_mut("none").unwrap_err().code(), ErrorCode::NotFound);
    drop(lease);
    assert_eq!(pool.acquire().unwrap().memory().unwrap().size(), 65536);
}

#[test]
fn host_functions_see_their_guest() {
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let lines = log.clone();
    let pool = host(|linker| {
        linker.define("env", "log", move |caller: Caller<'_>, address: u32, size: u32| -> anew::Result<()> {
            let memory = caller.memory()?;
            lines.lock().unwrap().push(memory.bytes(address.into(), size as usize)?.to_vec());
            Ok(())
        })?;
        linker.define("env", "twice", |value: i64| 2 * value)
    });
    let mut lease = pool.acquire().unwrap();
    lease.call_export::<(), ()>("hello", ()).unwrap();
    assert_eq!(*log.lock().unwrap(), [b"hello"]);
    assert_eq!(lease.call_export::<(i64,), i64>("twice", (-21,)).unwrap(), -42);
    let outside = lease.call_export::<(), ()>("hello_outside", ()).unwrap_err();
    assert_eq!(outside.trap(), Some(TrapKind::HostError));
    assert!(outside.backtrace().iter().any(|frame| frame.is_host), "{outside:?}");
    let mut lease = pool.acquire().unwrap();
    let unknown = lease.call_export::<(i32,), i32>("call_back", (1,)).unwrap_err();
    assert!(unknown.message().contains("not implemented"), "{unknown}");
}

#[test]
fn host_functions_with_values() {
    let pool = host(|linker| {
        let of = FunctionType::new(&[ValueType::I64], &[ValueType::I64]);
        linker.define_values("env", "twice", &of, |_, arguments, results| {
            let Value::I64(value) = arguments[0] else { return Err("no i64".into()) };
            results[0] = if value == 0 { Value::I32(0) } else { Value::I64(2 * value) };
            Ok(())
        })
    });
    let mut lease = pool.acquire().unwrap();
    assert_eq!(lease.call_export::<(i64,), i64>("twice", (21,)).unwrap(), 42);
    let mistyped = lease.call_export::<(i64,), i64>("twice", (0,)).unwrap_err();
    assert!(mistyped.message().contains("i32"), "{mistyped}");
}

#[test]
fn an_error_of_a_host_function_is_the_source() {
    #[derive(Debug)]
    struct Full(u32);
    impl std::fmt::Display for Full {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "the {}. disk is full", self.0)
        }
    }
    impl std::error::Error for Full {}
    let pool = host(|linker| {
        linker.define("env", "twice", |value: i64| if value < 0 { Err(Full(3)) } else { Ok(value) })?;
        // As it is, or with a context of its own.
        linker.define("env", "call_back", |mut caller: Caller<'_>, value: i32| {
            let result = caller.call_export::<(i64,), i64>("twice", (-1,));
            assert_eq!(result.as_ref().unwrap_err().source().unwrap().to_string(), "the 3. disk is full");
            match value {
                0 => Ok(0),
                1 => result.map(|_| 0),
                _ => Err(Error::new(ErrorCode::Io, "no log")),
            }
        })
    });
    let mut lease = pool.acquire().unwrap();
    let error = lease.call_export::<(i64,), i64>("twice", (-1,)).unwrap_err();
    assert_eq!((error.code(), error.trap()), (ErrorCode::Trap, Some(TrapKind::HostError)));
    assert!(error.message().contains("the 3. disk is full"), "{error}");
    assert_eq!(error.source().unwrap().downcast_ref::<Full>().unwrap().0, 3);

    let mut lease = pool.acquire().unwrap();
    assert_eq!(lease.call_export::<(i32,), i32>("call_back", (0,)).unwrap(), 0);
    let nested = lease.call_export::<(i32,), i32>("call_back", (1,)).unwrap_err();
    assert_eq!(nested.source().unwrap().downcast_ref::<Full>().unwrap().0, 3);
    let names: Vec<_> = nested.backtrace().iter().map(|frame| frame.function_name.as_str()).collect();
    assert_eq!(names, ["env.twice", "twice", "env.call_back", "call_back"]); // those of both calls
    let mut lease = pool.acquire().unwrap();
    let other = lease.call_export::<(i32,), i32>("call_back", (2,)).unwrap_err();
    assert!(other.message().contains("no log"), "{other}");
    assert!(other.source().is_none(), "the error that was handled is not the source: {other:?}");
}

/// Runs what panics, without the hook's words.
fn payload_of(run: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().unwrap().to_string(),
    }
}

#[test]
fn a_panic_goes_on_where_the_host_called() {
    let pool = host(|linker| {
        linker.define("env", "twice", |value: i64| -> i64 { panic!("no twice of {value}") })?;
        linker.define("env", "call_back", |mut caller: Caller<'_>, value: i32| -> anew::Result<i32> {
            let mut call = || caller.call_export::<(i64,), i64>("twice", (value.into(),));
            if value == 0 {
                // The nested call panics here, where it may be caught.
                panic::catch_unwind(AssertUnwindSafe(call)).unwrap_err();
                return Ok(7);
            }
            call().map(|_| 0)
        })
    });
    let mut lease = pool.acquire().unwrap();
    assert_eq!(payload_of(|| drop(lease.call_export::<(i64,), i64>("twice", (21,)))), "no twice of 21");
    drop(lease);
    let mut lease = pool.acquire().unwrap();
    assert_eq!(payload_of(|| drop(lease.call_export::<(i32,), i32>("call_back", (5,)))), "no twice of 5");
    drop(lease);
    // The instance is as new, and the thread as good as before.
    let mut lease = pool.acquire().unwrap();
    assert_eq!(lease.call_export::<(i32,), i32>("call_back", (0,)).unwrap(), 7);
    assert_eq!(lease.call_export::<(i32,), i32>("inner", (1,)).unwrap(), 2);
    let trap = lease.call_export::<(), ()>("inner_trap", ()).unwrap_err();
    assert_eq!(trap.trap(), Some(TrapKind::Unreachable));
    assert!(trap.source().is_none());
    drop(lease);
    assert_eq!(pool.statistics().distrusted, 3);
}

#[test]
fn a_lease_goes_while_a_panic_unwinds() {
    let pool = host(|linker| linker.define("env", "twice", |_: i64| -> i64 { panic!("out") }));
    let words = payload_of(|| {
        let mut lease = pool.acquire().unwrap();
        let _ = lease.call_export::<(i64,), i64>("twice", (1,)); // the lease is dropped by the unwinding
    });
    assert_eq!(words, "out");
    assert_eq!(pool.statistics().leased, 0);
}

#[test]
fn callbacks_reach_back_into_the_guest() {
    let pool = host(|linker| {
        linker.define("env", "call_back", |mut caller: Caller<'_>, value: i32| -> Result<i32, BoxError> {
            if value < 0 {
                let trap = caller.call_export::<(), ()>("inner_trap", ()).unwrap_err();
                assert_eq!(trap.trap(), Some(TrapKind::Unreachable));
                return Err(trap.into()); // ends the call around it too
            }
            let added = caller.call_export::<(i32,), i32>("inner", (value,))?;
            assert_eq!(caller.call_values("inner", &[value.into()])?, [Value::I32(added)]);
            // What the guest wrote, and what it will find.
            let mut memory = caller.memory_mut()?;
            assert_eq!(i32::from_le_bytes(memory.read(0)?), value);
            memory.write(4, &[1])?;
            assert_eq!(caller.exported_memory("memory")?.size(), 65536);
            assert_eq!(caller.exported_memory_mut("none").unwrap_err().code(), ErrorCode::NotFound);
            assert_eq!(caller.global("none").unwrap_err().code(), ErrorCode::NotFound);
            assert!(!caller.stopping());
            Ok(added)
        })
    });
    let mut lease = pool.acquire().unwrap();
    assert_eq!(lease.call_export::<(i32,), i32>("call_back", (41,)).unwrap(), 42);
    let error = lease.call_export::<(i32,), i32>("call_back", (-1,)).unwrap_err();
    let names: Vec<_> = error.backtrace().iter().map(|frame| frame.function_name.as_str()).collect();
    assert!(names.contains(&"inner_trap") && names.contains(&"call_back"), "{error:?}");
}

#[test]
fn deadlines_fuel_and_cancelling() {
    let options = CompileOptions { fuel: true, ..Default::default() };
    let module = Module::with_options(&engine(), PLAIN, &options).unwrap();
    let pool = Pool::new(&module, &Linker::new().unwrap()).unwrap();
    let spin = pool.function::<(), ()>("spin").unwrap();
    let mut lease = pool.acquire().unwrap();
    lease.set_timeout(Duration::from_millis(5));
    assert_eq!(lease.call(&spin, ()).unwrap_err().trap(), Some(TrapKind::Interrupted));
    lease = pool.acquire().unwrap();
    lease.set_deadline(Some(Instant::now() - Duration::from_secs(1)));
    assert_eq!(lease.call(&spin, ()).unwrap_err().trap(), Some(TrapKind::Interrupted));
    lease.set_deadline(None);
    lease.set_fuel(1000);
    assert_eq!(lease.fuel(), 1000);
    assert_eq!(lease.call(&spin, ()).unwrap_err().trap(), Some(TrapKind::OutOfFuel));
    drop(lease);

    let mut lease = pool.acquire().unwrap();
    let canceller = lease.canceller().unwrap();
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        receiver.recv().unwrap();
        canceller.cancel();
        canceller
    });
    sender.send(()).unwrap();
    assert_eq!(lease.call(&spin, ()).unwrap_err().trap(), Some(TrapKind::Interrupted));
    let canceller = thread.join().unwrap();
    drop(lease);
    canceller.cancel(); // of a lease that has gone
    let next = pool.function::<(), u32>("next").unwrap();
    assert_eq!(pool.acquire().unwrap().call(&next, ()).unwrap(), 1);
}

#[test]
fn leases_move_between_threads() {
    let options = PoolOptions { capacity: 2, audit_every: 1, ..Default::default() };
    let module = Module::new(&engine(), PLAIN).unwrap();
    let pool = Pool::with_options(&module, &Linker::new().unwrap(), &options).unwrap();
    let next = pool.function::<(), u32>("next").unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mut lease = pool.acquire_until(None).unwrap();
                    assert_eq!(lease.call(&next, ()).unwrap(), 1);
                }
            });
        }
    });
    let mut lease = pool.acquire().unwrap();
    assert_eq!(lease.call(&next, ()).unwrap(), 1);
    let moved = thread::spawn({
        let next = next.clone();
        move || {
            assert_eq!(lease.call(&next, ()).unwrap(), 2);
            lease
        }
    });
    let _first = moved.join().unwrap();
    let _second = pool.acquire().unwrap();
    assert_eq!(pool.acquire().unwrap_err().code(), ErrorCode::Resource);
    let soon = Instant::now() + Duration::from_millis(1);
    assert_eq!(pool.acquire_until(Some(soon)).unwrap_err().code(), ErrorCode::Resource);
    assert!(pool.drain(Duration::from_millis(1)).is_err());
    drop((_first, _second));
    pool.shutdown(Duration::from_secs(10)).unwrap();
    assert_eq!(pool.acquire().unwrap_err().code(), ErrorCode::Resource);
    assert_eq!(pool.statistics().audit_failures, 0);
    assert!(pool.statistics().audited >= 200);
    assert!(pool.audit_failure().is_none());
}

#[test]
fn a_lease_outlives_its_pool() {
    let pool = plain();
    let next = pool.function::<(), u32>("next").unwrap();
    let mut lease = pool.acquire().unwrap();
    drop(pool);
    assert_eq!(lease.call(&next, ()).unwrap(), 1);
}

#[test]
fn snapshots_start_from_a_prelude() {
    let module = Module::new(&engine(), PLAIN).unwrap();
    let snapshot = SnapshotOptions { prelude: vec!["prepare".into()], ..Default::default() };
    let options = PoolOptions { snapshot: snapshot.clone(), ..Default::default() };
    let linker = Linker::new().unwrap();
    let pool = Pool::with_options(&module, &linker, &options).unwrap();
    assert_eq!(pool.acquire().unwrap().call_export::<(), u32>("next", ()).unwrap(), 101);
    let directory = std::env::temp_dir().join(format!("anew-rust-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (saved, compiled) = (directory.join("prepared.anew"), directory.join("compiled.anew"));
    pool.save_snapshot(&saved).unwrap();
    module.save(&engine(), &compiled).unwrap();
    for (path, expected) in [(saved, 101), (compiled, 1)] {
        let loaded = Module::load(&engine(), &path, &CompileOptions::default()).unwrap();
        let lease = Pool::new(&loaded, &linker).unwrap().acquire();
        assert_eq!(lease.unwrap().call_export::<(), u32>("next", ()).unwrap(), expected);
    }
    std::fs::remove_dir_all(directory).unwrap();
    let snapshot = SnapshotOptions { prelude: vec!["prepared".into()], ..snapshot };
    let options = PoolOptions { snapshot, ..Default::default() };
    assert_eq!(Pool::with_options(&module, &linker, &options).unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn host_states_are_as_new() {
    let made = Arc::new(AtomicU32::new(0));
    let count = made.clone();
    struct State {
        calls: u32,
        made: Arc<AtomicU32>,
    }
    impl Drop for State {
        fn drop(&mut self) {
            self.made.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let make = move || {
        count.fetch_add(1, Ordering::Relaxed);
        State { calls: 0, made: count.clone() }
    };
    let state = StateType::new("calls", make, |state: &mut State| state.calls = 0).unwrap();
    let (counted, other) = (state.clone(), StateType::new("other", || 5u8, |_| {}).unwrap());
    let pool = host(|linker| {
        linker.define_state(&state)?;
        linker.define("env", "twice", move |mut caller: Caller<'_>, value: i64| {
            assert!(caller.state(&other).is_none()); // the linker does not define it
            let state = caller.state_mut(&counted).unwrap();
            state.calls += 1;
            value
        })
    });
    for _ in 0..3 {
        let mut lease = pool.acquire().unwrap();
        lease.call_export::<(i64,), i64>("twice", (1,)).unwrap();
        assert_eq!(lease.state(&state).unwrap().calls, 1);
        lease.state_mut(&state).unwrap().calls = 100;
    }
    assert_eq!(made.load(Ordering::Relaxed), 1);
    drop((pool, state));
    assert_eq!(made.load(Ordering::Relaxed), 0, "states go with their instances");
}

#[test]
fn closures_go_with_what_needs_them() {
    let kept = Arc::new(());
    let held = kept.clone();
    let pool = host(|linker| {
        linker.define("env", "twice", move |value: i64| {
            let _ = &held;
            2 * value
        })
    });
    assert_eq!(Arc::strong_count(&kept), 2);
    let twice = pool.function::<(i64,), i64>("twice").unwrap();
    let mut lease = pool.acquire().unwrap();
    drop(pool);
    assert_eq!(lease.call(&twice, (21,)).unwrap(), 42);
    drop(lease);
    assert_eq!(Arc::strong_count(&kept), 2, "the function keeps what it is of");
    drop(twice);
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[test]
fn modules_say_what_they_are() {
    let module = Module::new(&engine(), HOST).unwrap();
    let imports = module.imports();
    assert_eq!((imports[0].module.as_str(), imports[0].name.as_str()), ("env", "log"));
    assert_eq!(imports[0].function, Some(FunctionType::new(&[ValueType::I32, ValueType::I32], &[])));
    assert_eq!(imports[1].type_text, "[i64] -> [i64]");
    let memory = &module.exports()[0];
    assert_eq!((memory.name.as_str(), memory.kind, &memory.function), ("memory", ExternalKind::Memory, &None));
    assert_eq!(module.code_hash(), anew::code_hash(HOST).unwrap());
    assert_eq!(module.ledger(), anew::Ledger::Cards);
    assert!(!module.ledger_reason().is_empty());
    assert!(!module.from_cache());
    assert!(anew::version().starts_with(env!("CARGO_PKG_VERSION")), "{}", anew::version());
}

#[test]
fn linkers_give_what_modules_import() {
    let module = Module::new(&engine(), IMPORTS).unwrap();
    let mut linker = Linker::new().unwrap();
    linker.define_global("env", "global", Value::I64(-5)).unwrap();
    linker.define_mutable_global("env", "count", Value::I32(6)).unwrap();
    linker.define_table("env", "table", ValueType::FUNC_REF, 1, None).unwrap();
    linker.define_memory("env", "memory", 2, Some(3)).unwrap();
    let of_instances = Value::Reference(ValueType::FUNC_REF);
    assert_eq!(linker.define_global("env", "other", of_instances).unwrap_err().code(), ErrorCode::Argument);
    assert_eq!(Pool::new(&module, &linker).unwrap_err().code(), ErrorCode::Link);
    linker.define_module("plain", &Module::new(&engine(), PLAIN).unwrap()).unwrap();
    let pool = Pool::new(&module, &linker).unwrap();
    for _ in 0..2 {
        let mut lease = pool.acquire().unwrap();
        assert_eq!(lease.global("global").unwrap(), Value::I64(-5));
        assert_eq!(lease.memory_mut().unwrap().grow(1).unwrap(), 2);
        assert_eq!(lease.call_export::<(), u32>("next_of_plain", ()).unwrap(), 1);
        // both are as new
    }
}

#[test]
fn caches_find_pools_by_their_code() {
    let loads = AtomicU32::new(0);
    let cache = PoolCache::new(&engine(), &Linker::new().unwrap(), PoolCacheOptions::default()).unwrap();
    let settings = PoolSettings::default();
    let pool = cache.get(PLAIN, &settings, None).unwrap();
    assert_eq!(pool.acquire().unwrap().call_export::<(), u32>("next", ()).unwrap(), 1);
    let hash = anew::code_hash(PLAIN).unwrap();
    let load = || {
        loads.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Error>(PLAIN.to_vec())
    };
    cache.get_by_hash(&hash, load, &settings, None).unwrap();
    assert_eq!(loads.load(Ordering::Relaxed), 0);
    let other = PoolSettings {
        snapshot: SnapshotOptions { prelude: vec!["prepare".into()], ..Default::default() },
        ..Default::default()
    };
    let prepared = cache.get(PLAIN, &other, Some(Instant::now() + Duration::from_secs(60))).unwrap();
    assert_eq!(prepared.acquire().unwrap().call_export::<(), u32>("next", ()).unwrap(), 101);
    assert_eq!((cache.statistics().pools, cache.statistics().hits, cache.statistics().compilations), (2, 1, 1));
    assert_eq!(cache.invalidate(&hash), 2);
    cache.get_by_hash(&hash, load, &settings, None).unwrap();
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    let failed = cache.get_by_hash(&[7; 32], || Err::<Vec<u8>, _>("no such code"), &settings, None).unwrap_err();
    assert_eq!(failed.source().unwrap().to_string(), "no such code");
    let lost = || -> Result<Vec<u8>, Error> { panic!("the loader is lost") };
    let words = payload_of(|| drop(cache.get_by_hash(&[8; 32], lost, &settings, None)));
    assert_eq!(words, "the loader is lost");
    cache.clear();
    assert_eq!(cache.statistics().pools, 0);

    let prepare: anew::Prepare = Box::new(|module| {
        assert_eq!(module.imports().len(), 3);
        let mut linker = Linker::new()?;
        linker.trap_unknown_functions()?;
        Ok(Some(linker))
    });
    let options = PoolCacheOptions { prepare: Some(prepare), ..Default::default() };
    let cache = PoolCache::new(&engine(), &Linker::new().unwrap(), options).unwrap();
    cache.get(HOST, &settings, None).unwrap();
    let words = payload_of(|| drop(cache.get(PLAIN, &settings, None)));
    assert!(words.contains("assertion"), "{words}");
}

#[test]
fn compiling_is_watched() {
    let seen = Arc::new(AtomicU32::new(0));
    let counter = seen.clone();
    let progress: anew::Progress = Box::new(move |_, of| {
        counter.store(of, Ordering::Relaxed);
        panic!("in progress"); // reported by the hook; the compilation goes on
    });
    let engine = Engine::with_options(EngineOptions {
        no_cache: true,
        progress: Some(progress),
        features: "all,-simd".into(),
        ..Default::default()
    });
    let engine = engine.unwrap();
    let refused = Module::new(&engine, PLAIN).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unsupported); // it has vectors
    Module::new(&engine, HOST).unwrap();
    assert!(seen.load(Ordering::Relaxed) > 0);
}

#[cfg(feature = "wasi")]
#[test]
fn wasi_programs_have_what_they_are_given() {
    use anew::{WasiDirectory, WasiInput, WasiOptions, WasiOutput};
    let program = Module::new(&engine(), include_bytes!("../../../guests/wasi.wasm")).unwrap();
    let pool_with = |options: WasiOptions| {
        let mut linker = Linker::new().unwrap();
        linker.define_wasi(options).unwrap();
        Pool::new(&program, &linker).unwrap()
    };
    let pool = pool_with(WasiOptions {
        arguments: vec!["program".into()],
        environment: vec!["NAME=value".into()],
        standard_input: WasiInput::Bytes(b"given".to_vec()),
        standard_output: WasiOutput::Capture { maximum_bytes: 0 },
        random_seed: Some(1),
        ..Default::default()
    });
    for _ in 0..2 {
        let mut lease = pool.acquire().unwrap();
        assert_eq!(lease.wasi_exit_code(), None);
        assert_eq!(lease.wasi_run().unwrap(), 3);
        assert_eq!(lease.wasi_standard_output(), b"hello\ngiven");
        assert_eq!((lease.wasi_standard_error(), lease.wasi_exit_code()), (&b""[..], Some(3)));
    }
    let mut lease = pool.acquire().unwrap();
    lease.wasi_set_standard_input(b"another").unwrap();
    lease.wasi_set_arguments(&["other".into()]).unwrap();
    lease.wasi_set_environment(&[]).unwrap();
    assert_eq!(lease.wasi_run().unwrap(), 3);
    assert_eq!(lease.wasi_standard_output(), b"hello\nanother");

    let (sender, receiver) = mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let pool = pool_with(WasiOptions {
        standard_input: WasiInput::Callback(Box::new(|bytes| {
            bytes[0] = b'!';
            Ok(1)
        })),
        standard_output: WasiOutput::Callback(Box::new(move |bytes| match bytes {
            b"!" => Err("enough".into()),
            _ => Ok(sender.lock().unwrap().send(bytes.to_vec())?),
        })),
        ..Default::default()
    });
    let refused = pool.acquire().unwrap().wasi_run().unwrap_err();
    assert!(refused.message().contains("enough"), "{refused:?}");
    assert_eq!(receiver.recv().unwrap(), b"hello\n");
    let panicking = WasiOutput::Callback(Box::new(|_| panic!("no room")));
    let pool = pool_with(WasiOptions { standard_output: panicking, ..Default::default() });
    assert_eq!(payload_of(|| drop(pool.acquire().unwrap().wasi_run())), "no room");

    let nowhere = WasiDirectory { host_path: "/nowhere/at all".into(), guest_path: ".".into(), read_only: true };
    let options = WasiOptions { directories: vec![nowhere], ..Default::default() };
    assert_eq!(Linker::new().unwrap().define_wasi(options).unwrap_err().code(), ErrorCode::NotFound);
    // A lease without WASI.
    let mut other = plain().acquire().unwrap();
    assert_eq!(other.wasi_run().unwrap_err().code(), ErrorCode::Argument);
    assert!(other.wasi_standard_output().is_empty());
}
