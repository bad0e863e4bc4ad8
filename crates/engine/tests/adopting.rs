//! In a space of one thread: holds that the thread granted by itself are taken in, and are then as any others; and requests
//! that surely wait join their queues without a word to anybody.

use std::time::Duration;

use latchkey_engine::{
    Ask, Event, Events, Grant, KeyName, KeySlot, LocalSpace, LockTable, Member, Mode, Patience, Released,
    Requested, Ticket, Time,
};

const MEMBER: Member = Member(1);

fn ask(tag: u32, mode: Mode) -> Ask<'static> {
    let key = KeyName::Slot(KeySlot { index: 0, generation: 0 });
    Ask { member: MEMBER, tag, key, mode, expiry: None, patience: Patience::Forever }
}

fn expiring(tag: u32, mode: Mode) -> Ask<'static> {
    Ask { expiry: Some(Duration::from_millis(10)), ..ask(tag, mode) }
}

fn at(milliseconds: u64) -> Time {
    Time::from(Duration::from_millis(milliseconds))
}

fn adopt(space: &LocalSpace, ask: Ask<'_>, since: Time) -> Ticket {
    space.adopt(&ask, since).expect("its key has a number")
}

fn append(space: &LocalSpace, ask: Ask<'_>) -> Ticket {
    space.append(&ask).expect("its key has a number")
}

