//! A hold older than its expiry is taken away when, and only when, another request waits.

mod support;
use std::time::Duration;

use latchkey_engine::{LockTable, Released, Safety};
use support::{READ, WRITE, World};

#[test]
fn without_a_waiter_a_hold_never_expires_and_nobody_has_to_look() {
    let mut world = World::new();
    let holder = world.expiring(10).write("k");
    assert_eq!(world.next_deadline(), None);
    world.advance(1_000_000);
    assert_eq!(world.expire(), [""; 0]);
    assert_eq!(world.release(holder), [""; 0]);
}

#[test]
fn with_a_waiter_it_is_taken_away_at_its_deadline_and_notified_before_the_next_is_granted() {
    let mut world = World::new();
    let holder = world.expiring(10).write("k");
    world.advance(3);
    let waiter = world.write("k");
    assert_eq!(world.next_deadline(), Some(10), "counted from the grant, not from the waiter");
    world.advance(6);
    assert_eq!(world.expire(), [""; 0], "one millisecond is left");
    world.advance(1);
    assert_eq!(world.expire(), [format!("{holder} expired"), format!("{waiter} granted")]);
    assert_eq!(world.next_deadline(), None);
}

#[test]
fn a_request_that_arrives_later_than_the_deadline_takes_it_away_itself() {
    for mode in [READ, WRITE] {
        let mut world = World::new();
        let holder = world.expiring(10).read("k");
        world.advance(10);
        let (newcomer, heard) = world.ask_and_hear("k", mode);
        assert_eq!(heard, [format!("{holder} expired")], "a compatible newcomer ({mode:?}) too");
        assert!(world.holds(newcomer));
    }
}

#[test]
fn after_the_waiter_left_the_hold_is_safe_again() {
    let mut world = World::new();
    let holder = world.expiring(10).write("k");
    let waiter = world.write("k");
    assert_eq!(world.cancel(waiter), [""; 0]);
    assert_eq!(world.next_deadline(), None);
    world.advance(100);
    assert_eq!(world.expire(), [""; 0]);
    assert_eq!(world.release(holder), [""; 0]);
}

#[test]
fn each_hold_of_a_long_queue_gets_its_full_time() {
    let mut world = World::new();
    let tags: Vec<_> = (0..5).map(|_| world.expiring(10).write("k")).collect();
    for pair in tags.windows(2) {
        world.advance(10);
        assert_eq!(world.expire(), [format!("{} expired", pair[0]), format!("{} granted", pair[1])]);
    }
    assert_eq!(world.next_deadline(), None, "the last one has nobody behind it");
}

#[test]
fn of_several_readers_only_the_overdue_ones_are_taken_away() {
    let mut world = World::new();
    let patient = world.expiring(0).read("k");
    let slow = world.expiring(30).read("k");
    let quick = world.expiring(10).read("k");
    let writer = world.write("k");
    world.advance(10);
    assert_eq!(world.expire(), [format!("{quick} expired")]);
    assert_eq!(world.next_deadline(), Some(30));
    world.advance(20);
    assert_eq!(world.expire(), [format!("{slow} expired")]);
    assert_eq!(world.next_deadline(), None, "the one that is left never expires");
    assert_eq!(world.release(patient), [format!("{writer} granted")]);
}

#[test]
fn readers_that_were_let_in_together_expire_in_the_order_of_their_grants() {
    let mut world = World::new();
    // Places are used again in the reverse order of their leaving: the readers will stand in them backwards.
    let earlier: Vec<_> = (0..4).map(|_| world.read("k")).collect();
    earlier.into_iter().for_each(|reader| assert_eq!(world.release(reader), [""; 0]));
    let writer = world.write("k");
    let readers: Vec<_> = (0..3).map(|_| world.expiring(10).read("k")).collect();
    assert_eq!(world.release(writer).len(), 3);
    let last = world.expiring(0).write("k");
    world.advance(10);
    let expired = readers.iter().map(|reader| format!("{reader} expired"));
    assert_eq!(world.expire(), expired.chain([format!("{last} granted")]).collect::<Vec<_>>());
}

#[test]
fn a_release_after_the_expiry_does_nothing_to_anyone() {
    let mut world = World::new();
    let holder = world.expiring(10).write("k");
    let waiter = world.write("k");
    world.advance(10);
    assert_eq!(world.expire().len(), 2);
    assert_eq!(world.space.release(world.ticket(holder), &mut { world.now }).result, Released::NotHeld);
    assert_eq!(world.release(waiter), [""; 0]);
}

#[test]
fn an_overdue_holder_that_releases_first_is_not_notified_of_an_expiry() {
    let mut world = World::new();
    let holder = world.expiring(10).write("k");
    let waiter = world.write("k");
    world.advance(50);
    assert_eq!(world.release(holder), [format!("{waiter} granted")]);
}

#[test]
fn an_expiry_longer_than_time_itself_is_none() {
    let mut world = World::new();
    world.expiring(u64::MAX).write("k");
    world.write("k");
    world.advance(u64::MAX / 4_000_000);
    assert_eq!(world.expire(), [""; 0]);
}

#[test]
fn a_hold_is_safe_until_its_deadline_and_its_own_until_somebody_comes() {
    let mut world = World::new();
    let (holder, endless) = (world.expiring(10).write("k"), world.expiring(0).write("other"));
    world.advance(4);
    assert_eq!(world.safety(holder), Safety::For(Duration::from_millis(6)));
    world.advance(100);
    assert_eq!(world.safety(holder), Safety::For(Duration::ZERO));
    let (next, heard) = world.expiring(0).ask_and_hear("k", WRITE);
    assert_eq!(heard, [format!("{holder} expired")]);
    assert_eq!((world.safety(holder), world.safety(next)), (Safety::Over, Safety::Endless));
    world.release(endless);
    assert_eq!(world.safety(endless), Safety::Over);
}
