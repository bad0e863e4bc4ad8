//! What is done because its time has come.

use std::time::Duration;

use latchkey_engine::{Ending, Event, Patience, Time};

use super::Keeper;
use crate::{alarms::Alarm, clock, ledger::Number, trouble::Reason};

/// How long the task sleeps when nothing is due.
const LONG: Duration = Duration::from_secs(3600);

impl Keeper {
    pub(super) fn mind_time(&mut self, now: Time) {
        // Before anything else: nobody may believe in a hold for longer than it is certain.
        if self.certain > 0 && !self.session.is_trusted(now) {
            self.lose_session(Ending::Unreachable);
        }
        while let Some(alarm) = self.alarms.take_due(now) {
            match alarm {
                Alarm::Limit(number) => self.limit_reached(number, now),
                Alarm::Poke(number) => self.poke_due(number),
            }
        }
        if self.queries.iter().any(|query| query.limit <= now) {
            self.fail_queries(|query| query.limit <= now);
        }
    }

    /// When there is something to do next, at the latest.
    pub(super) fn next_time(&self) -> Time {
        let trust = self.session.trusted_until().filter(|_| self.certain > 0);
        let query = self.queries.iter().map(|query| query.limit).min();
        let times = [self.alarms.next(), trust, query, self.next_line_time()];
        times.into_iter().flatten().min().unwrap_or_else(|| clock::now().after(LONG))
    }

    /// A request has waited as long as it was willing to, or as one may that met no server.
    fn limit_reached(&mut self, number: Number, now: Time) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        request.limit = None;
        let own = {
            let asked = request.asked.clone();
            self.own_limit(&asked)
        };
        let trouble = self.ledger.trouble().filter(|_| self.line.up().is_none());
        match own {
            Some(time) if time <= now => {
                let is_patient = matches!(self.requests[&number].asked.patience, Patience::For(_));
                match trouble {
                    None if is_patient => self.end_wait(number, |port, tag| Event::TimedOut { port, tag }),
                    trouble => {
                        self.fail(number, trouble.map_or(Reason::Unreachable, |trouble| trouble.reason))
                    }
                }
            }
            own if self.has_met_server => self.set_limit(number, own),
            _ => self.fail(number, trouble.map_or(Reason::Unreachable, |trouble| trouble.reason)),
        }
    }

    fn poke_due(&mut self, number: Number) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        request.poke_at = None;
        // Of those who wait here for the same lock only the first can be at the head.
        if self.queues.get(&request.lock).and_then(|queue| queue.first()) == Some(&number) {
            self.poke(number);
        }
    }
}
