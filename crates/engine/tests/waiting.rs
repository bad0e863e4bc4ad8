//! How long a request is willing to wait, and how a writer becomes a reader.

mod support;
use std::time::Duration;

use latchkey_engine::{Ask, LockTable, Member, Mode, Patience, Requested, Time};
use support::World;

fn for_milliseconds(limit: u64) -> Patience {
    Patience::For(Duration::from_millis(limit))
}

#[test]
fn a_request_that_waited_long_enough_leaves_and_those_behind_it_move_up() {
    let mut world = World::new();
    let _holder = world.read("k");
    let writer = world.with_patience(for_milliseconds(10)).write("k");
    let reader = world.with_patience(Patience::Forever).read("k");
    assert_eq!(world.next_deadline(), Some(10));
    world.advance(9);
    assert_eq!(world.expire(), [""; 0]);
    world.advance(1);
    assert_eq!(world.expire(), [format!("{writer} timed out"), format!("{reader} granted")]);
    assert_eq!(world.next_deadline(), None);
}

#[test]
fn a_granted_request_has_no_limit_any_more() {
    let mut world = World::new();
    let holder = world.write("k");
    let waiter = world.with_patience(for_milliseconds(10)).write("k");
    assert_eq!(world.release(holder), [format!("{waiter} granted")]);
    world.advance(20);
    assert_eq!(world.expire(), [""; 0]);
    assert_eq!(world.next_deadline(), None);
}

#[test]
fn an_expiry_at_the_same_moment_comes_before_the_limit_it_saves() {
    let mut world = World::new();
    let holder = world.expiring(10).write("k");
    let waiter = world.with_patience(for_milliseconds(10)).write("k");
    world.advance(10);
    assert_eq!(world.expire(), [format!("{holder} expired"), format!("{waiter} granted")]);
}

#[test]
fn who_would_not_wait_is_refused_and_leaves_nothing() {
    let mut world = World::new();
    let holder = world.write("k");
    let before = world.space.query();
    for mode in [Mode::Read, Mode::Write] {
        let ask = Ask {
            member: Member(9),
            tag: 99,
            key: (&[0x6b]).into(),
            mode,
            expiry: None,
            patience: Patience::None,
        };
        assert_eq!(world.space.request(ask, &mut Time::default()).result, Requested::Refused);
    }
    assert_eq!(world.space.query(), before);
    assert_eq!(world.release(holder), [""; 0]);
}

#[test]
fn who_would_not_wait_still_ends_an_overdue_hold() {
    let mut world = World::new();
    let overdue = world.expiring(10).write("k");
    world.advance(10);
    let (newcomer, heard) = world.with_patience(Patience::None).ask_and_hear("k", Mode::Write);
    assert_eq!(heard, [format!("{overdue} expired")]);
    assert!(world.holds(newcomer));
}

#[test]
fn a_downgrade_lets_in_the_readers_at_the_head_and_no_writer() {
    let mut world = World::new();
    let holder = world.write("k");
    let [one, two] = [(); 2].map(|()| world.read("k"));
    let writer = world.write("k");
    let _late = world.read("k");
    let outcome = world.space.downgrade(world.ticket(holder), &mut { world.now });
    assert!(outcome.result);
    assert_eq!(world.hear(outcome.events), [format!("{one} granted"), format!("{two} granted")]);
    let again = world.space.downgrade(world.ticket(holder), &mut { world.now });
    assert!(again.result && again.events.is_empty(), "it reads already");
    for reader in [one, two] {
        assert_eq!(world.release(reader), [""; 0]);
    }
    assert_eq!(world.release(holder), [format!("{writer} granted")]);
}

#[test]
fn a_downgraded_hold_counts_as_a_writer_that_ended_well() {
    let mut world = World::new();
    world.on_member(1).write("k");
    assert_eq!(world.detach(1), [""; 0]);
    let healer = world.on_member(2).write("k");
    assert!(world.grant(healer).unwrap().recovered);
    assert!(world.space.downgrade(world.ticket(healer), &mut { world.now }).result);
    assert_eq!(world.detach(2), [""; 0], "it dies as a reader: no mark");
    let next = world.on_member(3).read("k");
    assert!(!world.grant(next).unwrap().recovered);
}

#[test]
fn only_a_hold_can_be_downgraded() {
    let mut world = World::new();
    world.write("k");
    let waiting = world.write("k");
    assert!(!world.space.downgrade(world.ticket(waiting), &mut { world.now }).result);
}

#[test]
fn the_first_holders_of_a_key_and_how_many_wait_for_it() {
    let mut world = World::new();
    let first = world.read("k");
    world.read("k");
    world.write("k");
    world.write("k");
    let found = world.space.query_key(&[u16::from(b'k')], 1).unwrap();
    let holders: Vec<_> = found.requests.iter().map(|holder| holder.tag).collect();
    assert_eq!((holders, found.waiting), (vec![first], 2));
    assert_eq!(world.space.query_key(&[u16::from(b'x')], 1), None);
}
