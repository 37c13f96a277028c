// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Components: what is called and linked, what fails, what panics, and what threads may do.

use anew::component::{Call, Component, Linker, Pool, WarmUp};
use anew::{BoxError, CompileOptions, Engine, EngineOptions, ErrorCode, PoolOptions, TrapKind};
use std::error::Error as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const ADD: &[u8] = include_bytes!("../../../../tests/data/component/add.wasm");
const GREET: &[u8] = include_bytes!("../../../../tests/data/component/greet.wasm");
const LOG: &str = "test:host/log@0.1.0";

fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let options = || EngineOptions { no_cache: true, ..Default::default() };
    ENGINE.get_or_init(|| Engine::with_options(options()).unwrap()).clone()
}

/// A pool of the component that greets, with these functions of its host; what is not defined traps.
fn greeter(define: impl FnOnce(&mut Linker) -> anew::Result<()>) -> Pool {
    let mut linker = Linker::new().unwrap();
    define(&mut linker).unwrap();
    linker.trap_unknown_functions().unwrap();
    Pool::new(&Component::new(&engine(), GREET).unwrap(), &linker).unwrap()
}

#[test]
fn each_lease_is_as_new() -> anew::Result<()> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let engine = engine();
    let logged = lines.clone();

    let mut linker = Linker::new()?;
    linker.define("test:host/log@0.1.0", "log", move |arguments| {
        logged.lock().unwrap().push(arguments.join(" ")); // "\"Ada\" 1"
        Ok(String::new()) // the function has no result
    })?;
    linker.define("test:host/log@0.1.0", "lines", |_| Ok(r#"["one", "two"]"#.into()))?;
    let pool = Pool::new(&Component::new(&engine, GREET)?, &linker)?;
    for _ in 0..2 {
        let mut lease = pool.acquire()?; // an instance as new
        assert_eq!(lease.call("greet", &[r#""Ada""#])?, r#""Hello, Ada!""#);
        assert_eq!(lease.call("count-lines", &[])?, "2");
    }

    assert_eq!(*lines.lock().unwrap(), [r#""Ada" 1"#; 2], "the guest counts its calls");
    Ok(())
}

#[test]
fn components_say_what_they_are() {
    let component = Component::new(&engine(), GREET).unwrap();
    let (imports, exports) = (component.imports(), component.exports());
    assert_eq!((imports.len(), exports.len()), (2, 4));
    assert_eq!(imports[0].name, "test:host/log@0.1.3#log");
    assert_eq!(imports[0].type_text, "func(message: string, count: u64)");
    assert_eq!((exports[2].name.as_str(), exports[2].type_text.as_str()), ("greet", "func(name: string) -> string"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/data/component/add.wasm");
    let loaded = Component::load(&engine(), path, &CompileOptions::default()).unwrap();
    assert_eq!(loaded.exports(), Component::new(&engine(), ADD).unwrap().exports());
}

#[test]
fn wrong_calls_are_refused() {
    let pool = greeter(|linker| linker.define(LOG, "log", |_| Ok(String::new())));
    let mut lease = pool.acquire().unwrap();
    let misspelt = lease.call("gree", &[]).unwrap_err();
    assert_eq!(misspelt.code(), ErrorCode::NotFound);
    assert!(misspelt.message().contains("greet"), "{misspelt}");
    for arguments in [&["7"][..], &[], &["\"Ada\"", "\"Bob\""], &[""], &["\"Ada"]] {
        assert_eq!(lease.call("greet", arguments).unwrap_err().code(), ErrorCode::Argument, "{arguments:?}");
    }
    assert_eq!(lease.call("greet", &["\"\\u{1F600}\""]).unwrap(), "\"Hello, \u{1F600}!\"", "none of them was a trap");
    // Components that are none.
    let malformed = Component::new(&engine(), b"\0asm\x01\0\0\0").unwrap_err();
    assert_eq!(malformed.code(), ErrorCode::Malformed);
    assert!(malformed.message().contains("core module"), "{malformed}");
    assert_eq!(Component::new(&engine(), &[]).unwrap_err().code(), ErrorCode::Malformed);
    let missing = Component::load(&engine(), "/nowhere/at all", &CompileOptions::default()).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
    let unlinked = Pool::new(&Component::new(&engine(), GREET).unwrap(), &Linker::new().unwrap()).unwrap_err();
    assert_eq!(unlinked.code(), ErrorCode::Link);
    assert!(unlinked.message().contains("test:host/log@0.1.3#log"), "{unlinked}");
}

#[test]
fn host_functions_fail_and_panic() {
    let pool = greeter(|linker| {
        linker.define(LOG, "log", |arguments| match arguments[0] {
            r#""nobody""# => Err("there is no such person".into()),
            name => panic!("no line of {name}"),
        })?;
        linker.define(LOG, "lines", |_| Ok("[1".into()))
    });
    let mut lease = pool.acquire().unwrap();
    let failed = lease.call("greet", &[r#""nobody""#]).unwrap_err();
    assert_eq!(failed.trap(), Some(TrapKind::HostError));
    assert_eq!(failed.source().unwrap().to_string(), "there is no such person");
    lease = pool.acquire().unwrap();
    let payload = panic::catch_unwind(AssertUnwindSafe(|| lease.call("greet", &[r#""Ada""#]))).unwrap_err();
    assert_eq!(*payload.downcast::<String>().unwrap(), "no line of \"Ada\"");
    lease = pool.acquire().unwrap();
    let nonsense = lease.call("count-lines", &[]).unwrap_err();
    assert_eq!(nonsense.code(), ErrorCode::Trap);
    assert!(nonsense.message().contains("lines"), "{nonsense}");
    assert!(nonsense.source().is_none());
    lease = pool.acquire().unwrap();
    let trapped = lease.call("trap", &[]).unwrap_err();
    assert_eq!(trapped.trap(), Some(TrapKind::Unreachable));
    assert!(!trapped.backtrace().is_empty());
    assert!(lease.call("greet", &[r#""Ada""#]).is_err(), "an instance that trapped cannot be entered");
}

#[test]
fn deadlines_fuel_and_cancelling() {
    let options = CompileOptions { fuel: true, ..Default::default() };
    let component = Component::with_options(&engine(), ADD, &options).unwrap();
    let pool = Pool::new(&component, &Linker::new().unwrap()).unwrap();
    let mut lease = pool.acquire().unwrap();
    lease.set_fuel(1000);
    assert_eq!(lease.call("add", &["40", "2"]).unwrap(), "42");
    lease.set_fuel(0);
    assert_eq!(lease.call("add", &["40", "2"]).unwrap_err().trap(), Some(TrapKind::OutOfFuel));

    let pool = greeter(|linker| {
        linker.define(LOG, "log", |_| {
            thread::sleep(Duration::from_millis(20));
            Ok(String::new())
        })
    });
    let mut lease = pool.acquire().unwrap();
    lease.set_deadline(Some(Instant::now() - Duration::from_secs(1)));
    assert_eq!(lease.call("greet", &[r#""Ada""#]).unwrap_err().trap(), Some(TrapKind::Interrupted));
    lease = pool.acquire().unwrap();
    lease.set_timeout(Duration::from_secs(600));
    lease.call("greet", &[r#""Ada""#]).unwrap();
    let canceller = lease.canceller().unwrap();
    thread::spawn(move || canceller.cancel()).join().unwrap();
    assert_eq!(lease.call("greet", &[r#""Ada""#]).unwrap_err().trap(), Some(TrapKind::Interrupted));
}

#[test]
fn calls_have_time_slices() {
    let pool = Pool::new(&Component::new(&engine(), ADD).unwrap(), &Linker::new().unwrap()).unwrap();
    for slice in [None, Some(Duration::from_nanos(1)), Some(Duration::MAX)] {
        let mut lease = pool.acquire().unwrap();
        lease.set_time_slice(slice);
        let mut call = lease.start("add", &["40", "2"]).unwrap();
        while !call.is_done() {
            assert!(call.is_parked() && call.is_ready());
            call.resume();
        }
        assert!(!call.is_parked());
        assert_eq!(call.result().unwrap().as_ref().unwrap(), "42");
    }
}

#[test]
fn calls_wait_without_a_thread() {
    let waiting = Arc::new(Mutex::new(Vec::new()));
    let asked = waiting.clone();
    let pool = greeter(|linker| {
        linker.define_async(LOG, "log", move |arguments, completion| {
            match arguments[0] {
                r#""nobody""# => return Err("there is no such person".into()),
                r#""panic""# => panic!("no line"),
                r#""lost""# => drop(completion),
                _ => asked.lock().unwrap().push(completion),
            }
            Ok(())
        })?;
        linker.define_async(LOG, "lines", |_, completion| {
            assert_eq!(completion.complete("[1").unwrap_err().code(), ErrorCode::Argument);
            Ok(())
        })
    });
    let start = |name: &str| pool.acquire().unwrap().start("greet", &[name]).unwrap();
    let next = || waiting.lock().unwrap().pop().unwrap();

    let mut call = start(r#""Ada""#);
    assert!(!call.is_done() && !call.is_ready() && !call.resume() && call.result().is_none());
    let (woken, wakes) = std::sync::mpsc::channel();
    let wake = woken.clone();
    call.on_ready(move || wake.send(1).unwrap()).unwrap();
    let completion = next();
    thread::spawn(move || completion.complete("").unwrap()).join().unwrap();
    assert_eq!(wakes.recv().unwrap(), 1);
    assert!(call.is_ready());
    let call = thread::spawn(move || {
        assert!(call.resume());
        call
    });
    let mut call = call.join().unwrap();
    assert_eq!(call.result().unwrap().as_ref().unwrap(), r#""Hello, Ada!""#);
    call.on_ready(move || woken.send(2).unwrap()).unwrap();
    assert_eq!(wakes.recv().unwrap(), 2, "it is done");

    let trapped = |call: &Call| call.result().unwrap().as_ref().unwrap_err().to_string();
    let mut failed = start(r#""Ada""#);
    next().fail("the disk is full");
    assert!(failed.resume());
    assert!(trapped(&failed).contains("the disk is full"), "{failed:?}");
    assert!(trapped(&start(r#""lost""#)).contains("nobody is left"));
    let refused = start(r#""nobody""#);
    let source = refused.result().unwrap().as_ref().unwrap_err().source().unwrap().to_string();
    assert_eq!(source, "there is no such person");
    let payload = panic::catch_unwind(AssertUnwindSafe(|| start(r#""panic""#))).unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "no line");
    assert!(trapped(&pool.acquire().unwrap().start("count-lines", &[]).unwrap()).contains("lines"));
    assert_eq!(pool.acquire().unwrap().start("gree", &[]).unwrap_err().code(), ErrorCode::NotFound);

    let kept = Arc::new(());
    let held = kept.clone();
    let mut given_up = start(r#""Ada""#);
    given_up.on_ready(move || drop(held)).unwrap();
    drop(given_up);
    next().complete("").unwrap();
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[test]
fn instances_start_behind_a_warm_up_and_from_a_file() {
    let mut linker = Linker::new().unwrap();
    linker.define(LOG, "log", |_| Ok(String::new())).unwrap();
    linker.define(LOG, "lines", |_| Ok("[]".into())).unwrap();
    let component = Component::new(&engine(), GREET).unwrap();
    let options = PoolOptions { audit_every: 1, ..Default::default() };
    let warm = |warm_up: fn(&mut WarmUp<'_>) -> Result<(), BoxError>| {
        Pool::with_warm_up(&component, &linker, &options, warm_up)
    };
    let pool = warm(|lease| {
        assert_eq!(lease.call("greet", &[r#""Ada""#])?, r#""Hello, Ada!""#);
        Ok(())
    })
    .unwrap();
    assert_eq!(pool.acquire().unwrap().call("cleaned", &[]).unwrap(), "1");
    let refused = warm(|_| Err("not today".into())).unwrap_err();
    assert_eq!(refused.source().unwrap().to_string(), "not today");
    assert_eq!(warm(|lease| Ok(lease.call("trap", &[]).map(drop)?)).unwrap_err().trap(), Some(TrapKind::Unreachable));

    let path = std::env::temp_dir().join(format!("anew-component-snapshot-{}", std::process::id()));
    pool.save_snapshot(&path).unwrap();
    let loaded = Component::load(&engine(), &path, &CompileOptions::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let from_file = Pool::new(&loaded, &linker).unwrap();
    assert_eq!(from_file.acquire().unwrap().call("cleaned", &[]).unwrap(), "1");
    let twice = Pool::with_warm_up(&loaded, &linker, &options, |_| Ok(())).unwrap_err();
    assert_eq!(twice.code(), ErrorCode::Argument);
}

#[test]
fn leases_move_between_threads() {
    let options = PoolOptions { capacity: 2, audit_every: 1, ..Default::default() };
    let pool = Pool::with_options(&Component::new(&engine(), ADD).unwrap(), &Linker::new().unwrap(), &options).unwrap();
    let (first, _second) = (pool.acquire().unwrap(), pool.acquire().unwrap());
    assert_eq!(pool.acquire().unwrap_err().code(), ErrorCode::Resource);
    thread::scope(|scope| {
        for number in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for _ in 0..20 {
                    let mut lease = pool.acquire_until(None).unwrap();
                    assert_eq!(lease.call("add", &[&number.to_string(), "-1"]).unwrap(), (number - 1).to_string());
                }
            });
        }
        scope.spawn(move || drop(first)); // for which the others wait
    });
}

#[test]
fn closures_go_with_what_needs_them() {
    let kept = Arc::new(());
    let held = kept.clone();
    let pool = greeter(|linker| {
        linker.define(LOG, "log", move |_| {
            let _ = &held;
            Ok(String::new())
        })
    });
    let mut lease = pool.acquire().unwrap();
    drop(pool);
    assert_eq!(lease.call("greet", &[r#""Ada""#]).unwrap(), r#""Hello, Ada!""#);
    assert_eq!(Arc::strong_count(&kept), 2);
    lease.release();
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[cfg(feature = "wasi")]
#[test]
fn wasi_programs_have_what_they_are_given() {
    use anew::{WasiDirectory, WasiNetwork, WasiOptions, WasiOutput};
    let program = include_bytes!("../../../../tests/data/component/write.wasm");
    let program = Component::new(&engine(), program).unwrap();
    let pool_with = |standard_output| {
        let mut linker = Linker::new().unwrap();
        linker.define_wasi(WasiOptions { standard_output, ..Default::default() }).unwrap();
        Pool::new(&program, &linker).unwrap()
    };
    let pool = pool_with(WasiOutput::Capture { maximum_bytes: 0 });
    for _ in 0..2 {
        let mut lease = pool.acquire().unwrap();
        lease.wasi_set_arguments(&["program".into()]).unwrap();
        lease.wasi_set_environment(&["NAME=value".into()]).unwrap();
        lease.wasi_set_standard_input(b"given").unwrap();
        assert_eq!(lease.wasi_run().unwrap(), 0);
        assert_eq!(lease.wasi_standard_output(), b"run 1 of a component\n");
        assert_eq!((lease.wasi_standard_error(), lease.wasi_exit_code()), (&b""[..], None));
    }
    assert_eq!(pool_with(WasiOutput::Capture { maximum_bytes: 1 }).acquire().unwrap().wasi_run().unwrap(), 1);
    let burns = WasiOutput::Callback(Box::new(|_| Err("the printer is on fire".into())));
    let failed = pool_with(burns).acquire().unwrap().wasi_run().unwrap_err();
    assert_eq!(failed.source().unwrap().to_string(), "the printer is on fire");

    let nowhere = WasiDirectory { host_path: "/nowhere/at all".into(), guest_path: ".".into(), read_only: true };
    let options = WasiOptions { directories: vec![nowhere], ..Default::default() };
    assert_eq!(Linker::new().unwrap().define_wasi(options).unwrap_err().code(), ErrorCode::NotFound);
    let with_network = |network| Linker::new().unwrap().define_wasi(WasiOptions { network, ..Default::default() });
    let address = || vec!["127.0.0.1:5432".to_string()];
    let names = vec!["*.example.org".to_string()];
    with_network(WasiNetwork { connect: address(), listen: address(), look_up: names }).unwrap();
    let nonsense = with_network(WasiNetwork { connect: vec!["nowhere".into()], ..Default::default() }).unwrap_err();
    assert_eq!(nonsense.code(), ErrorCode::Argument);
    // A lease without WASI.
    let add = Component::new(&engine(), ADD).unwrap();
    let mut other = Pool::new(&add, &Linker::new().unwrap()).unwrap().acquire().unwrap();
    assert_eq!(other.wasi_run().unwrap_err().code(), ErrorCode::Argument);
    assert!(other.wasi_standard_output().is_empty());
}
