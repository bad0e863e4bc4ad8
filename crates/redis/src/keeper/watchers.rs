//! Those who watch the connection and the session.

use std::{
    collections::{BTreeMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::keeper::{command::Watch, event::StoreEvent, ledger::SpaceNumber};

/// By their spaces, with their threads.
#[derive(Default)]
pub(super) struct Watchers(BTreeMap<SpaceNumber, (u32, Watch)>);

impl Watchers {
    pub fn add(&mut self, space: SpaceNumber, thread: u32, watch: Watch) {
        self.0.insert(space, (thread, watch));
    }

    pub fn drop_space(&mut self, space: SpaceNumber) {
        self.0.remove(&space);
    }

    /// Calls one of each thread, however many spaces that has open.
    pub fn publish(&self, event: &StoreEvent) {
        let mut threads = HashSet::new();
        for (_, watch) in self.0.values().filter(|(thread, _)| threads.insert(*thread)) {
            // A fault of one listener must not end everybody's locks.
            let _ = catch_unwind(AssertUnwindSafe(|| watch(event)));
        }
    }
}
