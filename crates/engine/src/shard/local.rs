//! What only a thread that uses its keys alone can do: grant a key by itself and hand that hold over, or append a
//! request of which it knows that it waits.

use crate::{
    Ask, Released, Ticket, Time,
    caller::{Now, Operation},
    key_state::KeyState,
    keys::Keys,
    scope::Thread,
    shard::Shard,
    slab::Index,
};

impl Shard<Thread> {
    /// Takes in a hold that was granted elsewhere at the time `since`, in the order of `fence`. `None`, and nothing happens, if
    /// its key has no number.
    pub fn adopt(&mut self, ask: &Ask<'_>, fence: u64, since: Time) -> Option<Ticket> {
        let key = self.keys.find(ask.key)?;
        debug_assert!(self.keys[key].would_grant(ask.mode), "it could not have been granted");
        let index = self.add_request(ask, key, Time::ZERO);
        self.grant(index, &Now::at(since), fence);
        Some(self.ticket(index))
    }

    /// Puts a request that surely waits at the end of its key's queue: nobody learns of anything. `None`, and nothing
    /// happens, if its key has no number.
    pub fn append(&mut self, ask: &Ask<'_>) -> Option<Ticket> {
        let key = self.keys.find(ask.key)?;
        let state = &self.keys[key];
        debug_assert!(!state.would_grant(ask.mode), "it might be granted");
        debug_assert!(state.timed_holds == 0 || !state.queue.is_empty(), "a deadline begins to count");
        let index = self.add_request(ask, key, Time::ZERO);
        self.keys[key].queue.push_back(&mut self.requests, index);
        Some(self.ticket(index))
    }

    /// The tags of a key's requests, so many at most: those that hold it, but not those that are only counted, then those that wait.
    pub fn requests_of(&self, key: Index, most: usize) -> Vec<u32> {
        if !self.keys.is_known(key) {
            return Vec::new();
        }
        let KeyState { holders, queue, .. } = &self.keys[key];
        let requests = holders.iter(&self.requests).chain(queue.iter(&self.requests));
        requests.take(most).map(|request| request.tag).collect()
    }

    /// Counts holders that nothing distinguishes: they never expire, and have no tickets.
    pub fn adopt_counted(&mut self, ask: &Ask<'_>, count: u32) {
        if let Some(key) = self.keys.find(ask.key) {
            let state = &mut self.keys[key];
            debug_assert!(state.would_grant(ask.mode), "they could not have been granted");
            state.counted += count;
            state.mode = ask.mode;
        }
    }

    /// Ends one of a key's counted holds.
    pub fn release_counted(&mut self, ask: &Ask<'_>, operation: &mut Operation<'_>) -> Released {
        let Some(key) = self.keys.find(ask.key).filter(|&key| self.keys[key].counted > 0) else {
            return Released::NotHeld;
        };
        self.keys[key].counted -= 1;
        self.after_leaving(key, operation);
        if self.keys.is_known(key) { Released::Held } else { Released::HeldLast }
    }
}
