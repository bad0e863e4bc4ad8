//! What has to be done at which time, of the requests.

use std::collections::BTreeSet;

use latchkey_engine::Time;

use crate::keeper::ledger::Number;

/// What to do for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// It has waited as long as it was willing to, or may.
    Limit(Number),
    /// Its lock has to be looked after, since it is at the queue's head.
    Poke(Number),
}

#[derive(Debug, Default)]
pub(crate) struct Alarms(BTreeSet<(Time, Alarm)>);

impl Alarms {
    /// Has an alarm ring at another time than before; `None`: not at all.
    pub fn replace(&mut self, before: Option<Time>, time: Option<Time>, alarm: Alarm) {
        if let Some(before) = before {
            self.0.remove(&(before, alarm));
        }
        self.0.extend(time.map(|time| (time, alarm)));
    }

    pub fn next(&self) -> Option<Time> {
        self.0.first().map(|&(time, _)| time)
    }

    /// Takes out an alarm whose time has come.
    pub fn take_due(&mut self, now: Time) -> Option<Alarm> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, alarm)| alarm)
    }
}
