//! A fixed amount of work, to count its instructions: the count repeats, where times on a busy machine do not.
//!
//! ```text
//! export CARGO_TARGET_DIR=target/profile CARGO_PROFILE_RELEASE_STRIP=none
//! cargo build -p latchkey-engine --release --example profile
//! valgrind --tool=callgrind --toggle-collect='*measured*' --callgrind-out-file=target/profile/free-key.out \
//!     target/profile/release/examples/profile free-key
//! callgrind_annotate --auto=no target/profile/free-key.out
//! ```
//!
//! and the same with `idle-key` and `queue`. Only what [`measured`] calls is counted: [`OPERATIONS`] requests and as many releases.
//! Divide by that. With `CARGO_PROFILE_RELEASE_DEBUG=full` what is inlined is told apart by source file.

use std::hint::black_box;

use latchkey_engine::{Ask, KeyName, Mode, Patience, Port, Released, Space, Ticket, Time};

const OPERATIONS: usize = 100_000;
/// How many queue on the key before the first one releases.
const QUEUED: usize = 1_000;

fn main() {
    let (work, space): (fn(&Space), _) = match std::env::args().nth(1).as_deref() {
        Some("free-key") => (free_key, Space::new(1)),
        // As a named space of the addon is.
        Some("idle-key") => (idle_key, Space::keeping(64, 16)),
        Some("queue") => (queue, Space::new(1)),
        _ => {
            eprintln!("usage: profile free-key | idle-key | queue");
            std::process::exit(2);
        }
    };
    work(&space);
    measured(work, &space);
}

/// The second run: tables have their size by now.
#[inline(never)]
fn measured(work: fn(&Space), space: &Space) {
    work(black_box(space));
}

/// Each time the key is free, and forgotten again.
fn free_key(space: &Space) {
    for _ in 0..OPERATIONS {
        release(space, request(space));
    }
}

/// Each time the key is free, and remembered: it is named by its slot.
fn idle_key(space: &Space) {
    let first = request(space);
    let slot = space.slot_of(first).expect("it holds its key");
    release(space, first);
    for _ in 0..OPERATIONS {
        release(space, ask(space, KeyName::Slot(slot)));
    }
}

/// All ask, then each releases, which grants the key to the next one. The first one names the key by its units, and
/// the others by the slot that it got, as the addon does.
fn queue(space: &Space) {
    let mut tickets = Vec::with_capacity(QUEUED);
    for _ in 0..OPERATIONS / QUEUED {
        let first = request(space);
        let slot = space.slot_of(first).expect("it holds its key");
        tickets.push(first);
        tickets.extend((1..QUEUED).map(|_| ask(space, KeyName::Slot(slot))));
        for ticket in tickets.drain(..) {
            release(space, ticket);
        }
    }
}

fn request(space: &Space) -> Ticket {
    let key = [u16::from(b'k'); 16];
    ask(space, black_box(&key).into())
}

fn ask(space: &Space, key: KeyName<'_>) -> Ticket {
    let ask =
        Ask { port: Port(1), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever };
    black_box(space.request(ask, Time::ZERO)).result.ticket().expect("it is patient")
}

fn release(space: &Space, ticket: Ticket) {
    assert_ne!(black_box(space.release(ticket, Time::ZERO)).result, Released::NotHeld);
}
