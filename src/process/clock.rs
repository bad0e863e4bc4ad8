//! The one clock that all ports and the timer share. It is monotonic: a change of the wall clock
//! neither ends a hold early nor keeps it.

use std::{sync::LazyLock, time::Instant};

use latchkey_engine::{Caller, Time};

static ZERO: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Starts the clock, if it does not run yet: before the first port opens, so that no hold of any port is older
/// than the clock.
pub fn start() {
    LazyLock::force(&ZERO);
}

/// The time since the clock was started.
pub fn now() -> Time {
    Time::from(ZERO.elapsed())
}

/// The clock as a caller of the engine: one that sees to all events itself.
pub struct Clock;

impl Caller for Clock {
    fn now(&self) -> Time {
        now()
    }
}

/// The moment of the operating system's clock at which `time` comes, for the timer to sleep until.
pub fn instant_of(time: Time) -> Instant {
    *ZERO + std::time::Duration::from_nanos(time.as_nanos())
}
