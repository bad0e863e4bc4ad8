//! Threads that use one store at once: their calls take the store's steps in turn with each other and with its runtime.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    thread,
};

use latchkey_engine::{Answer, Ask, Event, Mode, Patience, Ticket};
use latchkey_redis::StoredSpace;
use support::{
    peer::PATIENCE,
    program::{MEMBER, Program, units},
};

const THREADS: usize = 4;
const PAIRS: u32 = 100;

fn ask(space: &StoredSpace, tag: u32, key: &str) -> Ticket {
    let (key, mode, patience) = (units(key), Mode::Write, Patience::Forever);
    space.request(Ask { member: MEMBER, tag, key: key.as_slice().into(), mode, expiry: None, patience })
}

/// Each takes a key of its own and one that all want, many times.
#[test]
fn threads_that_use_one_store_get_all_their_answers() {
    let server = server!();
    let program = Program::start(&server.url());
    let inside = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, inside) = (&program.store, &inside);
            scope.spawn(move || {
                let (sender, events) = channel();
                let space = store.space(&units("space"), 0, move |events| {
                    events.into_iter().for_each(|event| sender.send(event).unwrap())
                });
                let next = || events.recv_timeout(PATIENCE).expect("an answer");
                for tag in 0..PAIRS {
                    let is_shared = tag % 2 == 0;
                    let key = if is_shared { "shared".into() } else { format!("of {thread}") };
                    let ticket = ask(&space, tag, &key);
                    assert!(matches!(next(), Event::Granted { tag: granted, .. } if granted == tag));
                    if is_shared {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                    space.release(ticket, false);
                    assert_eq!(next(), Event::Answered { member: MEMBER, tag, answer: Answer::Done });
                }
            });
        }
    });
}

/// The delivery of an event of a space may be the last thing that keeps it: then it ends inside the store's own step.
#[test]
fn a_space_may_be_dropped_while_its_events_are_delivered() {
    let server = server!();
    let mut program = Program::start(&server.url());
    let (sender, spaces) = channel::<Arc<StoredSpace>>();
    let (has_dropped, dropped) = channel();
    let spaces = Mutex::new(spaces);
    let space = Arc::new(program.store.space(&units("space"), 0, move |_| {
        spaces.lock().unwrap().try_iter().for_each(drop);
        has_dropped.send(()).unwrap();
    }));
    sender.send(space.clone()).unwrap();
    ask(&space, 1, "k");
    drop(space);
    dropped.recv_timeout(PATIENCE).unwrap();
    // It ended as by death.
    let (held, grant) = program.hold("k");
    assert!(grant.recovered);
    assert_eq!(program.release(held), Answer::Done);
}
