//! Which holds and waits run out when, and when somebody has to look.
//!
//! A hold with an expiry has a deadline from its grant on, but a deadline matters only while another
//! request waits for the key. So there are two indexes: all holds by key and deadline, and the keys
//! with a waiter by their earliest one. Arming and disarming a key costs O(log n), however many hold it.

use std::collections::BTreeSet;

use crate::{Time, slab::Index};

/// What is due.
pub enum Due {
    /// This key has a waiter and an overdue hold.
    Hold(Index),
    /// This request has waited as long as it was willing to.
    Wait(Index),
}

/// The deadlines of one shard.
///
/// Invariant: `armed` holds `(t, key)` exactly for those keys that have a waiter and a hold with an
/// expiry, `t` being the earliest of that key in `holds`; `limits` holds each waiting request that has one.
#[derive(Debug, Default)]
pub struct Deadlines {
    /// (key, deadline, fence, request) of each hold that has an expiry. Of those that were granted together the
    /// first one is due first.
    holds: BTreeSet<(Index, Time, u64, Index)>,
    /// (earliest deadline, key) of each key with a waiter.
    armed: BTreeSet<(Time, Index)>,
    /// (limit, request) of each request that waits for a limited time.
    limits: BTreeSet<(Time, Index)>,
}

impl Deadlines {
    pub fn add(&mut self, key: Index, deadline: Time, fence: u64, request: Index) {
        self.holds.insert((key, deadline, fence, request));
    }

    pub fn remove(&mut self, key: Index, deadline: Time, fence: u64, request: Index) {
        self.holds.remove(&(key, deadline, fence, request));
    }

    /// The earliest deadline of a key's holds, and whose it is.
    pub fn first_of(&self, key: Index) -> Option<(Time, Index)> {
        let from = (key, Time::ZERO, 0, Index::MIN);
        let &(_, deadline, _, request) = self.holds.range(from..).next().filter(|hold| hold.0 == key)?;
        Some((deadline, request))
    }

    /// Moves a key from one armed time to another; `None` is unarmed.
    pub fn rearm(&mut self, key: Index, from: Option<Time>, to: Option<Time>) {
        if let Some(time) = from {
            self.armed.remove(&(time, key));
        }
        if let Some(time) = to {
            self.armed.insert((time, key));
        }
    }

    pub fn add_limit(&mut self, limit: Time, request: Index) {
        self.limits.insert((limit, request));
    }

    pub fn remove_limit(&mut self, limit: Time, request: Index) {
        self.limits.remove(&(limit, request));
    }

    /// The earliest time at which something is due.
    pub fn earliest(&self) -> Option<Time> {
        let [hold, wait] = [&self.armed, &self.limits].map(|times| times.first().map(|&(time, _)| time));
        hold.into_iter().chain(wait).min()
    }

    /// What is due first. Of an expiry and a limit at the same moment the expiry comes first: it may let in
    /// the very request that would give up.
    pub fn due(&self, now: Time) -> Option<Due> {
        let hold = self.armed.first().map(|&(time, key)| (time, Due::Hold(key)));
        let wait = self.limits.first().map(|&(time, request)| (time, Due::Wait(request)));
        let (time, due) = hold.into_iter().chain(wait).min_by_key(|&(time, _)| time)?;
        (time <= now).then_some(due)
    }
}
