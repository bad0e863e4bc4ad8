//! What only a thread that uses its keys alone can do: grant a key by itself and hand that hold over, or append a
//! request of which it knows that it waits.

use std::sync::atomic::Ordering;

use crate::{
    Ask, Caller, Events, LocalSpace, Outcome, Released, Ticket, Time, caller::Operation, shard::Shard,
    sync::RandomState,
};

impl Default for LocalSpace {
    fn default() -> Self {
        Self::of(vec![Shard::new(None)], RandomState::default())
    }
}

impl LocalSpace {
    /// Puts a request at the end of its key's queue that surely waits there, without a limit: its key's holders do not admit
    /// it, or others wait before it. And if one of the holders has an expiry, others do. So there is nobody to notify, and no
    /// new deadline. `None`, and nothing happens, if the key has no number.
    pub fn append(&self, ask: &Ask<'_>) -> Option<Ticket> {
        let shard = &mut *self.shard(0);
        let key = shard.keys.find(ask.key)?;
        let state = shard.keys.at(key);
        debug_assert!(!state.would_grant(ask.mode), "it might be granted");
        debug_assert!(state.timed_holds == 0 || !state.queue.is_empty(), "a deadline begins to count");
        let ticket = shard.add_request(ask, key, Time::ZERO);
        shard.keys.at(key).queue.push_back(&mut shard.requests, ticket.index);
        Some(ticket)
    }

    /// Takes in a hold that the thread granted at the time `since`. It knows the fence itself. `None`, and nothing happens, if
    /// the key has no number.
    ///
    /// The thread vouches that the key admits it: those who hold the key have all been taken in so, and nobody waits.
    pub fn adopt(&self, ask: &Ask<'_>, since: Time) -> Option<Ticket> {
        let shard = &mut *self.shard(0);
        let key = shard.keys.find(ask.key)?;
        debug_assert!(shard.keys.at(key).would_grant(ask.mode), "it could not have been granted");
        let ticket = shard.add_request(ask, key, Time::ZERO);
        // With a fence of its own, that nobody sees: of holds that are overdue at the same time the one that was granted first
        // is taken away first, and places are used again in no order.
        shard.grant(ticket.index, &Operation::new(&|| since, &self.last_fence, &mut Events::default()));
        Some(ticket)
    }

    /// The same for `count` holds, of the mode of `ask`, that nothing distinguishes: they never expire, and have no
    /// tickets.
    pub fn adopt_counted(&self, ask: &Ask<'_>, count: u32) {
        let shard = &mut *self.shard(0);
        if let Some(key) = shard.keys.find(ask.key) {
            let state = shard.keys.at(key);
            debug_assert!(state.would_grant(ask.mode), "they could not have been granted");
            state.counted += count;
            state.mode = ask.mode;
        }
    }

    /// Ends one of the holds of the key of `ask` that are only counted.
    pub fn release_counted(&self, ask: &Ask<'_>, caller: &mut dyn Caller) -> Outcome<Released> {
        self.operate(0, caller, |shard, operation| match shard.keys.find(ask.key) {
            Some(key) if shard.keys.at(key).counted > 0 => {
                shard.keys.at(key).counted -= 1;
                shard.after_leaving(key, operation)
            }
            _ => Released::NotHeld,
        })
    }

    /// The tags of the requests of the key with a number, so many at most: those that hold it, in the order of their grants and but
    /// for those that are only counted, then those that wait, in order.
    #[must_use]
    pub fn requests_of(&self, key: u32, most: usize) -> Vec<u32> {
        let shard = self.shard(0);
        let state = shard.keys.get(key).into_iter();
        state.flat_map(|state| shard.requests_of(state)).take(most).map(|request| request.tag).collect()
    }

    /// Later grants have fences higher than `fence`.
    pub fn raise_fences(&self, fence: u64) {
        // Nobody else has the space: nothing comes between.
        if self.last_fence.load(Ordering::Relaxed) < fence {
            self.last_fence.store(fence, Ordering::Relaxed);
        }
    }
}
