//! A key's slot names it for as long as the key is in use or remembered, and no other key ever. In a space of one thread,
//! whose keys have numbers instead, it is the thread that sees to that.

use std::time::Duration;

use latchkey_engine::{
    Ask, KeyName, KeySlot, LocalSpace, LockTable, Member, Mode, Patience, Released, Requested, Space, Ticket,
    Time,
};

fn ask(key: KeyName<'_>) -> Ask<'_> {
    Ask { member: Member(1), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever }
}

fn take(space: &Space, key: KeyName<'_>) -> Ticket {
    let requested = space.request(ask(key), &mut Time::default()).result;
    let Requested::Granted(ticket, _) = requested else { panic!("{requested:?}") };
    ticket
}

/// The same by its text, and the slot that it learns.
fn take_slot(space: &Space, key: &[u16; 1]) -> (Ticket, KeySlot) {
    let outcome = space.request(ask(key.into()), &mut Time::default());
    (outcome.result.ticket().expect("it is free"), outcome.slot.expect("it named the key by its text"))
}

fn wait(space: &Space, key: KeyName<'_>) -> Ticket {
    let requested = space.request(ask(key), &mut Time::default()).result;
    let Requested::Waiting(ticket) = requested else { panic!("{requested:?}") };
    ticket
}

fn release(space: &Space, ticket: Ticket) -> Released {
    space.release(ticket, &mut Time::default()).result
}

/// With one shard, and with many.
fn on_spaces(test: impl Fn(Space)) {
    [1, 16].map(|shards| Space::keeping(0, shards)).into_iter().for_each(test);
}

#[test]
fn holders_and_waiters_of_a_key_have_one_slot_and_other_keys_have_others() {
    on_spaces(|space| {
        let keys: Vec<_> = (0..100_u16).map(|n| [n]).collect();
        let slots: Vec<_> = keys
            .iter()
            .map(|key| {
                let (_, slot) = take_slot(&space, key);
                assert_eq!(space.request(ask(key.into()), &mut Time::default()).slot, Some(slot));
                slot
            })
            .collect();
        for (n, slot) in slots.iter().enumerate() {
            assert!(!slots[..n].contains(slot), "two keys have {slot:?}");
        }
    });
}

#[test]
fn a_request_by_slot_joins_the_queue_of_that_key() {
    on_spaces(|space| {
        let holders = [[1], [2]].map(|key| take_slot(&space, &key));
        let waiters = holders.map(|(_, slot)| wait(&space, KeyName::Slot(slot)));
        for ((holder, _), waiter) in holders.into_iter().zip(waiters) {
            assert_eq!(release(&space, holder), Released::Held);
            assert_eq!(release(&space, waiter), Released::HeldLast, "it was granted");
        }
    });
}

#[test]
fn a_request_that_is_refused_or_names_a_slot_learns_none() {
    on_spaces(|space| {
        let (_, slot) = take_slot(&space, &[1]);
        let refused = Ask { patience: Patience::None, ..ask((&[1]).into()) };
        assert_eq!(space.request(refused, &mut Time::default()).slot, None);
        assert_eq!(space.request(ask(KeyName::Slot(slot)), &mut Time::default()).slot, None);
    });
}

#[test]
fn the_slot_of_a_forgotten_key_is_recognised_and_nothing_happens() {
    on_spaces(|space| {
        let (holder, stale) = take_slot(&space, &[1]);
        assert_eq!(release(&space, holder), Released::HeldLast);
        assert_refused(&space, stale);
        assert_eq!(space.query(), []);
        assert_eq!(space.expire(&mut Time::default()).next_deadline, None);
    });
}

#[test]
fn the_slot_of_a_forgotten_key_is_not_another_ones_that_is_kept_in_its_place() {
    let space = Space::keeping(0, 1);
    let (holder, stale) = take_slot(&space, &[1]);
    release(&space, holder);
    for key in [[2], [1]] {
        // The other key, then the same one anew.
        let (holder, slot) = take_slot(&space, &key);
        assert_eq!(slot.index, stale.index, "its place is used again, or this test proves nothing");
        assert_ne!(slot, stale);
        assert_refused(&space, stale);
        assert_held_once(&space);
        release(&space, holder);
    }
}

#[test]
fn a_slot_that_never_was_is_recognised_too() {
    on_spaces(|space| {
        take(&space, (&[1]).into());
        for index in [0, 1, 99, u32::MAX] {
            assert_refused(&space, KeySlot { index, generation: 999 });
        }
        assert_held_once(&space);
    });
}

#[test]
fn a_recovered_key_keeps_its_slot_while_nobody_holds_it() {
    on_spaces(|space| {
        let key = [1];
        let late = Time::from(Duration::from_secs(1));
        let expiry = Some(Duration::from_millis(1));
        let _ = space.request(Ask { expiry, ..ask((&key).into()) }, &mut Time::default());
        let reader = Ask { mode: Mode::Read, ..ask((&key).into()) };
        let outcome = space.request(reader, &mut { late });
        let Requested::Granted(reader, grant) = outcome.result else { panic!() };
        assert!(grant.recovered);
        let slot = outcome.slot.expect("it named the key by its text");
        assert_eq!(release(&space, reader), Released::Held, "the key is remembered");
        let writer = take(&space, KeyName::Slot(slot));
        assert_eq!(release(&space, writer), Released::HeldLast, "it made the key whole");
        assert_refused(&space, slot);
    });
}

/// Asserts that there is one hold, and nothing else.
fn assert_held_once(space: &Space) {
    let reports = space.query();
    let [report] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((report.requests.len(), report.waiting), (1, 0));
}

/// Asserts that a slot is no key's, whatever is asked of it.
fn assert_refused(space: &Space, stale: KeySlot) {
    let before = space.query();
    for patience in [Patience::Forever, Patience::For(Duration::from_secs(1)), Patience::None] {
        let outcome = space.request(Ask { patience, ..ask(KeyName::Slot(stale)) }, &mut Time::default());
        assert_eq!(outcome.result, Requested::Forgotten);
        assert!(outcome.events.is_empty());
        assert_eq!(outcome.result.ticket(), None);
    }
    assert_eq!(space.query(), before);
}

fn number(index: u32) -> KeyName<'static> {
    KeyName::Slot(KeySlot { index, generation: 0 })
}

