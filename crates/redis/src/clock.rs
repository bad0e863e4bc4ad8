//! The clock by which a lease is trusted. It runs on while the machine is suspended: a laptop that slept past
//! its lease must not wake up believing that it still holds.

use std::time::Duration;

use latchkey_engine::Time;

/// The time now. Where it counts from does not matter: it is only compared with itself.
#[cfg(unix)]
pub fn now() -> Time {
    use rustix::time::{ClockId, clock_gettime};

    // Linux's monotonic clock stands still during a suspend, Apple's does not.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;

    let time = clock_gettime(CLOCK);
    // Neither part is negative since the machine was started.
    Time::from(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// The time now. Windows' performance counter, which `Instant` reads, runs on through a suspend.
#[cfg(not(unix))]
pub fn now() -> Time {
    use std::{sync::LazyLock, time::Instant};

    static ZERO: LazyLock<Instant> = LazyLock::new(Instant::now);
    Time::from(ZERO.elapsed())
}

/// How long it is until `time`; nothing if it has come.
pub fn until(time: Time) -> Duration {
    since(now(), time)
}

/// How long `time` is after `earlier`; nothing if it is not after it.
pub fn since(earlier: Time, time: Time) -> Duration {
    earlier.until(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on() {
        let before = now();
        std::thread::sleep(Duration::from_millis(5));
        assert!(since(before, now()) >= Duration::from_millis(5));
        assert_eq!(since(now(), before), Duration::ZERO);
    }
}
