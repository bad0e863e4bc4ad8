//! On a key that is in use, whose slot or number the caller knows, asking, releasing, leaving and downgrading allocate
//! nothing.

#[path = "support/allocator.rs"]
mod allocator;

use std::hint::black_box;

use allocator::allocations_of;
use latchkey_engine::{
    Ask, Event, KeyName, KeySlot, LocalSpace, LockTable, Member, Mode, Patience, Released, Requested, Space,
    Ticket, Time,
};

const MEMBER: Member = Member(7);
const KEY: &[u16; 4] = &[107, 101, 121, 49];
/// A key of one thread.
const NUMBER: KeyName<'_> = KeyName::Slot(KeySlot { index: 0, generation: 0 });

/// A key with a holder and a few who wait.
struct Contended {
    space: Box<dyn LockTable>,
    key: KeyName<'static>,
    holder: Ticket,
    waiting: Vec<Ticket>,
}

impl Contended {
    fn named(shards: u32) -> Self {
        let space = Space::keeping(0, shards);
        let outcome = space.request(ask(KEY.into(), Mode::Write), &mut now());
        let (holder, slot) = (outcome.result.ticket(), outcome.slot.expect("it named the key by its text"));
        Self::of(Box::new(space), KeyName::Slot(slot), holder.expect("it is free"))
    }

    fn local() -> Self {
        let space = LocalSpace::default();
        let holder = asked(&space, ask(NUMBER, Mode::Write));
        Self::of(Box::new(space), NUMBER, holder)
    }

    fn of(space: Box<dyn LockTable>, key: KeyName<'static>, holder: Ticket) -> Self {
        let mut contended = Self { space, key, holder, waiting: Vec::with_capacity(64) };
        (0..10).for_each(|_| contended.ask(Mode::Write));
        // Each list has been longer than it will be again.
        (0..10).for_each(|_| contended.ask(Mode::Write));
        (0..10).for_each(|_| contended.cancel_last());
        contended
    }

    fn ask(&mut self, mode: Mode) {
        self.ask_by(self.key, mode);
    }

    fn ask_by(&mut self, name: KeyName<'_>, mode: Mode) {
        let ticket = asked(&*self.space, ask(name, mode));
        self.waiting.push(ticket);
    }

    fn cancel_last(&mut self) {
        let ticket = self.waiting.pop().expect("somebody waits");
        assert!(self.space.cancel(ticket, &mut now()).result);
    }

    /// Releases the holder; the first in the queue holds the key then.
    fn release(&mut self) {
        let released = self.space.release(self.holder, &mut now());
        assert_eq!(released.result, Released::Held);
        // As the addon reads them: one by one.
        let grants = released.events.into_iter().filter(|event| matches!(event, Event::Granted { .. }));
        assert_eq!(grants.count(), 1);
        self.holder = self.waiting.remove(0);
    }
}

fn now() -> Time {
    Time::ZERO
}

