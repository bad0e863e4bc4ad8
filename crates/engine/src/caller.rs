//! Who makes an operation, as the engine sees it.

use std::cell::Cell;

use crate::{Events, Time, fences::Fences};

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

/// The time of one operation: read from the clock when it is first needed, and the same from then on. Not all
/// operations need it: to release a key that nobody waits for takes none, and a clock costs as much as that.
pub struct Now<'a> {
    clock: &'a dyn Caller,
    read: Cell<Option<Time>>,
}

impl<'a> Now<'a> {
    pub fn by(clock: &'a dyn Caller) -> Self {
        Self { clock, read: Cell::new(None) }
    }

    /// That of something that happened before.
    pub fn at(time: Time) -> Self {
        Self { clock: &Time::ZERO, read: Cell::new(Some(time)) }
    }

    pub fn get(&self) -> Time {
        let time = self.read.get().unwrap_or_else(|| self.clock.now());
        self.read.set(Some(time));
        time
    }
}

/// One operation under way on a shard.
pub struct Operation<'a> {
    pub now: Now<'a>,
    pub fences: &'a Fences,
    /// What it has caused so far, in order.
    pub events: Events,
}
