//! A key without holds and requests costs nothing, but for a few that are remembered if so asked; and keys are compared
//! exactly.

mod support;
use latchkey_engine::{
    Ask, KeyName, KeySlot, LocalSpace, Mode, Patience, Port, Released, Space, Ticket, Time, Usage,
};
use support::World;

#[test]
fn idle_keys_are_forgotten() {
    let mut world = World::new();
    for n in 0..10_000 {
        let tag = world.write(&format!("key {n}"));
        assert_eq!(world.release(tag), [""; 0]);
    }
    assert_eq!(world.space.usage(), Usage::default());
}

#[test]
fn idle_keys_of_one_thread_are_forgotten_whatever_their_numbers() {
    let space = LocalSpace::default();
    for index in 0..1_000 {
        let slot = KeySlot { index, generation: 0 };
        let ticket = space.request(ask(KeyName::Slot(slot)), Time::ZERO).result.ticket().expect("it is free");
        assert_eq!(space.usage(), Usage { keys: 1, holds: 1, ..Usage::default() });
        assert_eq!(space.release(ticket, Time::ZERO).result, Released::HeldLast);
    }
    assert_eq!(space.usage(), Usage::default());
}

#[test]
fn so_many_idle_keys_are_remembered_and_no_more() {
    for shards in [1, 16] {
        let space = Space::keeping(4, shards);
        for n in 0..10_000_u16 {
            release(&space, take(&space, (&[n]).into()));
            assert!(space.usage().idle <= 4 * shards as usize);
        }
        assert_eq!(space.usage(), Usage { idle: 4 * shards as usize, ..Usage::default() });
    }
}

#[test]
fn the_idle_key_that_came_to_rest_first_is_forgotten_first() {
    let space = Space::keeping(2, 1);
    let slots = [[1], [2], [3]].map(|key| {
        let ticket = take(&space, (&key).into());
        let slot = space.slot_of(ticket).expect("it is live");
        release(&space, ticket);
        slot
    });
    let known = slots.map(|slot| {
        let requested = space.request(ask(KeyName::Slot(slot)), Time::ZERO).result;
        requested.ticket().inspect(|&ticket| release(&space, ticket)).is_some()
    });
    assert_eq!(known, [false, true, true]);
}

#[test]
fn a_key_that_is_used_again_is_not_forgotten_in_favour_of_idle_ones() {
    let space = Space::keeping(2, 1);
    let first = take(&space, (&[0]).into());
    let slot = space.slot_of(first).expect("it is live");
    release(&space, first);
    let holder = take(&space, KeyName::Slot(slot));
    for n in 1..100 {
        release(&space, take(&space, (&[n]).into()));
    }
    assert_eq!(space.slot_of(holder), Some(slot));
    assert_eq!(space.usage(), Usage { keys: 1, idle: 2, holds: 1, waiting: 0 });
    release(&space, holder);
    release(&space, take(&space, KeyName::Slot(slot)));
    assert_eq!(space.usage(), Usage { idle: 2, ..Usage::default() });
}

fn ask(key: KeyName<'_>) -> Ask<'_> {
    Ask { port: Port(0), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever }
}

fn take(space: &Space, key: KeyName<'_>) -> Ticket {
    space.request(ask(key), Time::ZERO).result.ticket().expect("it is free")
}

fn release(space: &Space, ticket: Ticket) {
    assert_ne!(space.release(ticket, Time::ZERO).result, Released::NotHeld);
}

#[test]
fn usage_counts_holds_and_waiters_of_all_shards() {
    let mut world = World::new();
    for n in 0..100 {
        world.read(&format!("key {n}"));
        world.write(&format!("key {n}"));
    }
    assert_eq!(world.space.usage(), Usage { keys: 100, holds: 100, waiting: 100, ..Usage::default() });
}

#[test]
fn lone_surrogates_the_empty_key_and_nul_are_different_keys() {
    let space = Space::keeping(0, 1);
    let keys: [&[u16]; 7] = [&[], &[0], &[0, 0], &[0xd800], &[0xd801], &[0xfffd], &[0xd800, 0xdc00]];
    for (tag, key) in (0..).zip(keys) {
        let ask = Ask { tag, ..ask(key.into()) };
        assert!(space.request(ask, Time::ZERO).result.granted().is_some(), "{key:x?} was taken");
    }
}