fn ask(key: KeyName<'_>, mode: Mode) -> Ask<'_> {
    Ask { member: MEMBER, tag: 0, key, mode, expiry: None, patience: Patience::Forever }
}

fn asked(space: &dyn LockTable, ask: Ask<'_>) -> Ticket {
    match space.request(ask, &mut now()).result {
        Requested::Granted(ticket, _) | Requested::Waiting(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

/// Runs the same in spaces of threads, with one shard and with many, and in one of a single thread.
fn on_contended_keys(work: impl Fn(&mut Contended)) {
    for (name, mut contended) in named_keys().into_iter().chain([("one thread", Contended::local())]) {
        assert_eq!(allocations_of(|| work(&mut contended)), 0, "{name}");
    }
}

fn named_keys() -> [(&'static str, Contended); 2] {
    [("1 shard", Contended::named(1)), ("16 shards", Contended::named(16))]
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations_of(|| drop(black_box(Box::new(1)))), 1);
    let space = Space::keeping(0, 1);
    assert!(allocations_of(|| drop(space.request(ask(KEY.into(), Mode::Write), &mut Time::default()))) > 0);
}

#[test]
fn asking_and_releasing_allocate_nothing() {
    on_contended_keys(|key| {
        for _ in 0..1_000 {
            key.ask(Mode::Write);
            key.release();
        }
    });
}

#[test]
fn asking_for_the_key_by_its_text_allocates_nothing_either() {
    for (name, mut key) in named_keys() {
        let work = || {
            for _ in 0..1_000 {
                key.ask_by(KEY.into(), Mode::Write);
                key.release();
            }
        };
        assert_eq!(allocations_of(work), 0, "{name}");
    }
}

#[test]
fn nor_does_a_key_with_a_high_number_when_no_other_one_is_in_use_any_more() {
    const KEYS: u32 = 5_000;
    let (named, local) = (Space::keeping(8, 1), LocalSpace::default());
    let slot = |n: u32| {
        let outcome = named.request(ask((&[n as u16]).into(), Mode::Write), &mut now());
        (outcome.result.ticket().expect("it is free"), outcome.slot.expect("it named the key by its text"))
    };
    let number = |index| KeyName::Slot(KeySlot { index, generation: 0 });
    let slots: Vec<_> = (0..KEYS).map(slot).collect();
    let numbers: Vec<_> = (0..KEYS).map(|index| asked(&local, ask(number(index), Mode::Write))).collect();
    let last = slots.last().map(|slot| KeyName::Slot(slot.1)).expect("there are some");
    let release = |space: &dyn LockTable, ticket| {
        assert_ne!(space.release(ticket, &mut Time::default()).result, Released::NotHeld);
    };
    slots.into_iter().for_each(|(ticket, _)| release(&named, ticket));
    numbers.into_iter().for_each(|ticket| release(&local, ticket));
    for (space, key) in [(&named as &dyn LockTable, last), (&local, number(KEYS - 1))] {
        let work = || (0..1_000).for_each(|_| release(space, asked(space, ask(key, Mode::Write))));
        // The table may grow once more.
        work();
        assert_eq!(allocations_of(work), 0);
    }
}

#[test]
fn taking_and_releasing_a_free_key_that_is_remembered_allocates_nothing() {
    for shards in [1, 16] {
        let space = Space::keeping(8, shards);
        let outcome = space.request(ask(KEY.into(), Mode::Write), &mut now());
        let first = outcome.result.ticket().expect("it is free");
        let slot = outcome.slot.expect("it named the key by its text");
        let release = |ticket| assert_eq!(space.release(ticket, &mut Time::default()).result, Released::Held);
        release(first);
        let pair = || release(asked(&space, ask(KeyName::Slot(slot), Mode::Write)));
        assert_eq!(allocations_of(|| (0..1_000).for_each(|_| pair())), 0, "{shards} shards");
    }
}

#[test]
fn asking_and_leaving_allocate_nothing() {
    on_contended_keys(|key| {
        for _ in 0..1_000 {
            key.ask(Mode::Read);
            key.cancel_last();
        }
    });
}

#[test]
fn being_refused_allocates_nothing() {
    on_contended_keys(|key| {
        let by_slot = Ask { patience: Patience::None, ..ask(key.key, Mode::Read) };
        for _ in 0..1_000 {
            assert_eq!(key.space.request(by_slot, &mut now()).result, Requested::Refused);
        }
    });
}

#[test]
fn readers_come_and_go_without_allocating() {
    on_contended_keys(|key| {
        let waiting = key.waiting.len();
        (0..waiting).for_each(|_| key.cancel_last());
        assert!(key.space.downgrade(key.holder, &mut now()).result);
        for _ in 0..1_000 {
            let other = asked(&*key.space, ask(key.key, Mode::Read));
            assert_eq!(key.space.release(other, &mut now()).result, Released::Held);
        }
    });
}

#[test]
fn a_downgrade_that_lets_one_reader_in_allocates_nothing() {
    on_contended_keys(|key| {
        let waiting = key.waiting.len();
        (0..waiting).for_each(|_| key.cancel_last());
        key.ask(Mode::Read);
        let downgraded = key.space.downgrade(key.holder, &mut now());
        assert!(downgraded.result);
        assert_eq!(downgraded.events.into_iter().count(), 1);
    });
}

#[test]
fn taking_and_releasing_an_idle_key_of_one_thread_allocates_nothing() {
    let space = LocalSpace::default();
    let pair = || {
        let holder = asked(&space, ask(NUMBER, Mode::Write));
        assert_eq!(space.release(holder, &mut Time::default()).result, Released::HeldLast);
    };
    pair();
    assert_eq!(allocations_of(|| (0..1_000).for_each(|_| pair())), 0);
}

#[test]
fn joining_a_queue_without_a_word_allocates_nothing() {
    let space = LocalSpace::default();
    let mut holder = asked(&space, ask(NUMBER, Mode::Write));
    let mut pair = || {
        let next = space.append(&ask(NUMBER, Mode::Write)).expect("its key has a number");
        let released = space.release(std::mem::replace(&mut holder, next), &mut Time::default());
        assert_eq!((released.result, released.events.into_iter().count()), (Released::Held, 1));
    };
    pair();
    assert_eq!(allocations_of(|| (0..1_000).for_each(|_| pair())), 0);
}

#[test]
fn taking_in_holds_allocates_nothing() {
    let space = LocalSpace::default();
    let read = ask(NUMBER, Mode::Read);
    let pair = || {
        space.adopt_counted(&read, 1);
        let listed = space.adopt(&read, Time::ZERO).expect("its key has a number");
        assert_eq!(space.release(listed, &mut Time::default()).result, Released::Held);
        assert_eq!(space.release_counted(&read, &mut { Time::ZERO }).result, Released::HeldLast);
    };
    pair();
    assert_eq!(allocations_of(|| (0..1_000).for_each(|_| pair())), 0);
}
