//! A set of keys: of one thread, or for many at once, with shards of which each is behind its own mutex.

use std::{hash::BuildHasher, ops::DerefMut};

use crate::{
    Ask, Caller, Events, KeyName, KeyReport, LockTable, Member, Outcome, Released, Requested, Safety, Ticket,
    Time,
    caller::Operation,
    keys::Names,
    scope::{Process, Scope, Thread},
    shard::{AS_FOUND, Shard, WHOLE},
    sync::{AtomicU64, RandomState},
};

/// A set of keys, their holders and their queues.
///
/// Each operation takes one shard's mutex, changes state, has its [`Caller`] take in the events that it caused, and
/// only then frees the mutex. What the caller has left of them is in the [`Outcome`]. [`request`](Self::request),
/// [`release`](Self::release) and [`cancel`](Self::cancel) cost the same however many requests wait
/// (and O(log n) where the hold has an expiry); [`detach`](Self::detach) costs what the member owns.
///
/// The hash that spreads keys over shards and tables is keyed anew per space, so that nobody can
/// choose keys that make it slow.
///
/// Invariant: there are 2 to the power of `shard_bits` shards, so that numbers are kept apart by shifts: a division
/// would cost as much as taking the mutex.
#[derive(Debug)]
pub struct Space<S: Scope = Process> {
    hasher: RandomState,
    shards: Box<[S::Lock<Shard<S>>]>,
    shard_bits: u32,
    pub(crate) last_fence: AtomicU64,
}

/// A space of one thread, without a mutex and without texts.
///
/// The thread numbers its keys with small numbers ([`KeySlot::index`], of any generation), and may use the number of a key that
/// is idle for another one. It may grant a key by itself while the space knows of no holder and of nobody who waits; those
/// holds it hands over, in the order of their grants, before it asks.
pub type LocalSpace = Space<Thread>;

impl Space {
    /// An empty space. `shards`, which is raised to a power of two, is how many threads can change different keys at the
    /// same moment. In each of them up to `idle` keys that nobody uses are remembered: a key in regular use keeps its slot,
    /// and asking for it by that needs neither its text nor a hash. With 0, a key is forgotten as soon as nobody uses it.
    #[must_use]
    pub fn keeping(idle: usize, shards: u32) -> Self {
        let hasher = RandomState::default();
        let new_shard = |_| Shard::new(Some(Names::new(hasher.clone(), idle)));
        Self::of((0..shards.next_power_of_two()).map(new_shard).collect(), hasher)
    }

    /// Who holds and who waits, key by key. Each key's report is of one moment; different keys' may differ by
    /// what happens meanwhile.
    #[must_use]
    pub fn query(&self) -> Vec<KeyReport> {
        self.shards.iter().flat_map(|shard| Process::lock(shard).query()).collect()
    }

    /// The same of one key, with so many of its requests at most; `None` if nobody holds it or waits for it.
    #[must_use]
    pub fn query_key(&self, units: &[u16], most: usize) -> Option<KeyReport> {
        self.shard(self.shard_of(units)).query_key(units, most)
    }
}

impl<S: Scope> Space<S> {
    pub(crate) fn of(shards: Vec<Shard<S>>, hasher: RandomState) -> Self {
        let shard_bits = shards.len().trailing_zeros();
        let shards = shards.into_iter().map(S::Lock::from).collect();
        Self { hasher, shards, shard_bits, last_fence: AtomicU64::new(0) }
    }

