//! Points in time, as the caller's monotonic clock counts them.

use std::time::Duration;

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

    /// How long it is until `later`; nothing if that is not later.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
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
