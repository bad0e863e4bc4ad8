//! Stores of one process: the same options give the same store, and all end together. One test, since what it is
//! about is the whole process'.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread,
    time::{Duration, Instant},
};

use latchkey_engine::{Ask, Event, Mode, Patience};
use latchkey_redis::{Config, Options, Store, scripts::Push};
use support::{
    Server,
    peer::{LONG, PATIENCE, Peer},
    program::{MEMBER, units},
};
use tokio::runtime::{Builder, Runtime};

/// The store of these options, with a lease that does not end by itself.
fn open(server: &Server, runtime: &Runtime, namespace: &str) -> Arc<Store> {
    let namespace = namespace.to_owned();
    let options = Options { url: Some(server.url()), ttl: LONG, namespace, ..Options::default() };
    Store::open(Config::new(options).unwrap(), runtime.handle())
}

#[test]
fn a_process_has_one_store_for_each_set_of_options_and_ends_all_at_once() {
    let server = server!();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (open(&server, &runtime, "latchkey"), open(&server, &runtime, "latchkey"));
    assert!(Arc::ptr_eq(&first, &second));
    let other = open(&server, &runtime, "other");
    assert!(!Arc::ptr_eq(&first, &other));

    let (sender, events) = channel();
    let space = first.space(&units("s"), 0, move |events| {
        events.into_iter().for_each(|event| sender.send(event).unwrap())
    });
    let key = units("k");
    let ask = |tag| Ask {
        member: MEMBER,
        tag,
        key: key.as_slice().into(),
        mode: Mode::Write,
        expiry: None,
        patience: Patience::Forever,
    };
    space.request(ask(1));
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(Event::Granted { tag: 1, .. })));
    // As another process has it.
    let mut waiting = runtime.block_on(Peer::join(&server, LONG));
    let (asked, _) = runtime.block_on(waiting.wait("k", Mode::Write));

    // Another thread does not know yet that the process ends, and goes on asking.
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let key = units("other");
            while !is_over.load(Ordering::SeqCst) {
                space.request(Ask { key: key.as_slice().into(), patience: Patience::None, ..ask(3) });
                thread::sleep(Duration::from_micros(20));
            }
        });
        thread::sleep(Duration::from_millis(20));
        Store::shutdown_all(PATIENCE);
        is_over.store(true, Ordering::SeqCst);
    });
    // The lease would last for a minute, and the other one's next beat comes after 20 seconds.
    let ended = Instant::now();
    let Push::Granted(_, grant) = runtime.block_on(waiting.pushed()) else { panic!("not granted first") };
    assert!(grant.recovered);
    assert!(ended.elapsed() < Duration::from_secs(10), "{:?}", ended.elapsed());
    drop((first, second, space));
    // A new one begins anew.
    let third = open(&server, &runtime, "latchkey");
    let (sender, events) = channel();
    let space = third.space(&units("s"), 0, move |events| {
        events.into_iter().for_each(|event| sender.send(event).unwrap())
    });
    space.request(ask(2));
    runtime.block_on(waiting.release(&asked));
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(Event::Granted { tag: 2, .. })));
}
