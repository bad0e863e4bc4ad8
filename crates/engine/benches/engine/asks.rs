//! What the benches ask of the engine, in short.

use std::{hint::black_box, time::Duration};

use latchkey_engine::{Ask, LockTable, Member, Mode, Patience, Released, Requested, Space, Ticket, Time};

/// Longer than any bench runs: such a hold has a deadline to keep, and never reaches it.
pub const SOME_EXPIRY: Option<Duration> = Some(Duration::from_secs(1));

/// A writer that waits as long as it takes.
pub fn write(key: &[u16]) -> Ask<'_> {
    Ask {
        member: Member(1),
        tag: 0,
        key: key.into(),
        mode: Mode::Write,
        expiry: None,
        patience: Patience::Forever,
    }
}

/// The key of that number: 16 characters, as keys in use tend to have.
pub fn key(number: u32) -> [u16; 16] {
    let mut units = [u16::from(b'k'); 16];
    [units[14], units[15]] = [(number >> 16) as u16, number as u16];
    units
}

pub fn request(space: &Space, ask: Ask<'_>) -> Requested {
    black_box(space.request(black_box(ask), &mut Time::default())).result
}

pub fn ticket(space: &Space, ask: Ask<'_>) -> Ticket {
    request(space, ask).ticket().expect("it is patient")
}

pub fn release(space: &Space, ticket: Ticket) -> bool {
    black_box(space.release(ticket, &mut Time::default())).result != Released::NotHeld
}

pub fn cancel(space: &Space, ticket: Ticket) -> bool {
    black_box(space.cancel(ticket, &mut Time::default())).result
}

/// The time of `iterations` operations, measured in rounds of `size` operations each: a round cannot be cut
/// short, so what is measured beyond `iterations` is taken off in proportion.
pub fn in_rounds(iterations: u64, size: u32, round: impl FnMut() -> Duration) -> Duration {
    let rounds = iterations.div_ceil(size.into());
    let total: Duration = std::iter::repeat_with(round).take(rounds as usize).sum();
    total.mul_f64(iterations as f64 / (rounds * u64::from(size)) as f64)
}
