//! Which holds and waits run out when, and when somebody has to look.
//!
//! A hold with an expiry has a deadline from its grant on, but a deadline matters only while another
//! request waits for the key. So there are two indexes: all holds by key and deadline, and what is due when: of the keys
//! with a waiter the earliest one. Arming and disarming a key costs O(log n), however many hold it.

use std::collections::BTreeSet;

use crate::{Time, slab::Index};

/// What is due. Of an expiry and a limit at the same moment the expiry comes first: it may let in the very request that would
/// give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// This key has a waiter and an overdue hold.
    Hold(Index),
    /// This request has waited as long as it was willing to.
    Wait(Index),
}

/// The deadlines of one shard.
///
/// Invariant: `due` holds `(t, Hold(key))` exactly for those keys that have a waiter and a hold with an expiry, `t` being the
/// earliest of that key in `holds`, and `(t, Wait(request))` for each waiting request whose limit is `t`.
#[derive(Debug, Default)]
pub struct Deadlines {
    /// (key, deadline, fence, request) of each hold that has an expiry. Of those that were granted together the
    /// first one is due first.
    pub holds: BTreeSet<(Index, Time, u64, Index)>,
    pub due: BTreeSet<(Time, Due)>,
}

impl Deadlines {
    /// The earliest deadline of a key's holds, and whose it is.
    pub fn first_of(&self, key: Index) -> Option<(Time, Index)> {
        let from = (key, Time::ZERO, 0, Index::MIN);
        let &(_, deadline, _, request) = self.holds.range(from..).next().filter(|hold| hold.0 == key)?;
        Some((deadline, request))
    }

    /// Moves what is due of a key from one time to another; `None` is never.
    pub fn rearm(&mut self, key: Index, from: Option<Time>, to: Option<Time>) {
        if let Some(time) = from {
            self.due.remove(&(time, Due::Hold(key)));
        }
        self.due.extend(to.map(|time| (time, Due::Hold(key))));
    }
}