/// What happened to whom.
fn heard(events: Events) -> Vec<(u32, &'static str)> {
    let said = |event| match event {
        Event::Granted { tag, .. } => (tag, "granted"),
        Event::Expired { tag, .. } => (tag, "expired"),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(said).collect()
}

#[test]
fn a_hold_that_was_taken_in_keeps_others_out_until_it_is_released() {
    let space = LocalSpace::default();
    let holder = adopt(&space, ask(0, Mode::Write), at(0));
    assert!(matches!(space.request(ask(1, Mode::Read), &mut at(0)).result, Requested::Waiting(_)));
    let released = space.release(holder, &mut at(0));
    assert_eq!(released.result, Released::Held);
    assert!(matches!(released.events.as_slice(), [Event::Granted { member: MEMBER, tag: 1, .. }]));
}

#[test]
fn its_expiry_counts_from_its_grant() {
    let space = LocalSpace::default();
    adopt(&space, expiring(0, Mode::Write), at(100));
    assert_eq!(space.expire(&mut at(200)).next_deadline, None, "nobody waits");
    let outcome = space.request(ask(1, Mode::Write), &mut at(103));
    assert_eq!(outcome.next_deadline, Some(at(110)));
    assert!(space.expire(&mut at(109)).events.is_empty());
    let events = space.expire(&mut at(110)).events;
    assert!(matches!(
        events.as_slice(),
        [Event::Expired { tag: 0, .. }, Event::Granted { tag: 1, grant: Grant { recovered: true, .. }, .. }]
    ));
}

#[test]
fn one_that_is_overdue_already_is_taken_away_by_the_next_request() {
    let space = LocalSpace::default();
    adopt(&space, expiring(0, Mode::Read), at(100));
    let outcome = space.request(ask(1, Mode::Read), &mut at(110));
    assert!(matches!(outcome.result, Requested::Granted(..)));
    assert_eq!(heard(outcome.events), [(0, "expired")]);
}

#[test]
fn of_those_that_are_overdue_at_the_same_time_the_one_that_was_granted_first_is_taken_away_first() {
    let space = LocalSpace::default();
    // The place that was freed last is used first.
    let earlier = [(); 2].map(|()| adopt(&space, ask(0, Mode::Read), at(0)));
    for ticket in earlier {
        assert_ne!(space.release(ticket, &mut at(0)).result, Released::NotHeld);
    }
    let holders = [1, 2].map(|tag| adopt(&space, expiring(tag, Mode::Read), at(100)));
    assert!(holders[0].index > holders[1].index, "or this test proves nothing");
    let outcome = space.request(ask(3, Mode::Write), &mut at(110));
    assert_eq!(heard(outcome.events), [(1, "expired"), (2, "expired")]);
}

#[test]
fn later_grants_have_higher_fences_than_the_thread_has_given() {
    let space = LocalSpace::default();
    let granted = |index| {
        let ask = Ask { key: KeyName::Slot(KeySlot { index, generation: 0 }), ..ask(0, Mode::Write) };
        match space.request(ask, &mut at(0)).result {
            Requested::Granted(_, grant) => grant.fence,
            other => panic!("the key is free, and it is {other:?}"),
        }
    };
    space.raise_fences(100);
    assert_eq!(granted(1), 101);
    space.raise_fences(50);
    assert_eq!(granted(2), 102, "a lower one changes nothing");
}

#[test]
fn it_can_be_downgraded() {
    let space = LocalSpace::default();
    let holder = adopt(&space, ask(0, Mode::Write), at(0));
    assert!(matches!(space.request(ask(1, Mode::Read), &mut at(0)).result, Requested::Waiting(_)));
    let downgraded = space.downgrade(holder, &mut at(0));
    assert!(downgraded.result);
    assert_eq!(heard(downgraded.events), [(1, "granted")]);
}

#[test]
fn counted_readers_keep_a_writer_out_until_as_many_have_left() {
    let space = LocalSpace::default();
    space.adopt_counted(&ask(0, Mode::Read), 2);
    let listed = adopt(&space, ask(1, Mode::Read), at(0));
    append(&space, ask(2, Mode::Write));
    let leave = || space.release_counted(&ask(0, Mode::Read), &mut at(0));
    assert_eq!(leave().result, Released::Held);
    assert!(space.release(listed, &mut at(0)).events.is_empty());
    let last = leave();
    assert_eq!(last.result, Released::Held, "the writer has the key");
    assert_eq!(heard(last.events), [(2, "granted")]);
    assert_eq!(leave().result, Released::NotHeld, "nobody is counted any more");
}

#[test]
fn the_last_of_the_counted_leaves_the_key_idle() {
    let space = LocalSpace::default();
    space.adopt_counted(&ask(0, Mode::Write), 1);
    assert_eq!(
        space.request(Ask { patience: Patience::None, ..ask(1, Mode::Read) }, &mut at(0)).result,
        Requested::Refused
    );
    assert_eq!(space.release_counted(&ask(0, Mode::Write), &mut at(0)).result, Released::HeldLast);
    let writer = space.request(ask(2, Mode::Write), &mut at(0)).result;
    assert!(matches!(writer, Requested::Granted(..)), "{writer:?}");
}

#[test]
fn what_joins_a_queue_without_a_word_is_granted_in_turn_with_the_others() {
    let space = LocalSpace::default();
    let holder = adopt(&space, ask(0, Mode::Write), at(0));
    let appended = append(&space, ask(1, Mode::Write));
    let left = append(&space, ask(2, Mode::Write));
    assert!(matches!(space.request(ask(3, Mode::Read), &mut at(0)).result, Requested::Waiting(_)));
    append(&space, ask(4, Mode::Read));
    assert!(space.cancel(left, &mut at(0)).result);
    assert_eq!(heard(space.release(holder, &mut at(0)).events), [(1, "granted")]);
    assert_eq!(heard(space.release(appended, &mut at(0)).events), [(3, "granted"), (4, "granted")]);
}

#[test]
fn its_expiry_counts_from_its_grant_too() {
    let space = LocalSpace::default();
    let holder = adopt(&space, ask(0, Mode::Write), at(0));
    append(&space, expiring(1, Mode::Write));
    append(&space, ask(2, Mode::Write));
    assert_eq!(space.release(holder, &mut at(50)).next_deadline, Some(at(60)));
    assert_eq!(heard(space.expire(&mut at(60)).events), [(1, "expired"), (2, "granted")]);
}
