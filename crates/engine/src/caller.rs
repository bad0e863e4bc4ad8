//! Who makes an operation, as the engine sees it.

use std::cell::LazyCell;

use crate::{Events, KeySlot, Time, sync::AtomicU64};

/// Who makes an operation: it says what time it is, and takes in what the operation causes.
///
/// Both are asked of it while the shard's mutex is held. So it must not come back to the space, nor take a lock that
/// somebody holds who does; [`Members`](crate::Members) says which locks there are.
///
/// A [`Time`] is a caller, too: its clock stands still, and it finds all events in the [`Outcome`](crate::Outcome). That is
/// enough where nobody else operates on the space.
pub trait Caller {
    /// The time now. It is asked for with the mutex: a time that was read before may be old by then, and a hold that is
    /// granted in the past expires too early.
    fn now(&self) -> Time;

    /// Takes those events that it sees to itself; the others are left for the outcome. Asked at the end of the operation, for
    /// each shard that it changed, also if there are none: whatever was decided about a key of that shard has been
    /// taken in by its caller before, and what will be comes after.
    fn take_events(&mut self, _events: &mut Events) {}
}

impl Caller for Time {
    fn now(&self) -> Time {
        *self
    }
}

/// One operation under way on a shard.
pub struct Operation<'a> {
    /// Read from the clock when it is first needed, and the same from then on. Not all operations need it: to release a key
    /// that nobody waits for takes none, and a clock costs as much as that.
    pub now: LazyCell<Time, &'a dyn Fn() -> Time>,
    /// The highest fence of the space, which its shards share.
    pub last_fence: &'a AtomicU64,
    /// What it has caused so far, in order.
    pub events: &'a mut Events,
    /// The slot of the key that it has named by its text.
    pub slot: Option<KeySlot>,
}

impl<'a> Operation<'a> {
    pub fn new(clock: &'a dyn Fn() -> Time, last_fence: &'a AtomicU64, events: &'a mut Events) -> Self {
        Self { now: LazyCell::new(clock), last_fence, events, slot: None }
    }
}
