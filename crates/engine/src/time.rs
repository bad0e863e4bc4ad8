//! Points in time, as the caller's monotonic clock counts them.

use std::{cell::Cell, time::Duration};

/// Nanoseconds since a moment that the caller chose once and keeps.
///
/// The engine never reads a clock: it only compares and adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The moment from which the caller counts.
    pub const ZERO: Self = Self(0);

    /// The time `nanos` nanoseconds after [`Time::ZERO`].
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since [`Time::ZERO`].
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time `wait` later, or the last one there is (584 years on) if that is sooner.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time `age` earlier, or [`Time::ZERO`] if that is later.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl From<Duration> for Time {
    /// The time that long after [`Time::ZERO`].
    fn from(since_zero: Duration) -> Self {
        Self::ZERO.after(since_zero)
    }
}

/// Says what time it is, each time it is asked.
///
/// The engine asks once it has the mutex: a time that was read before may be old by then, and a hold that is
/// granted in the past expires too early. A [`Time`] is a clock that stands still.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Time;
}

impl Clock for Time {
    fn now(&self) -> Time {
        *self
    }
}

impl<F: Fn() -> Time> Clock for F {
    fn now(&self) -> Time {
        self()
    }
}

/// The time of one operation: read from the clock when it is first needed, and the same from then on. Not all
/// operations need it: to release a key that nobody waits for takes none, and a clock costs as much as that.
pub(crate) struct Now<'a> {
    clock: &'a dyn Clock,
    read: Cell<Option<Time>>,
}

impl<'a> Now<'a> {
    pub fn by(clock: &'a dyn Clock) -> Self {
        Self { clock, read: Cell::new(None) }
    }

    pub fn get(&self) -> Time {
        let time = self.read.get().unwrap_or_else(|| self.clock.now());
        self.read.set(Some(time));
        time
    }
}
