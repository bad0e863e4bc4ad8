//! The session: what the server knows this process by, and how long the process may believe in its holds.
//!
//! The server counts a session's time from the beat's arrival, the process from its sending, and a little
//! less. So it stops trusting its holds before the server can give them to somebody else, whatever the network did
//! between the two.

use std::time::Duration;

use latchkey_engine::Time;

use crate::scripts::names::SessionId;

#[derive(Debug)]
pub(crate) struct Session {
    pub id: SessionId,
    /// How many connections it has had.
    pub generation: u64,
    /// Until when its holds are certain. `None`: the server has never heard of it.
    trusted_until: Option<Time>,
}

impl Session {
    pub fn new() -> Self {
        Self { id: SessionId::random(), generation: 0, trusted_until: None }
    }

    /// True once the server has answered a beat of it.
    pub fn is_known(&self) -> bool {
        self.trusted_until.is_some()
    }

    /// The server has renewed it, on a beat that was sent at `sent`.
    pub fn renewed(&mut self, sent: Time, ttl: Duration) {
        let until = sent.after(ttl - margin(ttl));
        self.trusted_until = self.trusted_until.max(Some(until));
    }

    /// Until when its holds are certain.
    pub fn trusted_until(&self) -> Option<Time> {
        self.trusted_until
    }

    pub fn is_trusted(&self, now: Time) -> bool {
        self.trusted_until.is_some_and(|until| now < until)
    }
}

/// What two good clocks may differ by in a lease's time, and a pause of the process between a look at the
/// clock and what it does then.
fn margin(ttl: Duration) -> Duration {
    ttl / 100 + Duration::from_millis(50)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Time {
        Time::from(Duration::from_millis(millis))
    }

    #[test]
    fn trust_ends_before_the_lease() {
        let mut session = Session::new();
        assert!(!session.is_known() && !session.is_trusted(at(0)));
        session.renewed(at(100), TTL);
        assert!(session.is_known() && session.is_trusted(at(1039)));
        assert!(!session.is_trusted(at(1040)));
    }

    #[test]
    fn an_answer_that_comes_late_takes_no_trust_away() {
        let mut session = Session::new();
        session.renewed(at(500), TTL);
        session.renewed(at(100), TTL);
        assert_eq!(session.trusted_until(), Some(at(1440)));
    }
}
