//! The one clock that all ports and the timer share. It is monotonic: a change of the wall clock
//! neither ends a hold early nor keeps it.

use std::{sync::LazyLock, time::Instant};

use latchkey_engine::{Clock, Time};

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

/// The clock of one space.
///
/// Where nothing ever depends on the time, it stands still: nobody can tell, and reading the system's clock
/// would be a good part of what an operation costs.
#[derive(Clone, Copy)]
pub struct SpaceClock {
    pub runs: bool,
}

impl Clock for SpaceClock {
    fn now(&self) -> Time {
        if self.runs { now() } else { Time::ZERO }
    }
}

/// The moment of the operating system's clock at which `time` comes, for the timer to sleep until.
pub fn instant_of(time: Time) -> Instant {
    *ZERO + std::time::Duration::from_nanos(time.as_nanos())
}
