//! Holds that were granted elsewhere are taken in with their fences and times, and are then as any others.

use std::time::Duration;

use latchkey_engine::{
    Ask, Event, Grant, HoldReport, KeyName, Mode, Patience, Port, Released, Requested, Space, Ticket, Time,
};

const KEY: KeyName<'_> = KeyName::Units(&[1]);
const PORT: Port = Port(1);

fn ask(tag: u32, mode: Mode) -> Ask<'static> {
    Ask { port: PORT, tag, key: KEY, mode, expiry: None, patience: Patience::Forever }
}

fn at(milliseconds: u64) -> Time {
    Time::from(Duration::from_millis(milliseconds))
}

fn adopt(space: &Space, ask: Ask<'_>, fence: u64, since: Time) -> Ticket {
    space.adopt(ask, fence, since).expect("it names its key by its units")
}

#[test]
fn a_hold_that_was_taken_in_keeps_others_out_until_it_is_released() {
    let space = Space::new(1);
    let holder = adopt(&space, ask(0, Mode::Write), 1, at(0));
    assert!(matches!(space.request(ask(1, Mode::Read), at(0)).result, Requested::Waiting(_)));
    let released = space.release(holder, at(0));
    assert_eq!(released.result, Released::Held);
    assert!(matches!(released.events.as_slice(), [Event::Granted { port: PORT, tag: 1, .. }]));
}

#[test]
fn readers_are_taken_in_in_order_with_their_fences_and_times() {
    let space = Space::new(1);
    let grants = [(0, 5, 10), (1, 6, 20), (2, 9, 20)];
    let tickets = grants.map(|(tag, fence, ms)| adopt(&space, ask(tag, Mode::Read), fence, at(ms)));
    assert!(matches!(space.request(ask(3, Mode::Write), at(30)).result, Requested::Waiting(_)));
    let expected = grants.map(|(_, fence, ms)| HoldReport {
        port: PORT,
        mode: Mode::Read,
        since: at(ms),
        grant: Grant { fence, recovered: false },
    });
    assert_eq!(space.query()[0].holders, expected);
    let slots = tickets.map(|ticket| space.slot_of(ticket));
    assert!(slots[0].is_some() && slots.iter().all(|slot| *slot == slots[0]), "{slots:?}");
}

#[test]
fn its_expiry_counts_from_its_grant() {
    let space = Space::new(1);
    let expiry = Some(Duration::from_millis(10));
    adopt(&space, Ask { expiry, ..ask(0, Mode::Write) }, 1, at(100));
    assert_eq!(space.next_deadline(), None, "nobody waits");
    let outcome = space.request(ask(1, Mode::Write), at(103));
    assert_eq!(outcome.next_deadline, Some(at(110)));
    assert!(space.expire(at(109)).events.is_empty());
    let events = space.expire(at(110)).events;
    assert!(matches!(
        events.as_slice(),
        [Event::Expired { tag: 0, .. }, Event::Granted { tag: 1, grant: Grant { recovered: true, .. }, .. }]
    ));
}

#[test]
fn one_that_is_overdue_already_is_taken_away_by_the_next_request() {
    let space = Space::new(1);
    let expiry = Some(Duration::from_millis(10));
    adopt(&space, Ask { expiry, ..ask(0, Mode::Read) }, 1, at(100));
    let outcome = space.request(ask(1, Mode::Read), at(110));
    assert!(matches!(outcome.result, Requested::Granted(..)));
    assert!(matches!(outcome.events.as_slice(), [Event::Expired { tag: 0, .. }]));
}

#[test]
fn later_grants_have_higher_fences_whatever_their_key() {
    let space = Space::new(16);
    adopt(&space, ask(0, Mode::Write), 41, at(0));
    let granted = |key: u16| {
        let units = [key];
        let ask = Ask { key: (&units).into(), ..ask(1, Mode::Write) };
        space.request(ask, at(0)).result.granted().expect("the key is free").fence
    };
    assert_eq!(granted(2), 42);
    space.raise_fences(100);
    assert_eq!(granted(3), 101);
    space.raise_fences(50);
    adopt(&space, Ask { key: KeyName::Units(&[9]), ..ask(2, Mode::Write) }, 7, at(0));
    assert_eq!(granted(4), 102, "a lower one changes nothing");
}

#[test]
fn it_ends_with_its_port_and_leaves_the_key_recovered() {
    let space = Space::new(1);
    let holder = adopt(&space, ask(0, Mode::Write), 1, at(0));
    let other = Ask { port: Port(2), ..ask(1, Mode::Write) };
    assert!(matches!(space.request(other, at(0)).result, Requested::Waiting(_)));
    let events = space.detach(PORT, at(0)).events;
    assert!(matches!(
        events.as_slice(),
        [Event::Granted { tag: 1, grant: Grant { recovered: true, .. }, .. }]
    ));
    assert_eq!(space.release(holder, at(0)).result, Released::NotHeld);
}

#[test]
fn it_can_be_downgraded() {
    let space = Space::new(1);
    let holder = adopt(&space, ask(0, Mode::Write), 1, at(0));
    assert!(matches!(space.request(ask(1, Mode::Read), at(0)).result, Requested::Waiting(_)));
    let downgraded = space.downgrade(holder, at(0));
    assert!(downgraded.result);
    assert!(matches!(downgraded.events.as_slice(), [Event::Granted { tag: 1, .. }]));
}
