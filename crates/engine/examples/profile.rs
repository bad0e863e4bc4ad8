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
//! and the same with the other works:
//!
//! | work | space | what is done with it |
//! |---|---|---|
//! | `free-key` | named | asks for a key by its text, and releases it; it is idle in between |
//! | `idle-key` | named | the same by the key's slot |
//! | `queue` | named | [`QUEUED`] ask, then each releases, which lets the next one in |
//! | `local-key` | private | asks for an idle key by its number, and releases it |
//! | `local-queue` | private | as `queue`: the first hold is handed over, and the others are appended |
//!
//! A named space is [`Space::keeping`]\(64, 16), as in the addon, and a private one a [`LocalSpace`]. Only what [`measured`]
//! calls is counted: [`OPERATIONS`] requests and as many releases. Divide by that. With `CARGO_PROFILE_RELEASE_DEBUG=full`
//! what is inlined is distinguished by source file.

use std::hint::black_box;

use latchkey_engine::{
    Ask, KeyName, KeySlot, LocalSpace, LockTable, Member, Mode, Patience, Released, Space, Ticket, Time,
};

const OPERATIONS: usize = 100_000;
/// How many queue on the key before the first one releases.
const QUEUED: usize = 1_000;

fn main() {
    let (named, local) = (Space::keeping(64, 16), LocalSpace::default());
    match std::env::args().nth(1).as_deref() {
        Some("free-key") => twice(&named, free_key),
        Some("idle-key") => twice(&named, idle_key),
        Some("queue") => twice(&named, queue),
        Some("local-key") => twice(&local, local_key),
        Some("local-queue") => twice(&local, local_queue),
        _ => {
            eprintln!("usage: profile free-key | idle-key | queue | local-key | local-queue");
            std::process::exit(2);
        }
    }
}

fn twice<S>(space: &S, work: fn(&S)) {
    work(space);
    measured(work, space);
}

/// The second run: tables have their size by now.
#[inline(never)]
fn measured<S>(work: fn(&S), space: &S) {
    work(black_box(space));
}

/// Each time the key is idle, and found by its text.
fn free_key(space: &Space) {
    for _ in 0..OPERATIONS {
        release(space, request(space));
    }
}

/// Each time the key is idle, and named by its slot.
fn idle_key(space: &Space) {
    let (first, slot) = request_slot(space);
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
        let (first, slot) = request_slot(space);
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

/// The same, and the slot that it learns.
fn request_slot(space: &Space) -> (Ticket, KeySlot) {
    let outcome = space.request(named(black_box(&[u16::from(b'k'); 16]).into()), &mut Time::default());
    (outcome.result.ticket().expect("it is patient"), outcome.slot.expect("it named the key by its text"))
}

fn ask(space: &Space, key: KeyName<'_>) -> Ticket {
    black_box(space.request(named(key), &mut Time::default())).result.ticket().expect("it is patient")
}

fn named(key: KeyName<'_>) -> Ask<'_> {
    Ask { member: Member(1), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever }
}

fn release(space: &Space, ticket: Ticket) {
    assert_ne!(black_box(space.release(ticket, &mut Time::default())).result, Released::NotHeld);
}

/// Each time the key is idle. The addon does not ask for such a one, but takes it by itself.
fn local_key(space: &LocalSpace) {
    for _ in 0..OPERATIONS {
        let requested = black_box(space.request(local_ask(), &mut Time::default())).result;
        release_local(space, requested.ticket().expect("it is patient"));
    }
}

/// All but the first one join the queue without a call of their own, as the addon's do.
fn local_queue(space: &LocalSpace) {
    let mut tickets = Vec::with_capacity(QUEUED);
    for _ in 0..OPERATIONS / QUEUED {
        tickets.extend(black_box(space.adopt(&local_ask(), Time::ZERO)));
        tickets.extend((1..QUEUED).filter_map(|_| black_box(space.append(&local_ask()))));
        for ticket in tickets.drain(..) {
            release_local(space, ticket);
        }
    }
}

fn local_ask() -> Ask<'static> {
    let key = KeyName::Slot(KeySlot { index: black_box(0), generation: 0 });
    Ask { member: Member(1), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever }
}

fn release_local(space: &LocalSpace, ticket: Ticket) {
    assert_ne!(black_box(space.release(ticket, &mut Time::default())).result, Released::NotHeld);
}
