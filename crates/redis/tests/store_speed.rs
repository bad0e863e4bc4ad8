//! How long the store takes. `cargo test --release -p latchkey-redis --test store_speed -- --ignored --nocapture`

mod support;

use std::time::{Duration, Instant};

use latchkey_engine::{Answer, Mode};
use support::{
    peer::{LONG, Peer},
    program::{Program, TTL, two, units},
};

const PAIRS: usize = 5_000;
const HAND_OVERS: usize = 2_000;
const HELD: usize = 10_000;
const QUERIES: usize = 5;

fn show(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e6;
    println!("{what}: median {:.0} µs, 95 % below {:.0} µs, 99 % below {:.0} µs", at(50), at(95), at(99));
}

#[test]
#[ignore = "a measurement"]
fn uncontended_pairs() {
    let server = server!();
    let mut program = Program::start(&server.url());
    program.hold("warm");
    let mut times = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let started = Instant::now();
        let (held, _) = program.hold("k");
        assert_eq!(program.release(held), Answer::Done);
        times.push(started.elapsed());
    }
    show("acquire and release a free key", &mut times);
}

#[test]
#[ignore = "a measurement"]
fn hand_over_between_programs() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (mut held, _) = a.hold("k");
    let mut times = Vec::with_capacity(HAND_OVERS);
    for _ in 0..HAND_OVERS {
        let waiting = b.write("k");
        std::thread::sleep(Duration::from_micros(500));
        let started = Instant::now();
        a.space.release(held.ticket, false);
        b.granted(waiting);
        times.push(started.elapsed());
        assert_eq!(a.answer(held), Answer::Done);
        held = waiting;
        std::mem::swap(&mut a, &mut b);
    }
    show("from a program's release to the other's grant", &mut times);
}

/// Who holds and who waits, where many keys are held; and how long another key takes meanwhile, since all goes over one
/// connection.
#[test]
#[ignore = "a measurement"]
fn queries_of_many_keys() {
    let server = server!();
    let mut program = Program::start(&server.url());
    let asked: Vec<_> = (0..HELD).map(|number| program.write(&format!("key {number}"))).collect();
    for asked in asked {
        program.granted(asked);
    }
    let mut times = Vec::with_capacity(QUERIES);
    let mut pairs = Vec::new();
    for _ in 0..QUERIES {
        let started = Instant::now();
        assert_eq!(program.query().len(), HELD);
        times.push(started.elapsed());
        let twin = program.store.space(&units("space"), 0, |_| ());
        let answer =
            program.runtime.as_ref().unwrap().spawn(async move { twin.query().await.unwrap().len() });
        while !answer.is_finished() {
            let started = Instant::now();
            let (held, _) = program.hold("another");
            program.release(held);
            pairs.push(started.elapsed());
        }
    }
    show(&format!("a query of {HELD} held keys"), &mut times);
    show("acquire and release a free key meanwhile", &mut pairs);
}

/// The same without the store around it: the two scripts, on a connection and a runtime of the caller's own.
#[test]
#[ignore = "a measurement"]
fn uncontended_scripts() {
    let server = server!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut peer = Peer::join(&server, LONG).await;
        let mut times = Vec::with_capacity(PAIRS);
        for _ in 0..PAIRS {
            let started = Instant::now();
            let asked = peer.ask("k", Mode::Write);
            peer.granted(&asked).await;
            peer.release(&asked).await;
            times.push(started.elapsed());
        }
        show("the two scripts alone", &mut times);
    });
}

/// The floor: two round trips of the simplest command, on the same connection and runtime.
#[test]
#[ignore = "a measurement"]
fn two_pings() {
    let server = server!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut times = Vec::with_capacity(PAIRS);
        for _ in 0..PAIRS {
            let started = Instant::now();
            for _ in 0..2 {
                redis::cmd("PING").query_async::<()>(&mut connection).await.unwrap();
            }
            times.push(started.elapsed());
        }
        show("two pings", &mut times);
    });
}