    pub(crate) fn operate<T>(
        &self,
        shard: u32,
        caller: &mut dyn Caller,
        change: impl FnOnce(&mut Shard<S>, &mut Operation<'_>) -> T,
    ) -> Outcome<T> {
        let mut state = self.shard(shard);
        let clock = || caller.now();
        let mut events = Events::default();
        let mut operation = Operation::new(&clock, &self.last_fence, &mut events);
        let result = change(&mut state, &mut operation);
        let slot = operation.slot;
        // With the mutex, so that nobody's events about these keys can come before these.
        caller.take_events(&mut events);
        Outcome { result, slot, events, next_deadline: state.next_deadline() }
    }

    fn operate_on_all(
        &self,
        caller: &mut dyn Caller,
        mut change: impl FnMut(&mut Shard<S>, &mut Operation<'_>),
    ) -> Outcome<()> {
        let mut total = Outcome::quiet(());
        for shard in 0..self.shards.len() as u32 {
            let outcome = self.operate(shard, caller, &mut change);
            total.events.extend(outcome.events);
            total.next_deadline = total.next_deadline.into_iter().chain(outcome.next_deadline).min();
        }
        total
    }

    pub(crate) fn shard(&self, number: u32) -> impl DerefMut<Target = Shard<S>> {
        S::lock(&self.shards[number as usize])
    }

    fn shard_of(&self, key: &[u16]) -> u32 {
        // The tables use the low and the highest bits of the same hash; these lie between.
        self.split((self.hasher.hash_one(key) >> 32) as u32).0
    }

    /// Tickets and slots of different shards differ in their index: it is `index in shard × shards + shard`.
    fn public_index(&self, index: u32, shard: u32) -> u32 {
        assert!(index <= u32::MAX >> self.shard_bits, "a space holds at most 2^32 - 1 requests");
        index << self.shard_bits | shard
    }

    /// The shard of a ticket's or a slot's index, and the index there.
    fn split(&self, index: u32) -> (u32, u32) {
        (index & (self.shards.len() as u32 - 1), index >> self.shard_bits)
    }

    fn locate(&self, ticket: Ticket) -> (u32, Ticket) {
        let (shard, index) = self.split(ticket.index);
        (shard, Ticket { index, ..ticket })
    }
}

impl<S: Scope> LockTable for Space<S> {
    fn safety_of(&self, ticket: Ticket, now: Time) -> Safety {
        let (shard, ticket) = self.locate(ticket);
        self.shard(shard).safety_of(ticket, now)
    }

    fn request(&self, mut ask: Ask<'_>, caller: &mut dyn Caller) -> Outcome<Requested> {
        let shard = match &mut ask.key {
            KeyName::Units(units) => self.shard_of(units),
            KeyName::Slot(slot) => {
                let (shard, index) = self.split(slot.index);
                slot.index = index;
                shard
            }
        };
        let mut outcome = self.operate(shard, caller, |state, operation| state.request(&ask, operation));
        if let Requested::Granted(ticket, _) | Requested::Waiting(ticket) = &mut outcome.result {
            ticket.index = self.public_index(ticket.index, shard);
        }
        if let Some(slot) = &mut outcome.slot {
            slot.index = self.public_index(slot.index, shard);
        }
        outcome
    }

    fn release(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released> {
        let (shard, ticket) = self.locate(ticket);
        self.operate(shard, caller, |state, operation| state.release(ticket, WHOLE, operation))
    }

    fn give_back(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released> {
        let (shard, ticket) = self.locate(ticket);
        self.operate(shard, caller, |state, operation| state.release(ticket, AS_FOUND, operation))
    }

    fn downgrade(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool> {
        let (shard, ticket) = self.locate(ticket);
        self.operate(shard, caller, |state, operation| state.downgrade(ticket, operation))
    }

    fn cancel(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool> {
        let (shard, ticket) = self.locate(ticket);
        self.operate(shard, caller, |state, operation| state.cancel(ticket, operation))
    }

    fn detach(&self, member: Member, caller: &mut dyn Caller) -> Outcome<()> {
        self.operate_on_all(caller, |state, operation| state.detach(member, operation))
    }

    fn expire(&self, caller: &mut dyn Caller) -> Outcome<()> {
        self.operate_on_all(caller, |state, operation| state.expire(operation))
    }
}
