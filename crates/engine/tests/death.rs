//! What a member owns ends with it, and a write hold that ends by death or expiry leaves a mark.

mod support;
use std::time::Duration;

use latchkey_engine::{Ask, KeyName, LockTable, Member, Patience, Requested, Space, Time};
use support::{READ, WRITE, World};

#[test]
fn a_dead_members_holds_are_freed_and_its_requests_leave_the_queues() {
    let mut world = World::new();
    let _dead_holder = world.on_member(1).write("k");
    let _dead_waiter = world.on_member(1).write("k");
    let [one, two] = [(); 2].map(|()| world.on_member(2).read("k"));
    let _dead_reader = world.on_member(1).read("k");
    assert_eq!(world.detach(1), [format!("{one} granted"), format!("{two} granted")]);
    assert_eq!(world.reported("k"), (2, 0));
    assert_eq!(world.detach(2), [""; 0]);
}

#[test]
fn detaching_a_member_that_owns_nothing_does_nothing() {
    let mut world = World::new();
    let holder = world.on_member(1).write("k");
    assert_eq!(world.detach(2), [""; 0]);
    assert_eq!(world.release(holder), [""; 0]);
}

#[test]
fn a_write_hold_lost_by_death_marks_its_key_until_a_writer_is_released_normally() {
    let mut world = World::new();
    world.on_member(1).write("k");
    assert_eq!(world.detach(1), [""; 0]);

    let reader = world.on_member(2).read("k");
    assert!(world.grant(reader).unwrap().recovered);
    assert_eq!(world.release(reader), [""; 0]);

    let writer = world.write("k");
    assert!(world.grant(writer).unwrap().recovered, "a reader does not heal");
    assert_eq!(world.release(writer), [""; 0]);

    let healed = world.write("k");
    assert!(!world.grant(healed).unwrap().recovered);
    world.release_last(healed);
}

#[test]
fn a_write_hold_lost_by_expiry_marks_its_key_too() {
    let mut world = World::new();
    world.expiring(10).write("k");
    let waiter = world.write("k");
    world.advance(10);
    assert_eq!(world.expire().len(), 2);
    assert!(world.grant(waiter).unwrap().recovered);
}

#[test]
fn a_lost_read_hold_and_a_lost_waiter_leave_no_mark() {
    let mut world = World::new();
    world.on_member(1).read("k");
    world.on_member(1).write("k");
    assert_eq!(world.detach(1), [""; 0]);
    let writer = world.on_member(2).write("k");
    assert!(!world.grant(writer).unwrap().recovered);
}

#[test]
fn a_write_hold_that_is_given_back_unused_heals_nothing() {
    let mut world = World::new();
    world.on_member(1).write("k");
    assert_eq!(world.detach(1), [""; 0]);
    let unaware = world.on_member(2).write("k");
    let waiter = world.write("k");
    let outcome = world.space.give_back(world.ticket(unaware), &mut { world.now });
    assert_eq!(outcome.result, latchkey_engine::Released::Held);
    assert_eq!(world.hear(outcome.events), [format!("{waiter} granted")]);
    assert!(world.grant(waiter).unwrap().recovered);
}

#[test]
fn a_key_that_is_forgotten_when_its_member_dies_leaves_no_deadline_behind() {
    let space = Space::keeping(1, 1);
    let ask =
        |key, mode, expiry| Ask { member: Member(1), tag: 0, key, mode, expiry, patience: Patience::Forever };
    let take = |key, expiry| space.request(ask(key, READ, expiry), &mut Time::default());
    let (first, second) = ((&[1]).into(), (&[2]).into());
    let _ = take(first, None);
    let resting = take(second, None);
    let slot = resting.slot.expect("it named the key by its text");
    let _ = space.release(resting.result.ticket().expect("it is free"), &mut Time::default());
    // In use again, though it is among those that rest: the other one, when it comes to rest, takes its place there.
    let _ = take(second, Some(Duration::from_millis(10)));
    let waits = space.request(ask(second, WRITE, None), &mut Time::default());
    assert!(waits.next_deadline.is_some());
    assert_eq!(space.detach(Member(1), &mut Time::default()).next_deadline, None);
    let by_slot = space.request(ask(KeyName::Slot(slot), READ, None), &mut Time::default()).result;
    assert_eq!(by_slot, Requested::Forgotten, "or this test proves nothing");
    assert_eq!(space.query(), []);
    assert!(space.expire(&mut Time::from(Duration::from_secs(1))).events.is_empty());
}
