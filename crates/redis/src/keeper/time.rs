//! What is done because its time has come.

use std::time::Duration;

use latchkey_engine::{Answer, Time};

use super::{Keeper, timed_out};
use crate::{
    clock,
    keeper::{ledger::Number, request::Alarm},
    trouble::{Reason, Trouble},
};

/// How long the task sleeps when nothing is due.
const LONG: Duration = Duration::from_secs(3600);

impl Keeper {
    pub(super) fn mind_time(&mut self, now: Time) {
        // Before anything else: nobody may believe in a hold for longer than it is certain.
        if self.requests.need_trust() && !self.session.is_trusted(now) {
            self.lose_session(Answer::Unreachable);
        }
        while let Some(alarm) = self.requests.take_due(now) {
            match alarm {
                Alarm::Limit(number) => self.limit_reached(number, now),
                Alarm::Poke(number) => self.poke_due(number),
            }
        }
        if self.queries.next_limit().is_some_and(|limit| limit <= now) {
            self.fail_queries(Some(now));
        }
    }

    /// When there is something to do next, at the latest.
    pub(super) fn next_time(&self) -> Time {
        let trust = self.session.trusted_until().filter(|_| self.requests.need_trust());
        let times =
            [self.requests.next_alarm(), trust, self.queries.next_limit(), self.next_connection_time()];
        times.into_iter().flatten().min().unwrap_or_else(|| clock::now().after(LONG))
    }

    /// A request has waited as long as it was willing to, or as one may that met no server.
    fn limit_reached(&mut self, number: Number, now: Time) {
        let Some(request) = self.requests.get(&number) else { return };
        if request.has_asked_who {
            // Nobody has said in time who is in its way.
            return self.end_wait(number, timed_out);
        }
        let asked = request.asked.clone();
        let trouble = self.ledger.trouble().filter(|_| self.connection.up().is_none());
        match self.own_limit(&asked) {
            Some(time) if time <= now => match trouble {
                None if asked.is_patient() && now < self.ledger.frozen_until() => {
                    self.fail(number, Reason::Starting);
                }
                None if asked.is_patient() => self.end_late(number, now),
                trouble => self.fail_late(number, trouble),
            },
            own if self.known_run.is_some() => self.requests.set_limit(number, own),
            _ => self.fail_late(number, trouble),
        }
    }

    /// Ends a wait for a server that does not answer.
    fn fail_late(&mut self, number: Number, trouble: Option<Trouble>) {
        let trouble = trouble.unwrap_or_else(|| Trouble::new(Reason::Unreachable, "no answer in time"));
        let reason = trouble.reason;
        if self.connection.up().is_none() {
            self.note(Some(trouble));
        }
        self.fail(number, reason);
    }

    fn poke_due(&mut self, number: Number) {
        let Some(request) = self.requests.get(&number) else { return };
        let ticket = request.ticket();
        // Of those who wait here for the same lock only one can be at the head. That is the first, but for those that
        // stand behind a later one: two threads ask at once, or one asks anew.
        let is_ahead = |first: &Number| (1..ticket).contains(&self.requests[first].ticket());
        if self.requests.first(&request.lock).is_some_and(|first| first == number || !is_ahead(&first)) {
            self.poke(number);
        }
    }
}
