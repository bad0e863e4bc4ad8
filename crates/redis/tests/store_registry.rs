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
use latchkey_redis::Store;
use support::{
    peer::PATIENCE,
    program::{PORT, Program, config, units},
};

#[test]
fn a_process_has_one_store_for_each_set_of_options_and_ends_all_at_once() {
    let server = server!();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let long = |options: &mut latchkey_redis::Options| options.ttl = Duration::from_secs(60);
    let open = || Store::open(config(&server.url(), long), runtime.handle());
    let (first, second) = (open(), open());
    assert!(Arc::ptr_eq(&first, &second));
    let other =
        Store::open(config(&server.url(), |options| options.namespace = "other".into()), runtime.handle());
    assert!(!Arc::ptr_eq(&first, &other));

    let (sender, events) = channel();
    let space = first.space(&units("space"), 0, move |told| {
        told.into_iter().for_each(|event| sender.send(event).unwrap())
    });
    let key = units("k");
    let ask = |tag| Ask {
        port: PORT,
        tag,
        key: key.as_slice().into(),
        mode: Mode::Write,
        expiry: None,
        patience: Patience::Forever,
    };
    space.request(ask(1));
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(Event::Granted { tag: 1, .. })));
    let mut waiting = Program::start_with(config(&server.url(), long));
    let asked = waiting.write("k");
    waiting.until_waiting("k", 1);

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
    assert!(waiting.granted(asked).recovered);
    assert!(ended.elapsed() < Duration::from_secs(10), "{:?}", ended.elapsed());
    drop((first, second, space));
    // A new one begins anew.
    let third = open();
    let (sender, events) = channel();
    let space = third.space(&units("space"), 0, move |told| {
        told.into_iter().for_each(|event| sender.send(event).unwrap())
    });
    space.request(ask(2));
    waiting.release(asked);
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(Event::Granted { tag: 2, .. })));
}
