//! A key without holds and requests costs nothing, but for a few that are remembered if so asked; and keys are compared
//! exactly.

#[path = "support/allocator.rs"]
mod allocator;

use allocator::bytes;
use latchkey_engine::{
    Ask, KeyName, KeySlot, LocalSpace, LockTable, Member, Mode, Patience, Released, Requested, Space, Ticket,
    Time,
};

#[test]
fn idle_keys_are_forgotten() {
    for shards in [1, 16] {
        let space = Space::keeping(0, shards);
        let use_keys = |from: u16| {
            for n in from..from + 10_000 {
                release(&space, take(&space, (&[n]).into()));
            }
            bytes()
        };
        let before = use_keys(0);
        assert_eq!(use_keys(10_000), before, "{shards} shards");
    }
}

#[test]
fn numbers_that_one_thread_has_used_at_the_same_time_give_their_memory_back() {
    const KEYS: u32 = 10_000;
    let space = LocalSpace::default();
    let number = |index| KeyName::Slot(KeySlot { index, generation: 0 });
    let use_keys = |released: &mut dyn Iterator<Item = u32>| {
        let tickets: Vec<_> = (0..KEYS).map(|index| take(&space, number(index))).collect();
        released.for_each(|index| release(&space, tickets[index as usize]));
        drop(tickets);
        bytes()
    };
    let before = bytes();
    for after in [use_keys(&mut (0..KEYS)), use_keys(&mut (0..KEYS).rev())] {
        // Some are kept for those that come.
        assert!(after < before + 256 * 1024, "{} bytes", after - before);
    }
}

#[test]
fn keys_that_are_in_use_at_the_same_time_give_their_memory_back() {
    let space = Space::keeping(0, 1);
    let before = bytes();
    let holders: Vec<_> = (0..50_000_u16).map(|n| (n, take(&space, (&[n]).into()))).collect();
    let list = size_of_val(holders.as_slice()).cast_signed();
    assert!(bytes() - before > 50_000 * 50, "or this test proves nothing: {}", bytes() - before);
    for (n, holder) in holders {
        let waiter =
            space.request(ask((&[n]).into()), &mut Time::default()).result.ticket().expect("it waits");
        release(&space, holder);
        release(&space, waiter);
    }
    let left = bytes() - before;
    assert!(left < 64 * 1024, "{left} bytes are left, of a list of {list}");
}

#[test]
fn idle_keys_of_one_thread_cost_nothing_more_when_their_numbers_are_used_again() {
    let space = LocalSpace::default();
    let use_numbers = || {
        for index in 0..1_000 {
            let slot = KeySlot { index, generation: 0 };
            let ticket = space
                .request(ask(KeyName::Slot(slot)), &mut Time::default())
                .result
                .ticket()
                .expect("it is free");
            assert_eq!(space.release(ticket, &mut Time::default()).result, Released::HeldLast);
        }
        bytes()
    };
    let before = use_numbers();
    assert_eq!(use_numbers(), before);
}

#[test]
fn so_many_idle_keys_are_remembered_and_no_more() {
    for shards in [1, 16] {
        let space = Space::keeping(4, shards);
        let mut slots = Vec::new();
        for n in 0..10_000_u16 {
            slots.push(use_once(&space, &[n]));
            if n % 100 == 99 {
                assert!(known(&space, &slots).len() <= 4 * shards as usize);
            }
        }
        assert_eq!(known(&space, &slots).len(), 4 * shards as usize);
    }
}

#[test]
fn the_idle_key_that_came_to_rest_first_is_forgotten_first() {
    let space = Space::keeping(2, 1);
    let slots = [[1], [2], [3]].map(|key| use_once(&space, &key));
    assert_eq!(known(&space, &slots), slots[1..]);
}

#[test]
fn a_key_that_is_used_again_is_not_forgotten_in_favour_of_idle_ones() {
    let space = Space::keeping(2, 1);
    let slot = use_once(&space, &[0]);
    let holder = take(&space, KeyName::Slot(slot));
    let mut others = Vec::new();
    for n in 1..100 {
        others.push(use_once(&space, &[n]));
    }
    assert_eq!(known(&space, &others), others[97..]);
    release(&space, holder);
    assert_eq!(known(&space, &[slot]), [slot]);
    assert_eq!(known(&space, &others), others[98..]);
}

fn ask(key: KeyName<'_>) -> Ask<'_> {
    Ask { member: Member(0), tag: 0, key, mode: Mode::Write, expiry: None, patience: Patience::Forever }
}

fn take(space: &impl LockTable, key: KeyName<'_>) -> Ticket {
    space.request(ask(key), &mut Time::default()).result.ticket().expect("it is free")
}

/// Takes and releases a key, and says which slot it had.
fn use_once(space: &Space, key: &[u16; 1]) -> KeySlot {
    let outcome = space.request(ask(key.into()), &mut Time::default());
    release(space, outcome.result.ticket().expect("it is free"));
    outcome.slot.expect("it named the key by its text")
}

fn release(space: &impl LockTable, ticket: Ticket) {
    assert_ne!(space.release(ticket, &mut Time::default()).result, Released::NotHeld);
}

/// Those of the slots of idle keys whose keys are remembered. To look changes nothing: who is remembered stays so.
fn known(space: &Space, slots: &[KeySlot]) -> Vec<KeySlot> {
    let is_known =
        |slot: &KeySlot| match space.request(ask(KeyName::Slot(*slot)), &mut Time::default()).result {
            Requested::Granted(ticket, _) => {
                release(space, ticket);
                true
            }
            other => {
                assert_eq!(other, Requested::Forgotten);
                false
            }
        };
    slots.iter().copied().filter(is_known).collect()
}

#[test]
fn a_query_reports_the_holders_and_waiters_of_all_shards() {
    let space = Space::keeping(0, 16);
    for n in 0..100 {
        let [_holder, _waiter] = [0, 1].map(|tag| {
            space
                .request(Ask { tag, ..ask((&[n]).into()) }, &mut Time::default())
                .result
                .ticket()
                .expect("it may wait")
        });
    }
    let reports = space.query();
    assert_eq!(reports.len(), 100);
    assert!(reports.iter().all(|report| (report.requests.len(), report.waiting) == (2, 1)));
}

#[test]
fn lone_surrogates_the_empty_key_and_nul_are_different_keys() {
    let space = Space::keeping(0, 1);
    let keys: [&[u16]; 7] = [&[], &[0], &[0, 0], &[0xd800], &[0xd801], &[0xfffd], &[0xd800, 0xdc00]];
    for (tag, key) in (0..).zip(keys) {
        let ask = Ask { tag, ..ask(key.into()) };
        let requested = space.request(ask, &mut Time::default()).result;
        assert!(matches!(requested, Requested::Granted(..)), "{key:x?} was taken");
    }
}
