//! A key's slot names it for as long as the key is in use or remembered, and no other key ever. In a space of one thread,
//! whose keys have numbers instead, it is the thread that sees to that.

use std::time::Duration;

use latchkey_engine::{
    Ask, KeyName, KeySlot, LocalSpace, Mode, Patience, Port, Released, Requested, Space, Ticket, Time,
};

fn ask(key: KeyName<'_>) -> Ask<'_> {
    Ask { port: Port(1), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever }
}

fn take(space: &Space, key: KeyName<'_>) -> Ticket {
    let requested = space.request(ask(key), Time::ZERO).result;
    let Requested::Granted(ticket, _) = requested else { panic!("{requested:?}") };
    ticket
}

fn wait(space: &Space, key: KeyName<'_>) -> Ticket {
    let requested = space.request(ask(key), Time::ZERO).result;
    let Requested::Waiting(ticket) = requested else { panic!("{requested:?}") };
    ticket
}

fn release(space: &Space, ticket: Ticket) -> Released {
    space.release(ticket, Time::ZERO).result
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
                let holder = space.slot_of(take(&space, key.into()));
                assert_eq!(space.slot_of(wait(&space, key.into())), holder);
                holder.expect("it is live")
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
        let holders = [[1], [2]].map(|key| take(&space, (&key).into()));
        let slots = holders.map(|holder| space.slot_of(holder).expect("it is live"));
        let waiters = slots.map(|slot| wait(&space, KeyName::Slot(slot)));
        for (holder, waiter) in holders.into_iter().zip(waiters) {
            assert_eq!(release(&space, holder), Released::Held);
            assert_eq!(release(&space, waiter), Released::HeldLast, "it was granted");
        }
    });
}

#[test]
fn a_request_that_has_ended_has_no_slot() {
    on_spaces(|space| {
        let holder = take(&space, (&[1]).into());
        let waiter = wait(&space, (&[1]).into());
        assert!(space.cancel(waiter, Time::ZERO).result);
        assert_eq!(space.slot_of(waiter), None);
        release(&space, holder);
        assert_eq!(space.slot_of(holder), None);
    });
}

#[test]
fn the_slot_of_a_forgotten_key_is_recognised_and_nothing_happens() {
    on_spaces(|space| {
        let holder = take(&space, (&[1]).into());
        let stale = space.slot_of(holder).expect("it is live");
        assert_eq!(release(&space, holder), Released::HeldLast);
        assert_refused(&space, stale);
        assert_eq!(space.query(), []);
        assert_eq!(space.expire(Time::ZERO).next_deadline, None);
    });
}

#[test]
fn the_slot_of_a_forgotten_key_is_not_another_ones_that_is_kept_in_its_place() {
    let space = Space::keeping(0, 1);
    let holder = take(&space, (&[1]).into());
    let stale = space.slot_of(holder).expect("it is live");
    release(&space, holder);
    for key in [[2], [1]] {
        // The other key, then the same one anew.
        let holder = take(&space, (&key).into());
        let slot = space.slot_of(holder).expect("it is live");
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
        let _ = space.request(Ask { expiry, ..ask((&key).into()) }, Time::ZERO);
        let reader = Ask { mode: Mode::Read, ..ask((&key).into()) };
        let Requested::Granted(reader, grant) = space.request(reader, late).result else { panic!() };
        assert!(grant.recovered);
        let slot = space.slot_of(reader).expect("it is live");
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
    assert_eq!((report.holders.len(), report.waiting.len()), (1, 0));
}

/// Asserts that a slot is no key's, whatever is asked of it.
fn assert_refused(space: &Space, stale: KeySlot) {
    let before = space.query();
    for patience in [Patience::Forever, Patience::For(Duration::from_secs(1)), Patience::None] {
        let outcome = space.request(Ask { patience, ..ask(KeyName::Slot(stale)) }, Time::ZERO);
        assert_eq!(outcome.result, Requested::Forgotten);
        assert!(outcome.events.is_empty());
        assert_eq!((outcome.result.ticket(), outcome.result.granted()), (None, None));
    }
    assert_eq!(space.query(), before);
}

fn number(index: u32) -> KeyName<'static> {
    KeyName::Slot(KeySlot { index, generation: 0 })
}

fn take_local(space: &LocalSpace, key: KeyName<'_>) -> Ticket {
    let requested = space.request(ask(key), Time::ZERO).result;
    let Requested::Granted(ticket, _) = requested else { panic!("{requested:?}") };
    ticket
}

#[test]
fn a_number_names_a_key_from_its_first_use_on_whatever_the_generation() {
    let space = LocalSpace::default();
    let holders = [5, 0, 1].map(|index| take_local(&space, number(index)));
    for (index, holder) in [5, 0, 1].into_iter().zip(holders) {
        let same = KeyName::Slot(KeySlot { index, generation: 7 });
        let Requested::Waiting(waiter) = space.request(ask(same), Time::ZERO).result else { panic!() };
        assert_eq!(space.release(holder, Time::ZERO).result, Released::Held);
        assert_eq!(space.release(waiter, Time::ZERO).result, Released::HeldLast, "it was granted");
    }
}

#[test]
fn the_last_holder_knows_when_a_number_can_be_another_keys() {
    let space = LocalSpace::default();
    let stale = take_local(&space, number(0));
    assert_eq!(space.release(stale, Time::ZERO).result, Released::HeldLast);
    let other = take_local(&space, number(0));
    assert_eq!(space.release(stale, Time::ZERO).result, Released::NotHeld);
    assert_eq!(space.release(other, Time::ZERO).result, Released::HeldLast);
}

#[test]
fn a_recovered_key_keeps_its_number_while_nobody_holds_it() {
    let space = LocalSpace::default();
    let late = Time::from(Duration::from_secs(1));
    let expiry = Some(Duration::from_millis(1));
    let _ = space.request(Ask { expiry, ..ask(number(0)) }, Time::ZERO);
    let reader = space.request(Ask { mode: Mode::Read, ..ask(number(0)) }, late).result;
    let Requested::Granted(reader, grant) = reader else { panic!("{reader:?}") };
    assert!(grant.recovered);
    assert_eq!(space.release(reader, late).result, Released::Held, "the key is remembered");
    let writer = take_local(&space, number(0));
    assert_eq!(space.release(writer, late).result, Released::HeldLast, "it made the key whole");
}

#[test]
fn a_text_names_no_key_of_one_thread_and_nothing_happens() {
    let space = LocalSpace::default();
    let by_text = ask((&[1]).into());
    assert_eq!(space.request(by_text, Time::ZERO).result, Requested::Forgotten);
    assert_eq!((space.append(&by_text), space.adopt(&by_text, Time::ZERO)), (None, None));
    space.adopt_counted(&by_text, 1);
    assert_eq!(space.release_counted(&by_text, Time::ZERO).result, Released::NotHeld);
    assert_eq!(space.release_counted(&ask(number(0)), Time::ZERO).result, Released::NotHeld);
    let holder = take_local(&space, number(0));
    assert_eq!(space.release(holder, Time::ZERO).result, Released::HeldLast);
}