fn take_local(space: &LocalSpace, key: KeyName<'_>) -> Ticket {
    let requested = space.request(ask(key), &mut Time::default()).result;
    let Requested::Granted(ticket, _) = requested else { panic!("{requested:?}") };
    ticket
}

#[test]
fn a_number_names_a_key_from_its_first_use_on_whatever_the_generation() {
    let space = LocalSpace::default();
    let holders = [5, 0, 1].map(|index| take_local(&space, number(index)));
    for (index, holder) in [5, 0, 1].into_iter().zip(holders) {
        let same = KeyName::Slot(KeySlot { index, generation: 7 });
        let Requested::Waiting(waiter) = space.request(ask(same), &mut Time::default()).result else {
            panic!()
        };
        assert_eq!(space.release(holder, &mut Time::default()).result, Released::Held);
        assert_eq!(space.release(waiter, &mut Time::default()).result, Released::HeldLast, "it was granted");
    }
}

#[test]
fn the_last_holder_knows_when_a_number_can_be_another_keys() {
    let space = LocalSpace::default();
    let stale = take_local(&space, number(0));
    assert_eq!(space.release(stale, &mut Time::default()).result, Released::HeldLast);
    let other = take_local(&space, number(0));
    assert_eq!(space.release(stale, &mut Time::default()).result, Released::NotHeld);
    assert_eq!(space.release(other, &mut Time::default()).result, Released::HeldLast);
}

#[test]
fn a_recovered_key_keeps_its_number_while_nobody_holds_it() {
    let space = LocalSpace::default();
    let late = Time::from(Duration::from_secs(1));
    let expiry = Some(Duration::from_millis(1));
    let _ = space.request(Ask { expiry, ..ask(number(0)) }, &mut Time::default());
    let reader = space.request(Ask { mode: Mode::Read, ..ask(number(0)) }, &mut { late }).result;
    let Requested::Granted(reader, grant) = reader else { panic!("{reader:?}") };
    assert!(grant.recovered);
    assert_eq!(space.release(reader, &mut { late }).result, Released::Held, "the key is remembered");
    let writer = take_local(&space, number(0));
    assert_eq!(space.release(writer, &mut { late }).result, Released::HeldLast, "it made the key whole");
}

#[test]
fn a_text_names_no_key_of_one_thread_and_nothing_happens() {
    let space = LocalSpace::default();
    let by_text = ask((&[1]).into());
    assert_eq!(space.request(by_text, &mut Time::default()).result, Requested::Forgotten);
    assert_eq!((space.append(&by_text), space.adopt(&by_text, Time::ZERO)), (None, None));
    space.adopt_counted(&by_text, 1);
    assert_eq!(space.release_counted(&by_text, &mut { Time::ZERO }).result, Released::NotHeld);
    assert_eq!(space.release_counted(&ask(number(0)), &mut { Time::ZERO }).result, Released::NotHeld);
    let holder = take_local(&space, number(0));
    assert_eq!(space.release(holder, &mut Time::default()).result, Released::HeldLast);
}
