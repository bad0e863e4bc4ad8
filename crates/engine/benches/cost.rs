//! What one operation costs, with few and with many requests around: `cargo bench -p latchkey-engine`.
//!
//! Each line compares a small case with one 10,000 times as large. A ratio near 1 says that the cost does
//! not depend on the size; what remains is the memory that a larger case has to reach.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use latchkey_engine::{Ask, Mode, Patience, Port, Space, Ticket, Time};

const SMALL: u32 = 10;
const LARGE: u32 = 100_000;
const ROUNDS: usize = 9;

fn ask(space: &Space, port: u32, key: u32, mode: Mode, expiry: Option<Duration>) -> Ticket {
    let units = [key as u16, (key >> 16) as u16];
    let ask = Ask {
        port: Port(port),
        tag: 0,
        key: units.as_slice().into(),
        mode,
        expiry,
        patience: Patience::Forever,
    };
    black_box(space.request(ask, Time::ZERO)).result.ticket().expect("it is patient")
}

fn writers(space: &Space, count: u32) -> Vec<Ticket> {
    (0..count).map(|_| ask(space, 0, 0, Mode::Write, None)).collect()
}

/// `count` writers ask for one key, and release it one after the other.
fn queue_and_drain(count: u32) -> Duration {
    let space = Space::new(1);
    let start = Instant::now();
    for ticket in writers(&space, count) {
        let _ = black_box(space.release(ticket, Time::ZERO));
    }
    start.elapsed() / count
}

/// With `count` writers in the queue, those from the back give up.
fn cancel(count: u32) -> Duration {
    let space = Space::new(1);
    let tickets = writers(&space, count + 1);
    let start = Instant::now();
    for &ticket in tickets[1..].iter().rev() {
        let _ = black_box(space.cancel(ticket, Time::ZERO));
    }
    start.elapsed() / count
}

/// With `count` expiring readers on the key, a writer comes and goes.
fn writer_comes_and_goes(count: u32) -> Duration {
    let space = Space::new(1);
    for milliseconds in 1..=count {
        ask(&space, 0, 0, Mode::Read, Some(Duration::from_millis(milliseconds.into())));
    }
    let start = Instant::now();
    for _ in 0..1000 {
        let ticket = ask(&space, 0, 0, Mode::Write, None);
        let _ = black_box(space.cancel(ticket, Time::ZERO));
    }
    start.elapsed() / 1000
}

/// With `count` keys held, another one is taken and released.
fn among_held_keys(count: u32) -> Duration {
    let space = Space::new(1);
    for key in 1..=count {
        ask(&space, 0, key, Mode::Write, None);
    }
    let start = Instant::now();
    for _ in 0..1000 {
        let ticket = ask(&space, 0, 0, Mode::Write, None);
        let _ = black_box(space.release(ticket, Time::ZERO));
    }
    start.elapsed() / 1000
}

/// With `count` keys held by one port, another port that holds 10 ends.
fn detach_a_small_port(count: u32) -> Duration {
    let space = Space::new(16);
    for key in 0..count {
        ask(&space, 1, key, Mode::Write, None);
    }
    for key in count..count + 10 {
        ask(&space, 2, key, Mode::Write, None);
    }
    let start = Instant::now();
    let _ = black_box(space.detach(Port(2), Time::ZERO));
    start.elapsed()
}

fn main() {
    println!("{:<28}{:>12}{:>12}{:>8}", "median cost", SMALL, LARGE, "ratio");
    report("queue and drain", queue_and_drain);
    report("cancel", cancel);
    report("writer comes and goes", writer_comes_and_goes);
    report("pair among held keys", among_held_keys);
    report("detach a port of 10", detach_a_small_port);
}

fn report(name: &str, work: fn(u32) -> Duration) {
    let [small, large] = [SMALL, LARGE].map(|size| {
        let mut times: Vec<_> = (0..ROUNDS).map(|_| work(size).as_nanos()).collect();
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    println!("{name:<28}{small:>9} ns{large:>9} ns{:>8.2}", large as f64 / small.max(1) as f64);
}
