//! How much time attempts to connect are given, so that a break which is shorter than the lease costs no hold: the network may
//! swallow all that an attempt says, and nobody hears of it.

use std::time::Duration;

use latchkey_engine::Time;

use super::LAST_RETRY;
use crate::keeper::Keeper;

// As long as the lease keeps something, the lease's time is divided by these.
/// For the longest attempt to connect.
const LONGEST_ATTEMPT: u32 = 3;
/// For the shortest time after which an attempt that hangs is given up.
const SHORTEST_ATTEMPT: u32 = 20;
/// For the longest pause between two attempts.
const LONGEST_PAUSE: u32 = 50;

impl Keeper {
    /// How much is left of a lease that keeps something: a hold, or a place in a queue.
    fn lease_left(&self, now: Time) -> Option<Duration> {
        let until =
            self.session.trusted_until().filter(|&until| now < until && self.requests.is_any_sent())?;
        Some(now.until(until))
    }

    /// How long an attempt to connect may take. One that hangs must leave enough of the lease for another one.
    pub(super) fn attempt_limit(&self, now: Time) -> Duration {
        let options = self.config.options();
        let Some(left) = self.lease_left(now) else { return options.connect_timeout };
        (left / 2)
            .clamp(options.ttl / SHORTEST_ATTEMPT, options.ttl / LONGEST_ATTEMPT)
            .min(options.connect_timeout)
    }

    /// How long to wait, at most, for the next attempt after one that was not refused.
    pub(super) fn longest_retry(&self, now: Time) -> Duration {
        let pause = self.config.options().ttl / LONGEST_PAUSE;
        if self.lease_left(now).is_some() { LAST_RETRY.min(pause) } else { LAST_RETRY }
    }
}
