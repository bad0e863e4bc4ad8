//! On a key that is in use, whose slot the caller knows, asking, releasing, leaving and downgrading allocate nothing.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use latchkey_engine::{
    Ask, Event, KeyName, KeySlot, Mode, Patience, Port, Released, Requested, Space, Ticket, Time,
};

/// The system's allocator, which counts what this thread asks of it: other tests run beside this one.
struct Counting;

thread_local! {
    // Neither made when first used nor dropped, so that counting does not allocate itself.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // It fails only while a thread ends, where nobody counts any more.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: each call is passed on to the system's allocator as it came, and so keeps what that one promises; counting
// neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same contract, and the block came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract, and the block came from the system's allocator.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const PORT: Port = Port(7);
const KEY: &[u16; 4] = &[107, 101, 121, 49];

/// A key with a holder and a few who wait.
struct Contended {
    space: Space,
    slot: KeySlot,
    holder: Ticket,
    waiting: Vec<Ticket>,
}

impl Contended {
    fn new(shards: u32) -> Self {
        let space = Space::new(shards);
        let holder = asked(&space, ask(KEY.into(), Mode::Write));
        let slot = space.slot_of(holder).expect("it holds the key");
        let mut contended = Self { space, slot, holder, waiting: Vec::with_capacity(64) };
        (0..10).for_each(|_| contended.ask(Mode::Write));
        // Each list has been longer than it will be again.
        (0..10).for_each(|_| contended.ask(Mode::Write));
        (0..10).for_each(|_| contended.cancel_last());
        contended
    }

    fn ask(&mut self, mode: Mode) {
        let ticket = asked(&self.space, ask(KeyName::Slot(self.slot), mode));
        self.waiting.push(ticket);
    }

    fn cancel_last(&mut self) {
        let ticket = self.waiting.pop().expect("somebody waits");
        assert!(self.space.cancel(ticket, Time::ZERO).result);
    }

    /// Releases the holder; the first in the queue holds the key then.
    fn release(&mut self) {
        let released = self.space.release(self.holder, Time::ZERO);
        assert_eq!(released.result, Released::Held);
        // As the addon reads them: one by one.
        let grants = released.events.into_iter().filter(|event| matches!(event, Event::Granted { .. }));
        assert_eq!(grants.count(), 1);
        self.holder = self.waiting.remove(0);
    }
}

fn ask(key: KeyName<'_>, mode: Mode) -> Ask<'_> {
    Ask { port: PORT, tag: 0, key, mode, expiry: None, patience: Patience::Forever }
}

fn asked(space: &Space, ask: Ask<'_>) -> Ticket {
    match space.request(ask, Time::ZERO).result {
        Requested::Granted(ticket, _) | Requested::Waiting(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

/// Runs the same on a private space's one shard and on a named space's many.
fn on_contended_keys(work: impl Fn(&mut Contended)) {
    for shards in [1, 16] {
        let mut contended = Contended::new(shards);
        assert_eq!(allocations_of(|| work(&mut contended)), 0, "{shards} shards");
    }
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations_of(|| drop(black_box(Box::new(1)))), 1);
    let space = Space::new(1);
    assert!(allocations_of(|| drop(space.request(ask(KEY.into(), Mode::Write), Time::ZERO))) > 0);
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
    on_contended_keys(|key| {
        for _ in 0..1_000 {
            let ticket = asked(&key.space, ask(KEY.into(), Mode::Write));
            key.waiting.push(ticket);
            key.release();
        }
    });
}

#[test]
fn taking_and_releasing_a_free_key_that_is_remembered_allocates_nothing() {
    for shards in [1, 16] {
        let space = Space::keeping(8, shards);
        let first = asked(&space, ask(KEY.into(), Mode::Write));
        let slot = space.slot_of(first).expect("it holds the key");
        let release = |ticket| assert_eq!(space.release(ticket, Time::ZERO).result, Released::Held);
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
        let by_slot = Ask { patience: Patience::None, ..ask(KeyName::Slot(key.slot), Mode::Read) };
        for _ in 0..1_000 {
            assert_eq!(key.space.request(by_slot, Time::ZERO).result, Requested::Refused);
        }
    });
}

#[test]
fn readers_come_and_go_without_allocating() {
    let space = Space::new(1);
    let reader = asked(&space, ask(KEY.into(), Mode::Read));
    let slot = space.slot_of(reader).expect("it holds the key");
    let pair = || {
        let other = asked(&space, ask(KeyName::Slot(slot), Mode::Read));
        assert_eq!(space.release(other, Time::ZERO).result, Released::Held);
    };
    pair();
    assert_eq!(allocations_of(|| (0..1_000).for_each(|_| pair())), 0);
}

#[test]
fn a_downgrade_that_lets_one_reader_in_allocates_nothing() {
    on_contended_keys(|key| {
        let waiting = key.waiting.len();
        (0..waiting).for_each(|_| key.cancel_last());
        key.ask(Mode::Read);
        let downgraded = key.space.downgrade(key.holder, Time::ZERO);
        assert!(downgraded.result);
        assert_eq!(downgraded.events.into_iter().count(), 1);
    });
}

#[test]
fn taking_in_a_hold_of_a_key_in_use_allocates_nothing() {
    let space = Space::new(1);
    let reader = space.adopt(ask(KEY.into(), Mode::Read), 1, Time::ZERO).expect("its text names any key");
    let slot = space.slot_of(reader).expect("it holds the key");
    let pair = || {
        let other =
            space.adopt(ask(KeyName::Slot(slot), Mode::Read), 2, Time::ZERO).expect("the key is in use");
        assert_eq!(space.release(other, Time::ZERO).result, Released::Held);
    };
    pair();
    assert_eq!(allocations_of(|| (0..1_000).for_each(|_| pair())), 0);
}
