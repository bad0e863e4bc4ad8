//! A set of keys: of one thread, or for many at once, with shards of which each is behind its own mutex.

use std::{hash::BuildHasher, ops::DerefMut};

use crate::{
    Ask, Blockers, Caller, Events, KeyName, KeyReport, KeySlot, LockTable, Member, Outcome, Released,
    Requested, Safety, Ticket, Time,
    caller::{Now, Operation},
    fences::Fences,
    keys::{NamedKeys, NumberedKeys},
    scope::{Lock, Process, Scope, Thread},
    shard::Shard,
    sync::RandomState,
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
    fences: Fences,
}

/// A space of one thread, without a mutex and without texts.
///
/// The thread numbers its keys with small numbers ([`KeySlot::index`], of any generation), and may use the number of a key that
/// is idle for another one. It may grant a key by itself while the space knows of no holder and of nobody who waits; those
/// holds it hands over, in the order of their grants, before it asks.
pub type LocalSpace = Space<Thread>;

impl Default for LocalSpace {
    fn default() -> Self {
        Self::of([Shard::new(NumberedKeys::default())].into(), RandomState::default())
    }
}

impl LocalSpace {
    /// Puts a request at the end of its key's queue that surely waits there, without a limit: its key's holders do not admit
    /// it, or others wait before it. And if one of the holders has an expiry, others do. So there is nobody to notify, and no
    /// new deadline. `None`, and nothing happens, if the key has no number.
    pub fn append(&self, ask: &Ask<'_>) -> Option<Ticket> {
        self.shard(0).append(ask)
    }

    /// Takes in a hold that the thread granted at the time `since`. It knows the fence itself.
    ///
    /// The thread vouches that the key admits it: those who hold the key have all been taken in so, and nobody waits.
    pub fn adopt(&self, ask: &Ask<'_>, since: Time) -> Option<Ticket> {
        // A fence of its own, that nobody sees: of holds that are overdue at the same time the one that was granted first is
        // taken away first, and places are used again in no order.
        self.shard(0).adopt(ask, self.fences.next(), since)
    }

    /// The same for `count` holds, of the mode of `ask`, that nothing distinguishes: they never expire, and have no
    /// tickets.
    pub fn adopt_counted(&self, ask: &Ask<'_>, count: u32) {
        self.shard(0).adopt_counted(ask, count);
    }

    /// Ends one of the holds of the key of `ask` that are only counted.
    pub fn release_counted(&self, ask: &Ask<'_>, caller: &mut dyn Caller) -> Outcome<Released> {
        self.operate(0, caller, |state, operation| state.release_counted(ask, operation))
    }

    /// The tags of the requests of the key with a number, so many at most: those that hold it, in the order of their grants and but
    /// for those that are only counted, then those that wait, in order.
    #[must_use]
    pub fn requests_of(&self, key: u32, most: usize) -> Vec<u32> {
        self.shard(0).requests_of(key, most)
    }

    /// Later grants have fences higher than `fence`.
    pub fn raise_fences(&self, fence: u64) {
        self.fences.raise(fence);
    }
}

impl Space {
    /// An empty space. `shards`, which is raised to a power of two, is how many threads can change different keys at the
    /// same moment. In each of them up to `idle` keys that nobody uses are remembered: a key in regular use keeps its slot,
    /// and asking for it by that needs neither its text nor a hash. With 0, a key is forgotten as soon as nobody uses it.
    #[must_use]
    pub fn keeping(idle: usize, shards: u32) -> Self {
        let hasher = RandomState::default();
        let new_shard = |_| Shard::new(NamedKeys::new(hasher.clone(), idle));
        Self::of((0..shards.next_power_of_two()).map(new_shard).collect(), hasher)
    }

    /// Who holds and who waits, key by key. Each key's report is of one moment; different keys' may differ by
    /// what happens meanwhile.
    #[must_use]
    pub fn query(&self) -> Vec<KeyReport> {
        self.guards().flat_map(|shard| shard.query().collect::<Vec<_>>()).collect()
    }

    /// The same of one key; `None` if nobody holds it or waits for it.
    #[must_use]
    pub fn query_key(&self, units: &[u16]) -> Option<KeyReport> {
        self.shard(self.shard_of(units)).query_key(units)
    }

    /// Who keeps others from a key: so many holders at most. `None` if nobody has asked for it for a while.
    #[must_use]
    pub fn blockers(&self, units: &[u16], most: usize) -> Option<Blockers> {
        self.shard(self.shard_of(units)).blockers(units, most)
    }
}

impl<S: Scope> Space<S> {
    fn of(shards: Vec<Shard<S>>, hasher: RandomState) -> Self {
        let shard_bits = shards.len().trailing_zeros();
        let shards = shards.into_iter().map(S::Lock::<Shard<S>>::new).collect();
        Self { hasher, shards, shard_bits, fences: Fences::default() }
    }

    fn operate<T>(
        &self,
        shard: u32,
        caller: &mut dyn Caller,
        change: impl FnOnce(&mut Shard<S>, &mut Operation<'_>) -> T,
    ) -> Outcome<T> {
        let mut state = self.shard(shard);
        let mut operation =
            Operation { now: Now::by(caller), fences: &self.fences, events: Events::default() };
        let result = change(&mut state, &mut operation);
        let mut events = operation.events;
        // With the mutex, so that nobody's events about these keys can come before these.
        caller.take_events(&mut events);
        Outcome { result, slot: None, events, next_deadline: state.next_deadline() }
    }

    fn operate_on_all(
        &self,
        caller: &mut dyn Caller,
        mut change: impl FnMut(&mut Shard<S>, &mut Operation<'_>),
    ) -> Outcome<()> {
        let mut total = Outcome::quiet(());
        for shard in 0..=self.shard_mask() {
            let outcome = self.operate(shard, caller, &mut change);
            total.events.extend(outcome.events);
            total.next_deadline = earliest(total.next_deadline, outcome.next_deadline);
        }
        total
    }

    fn guards(&self) -> impl Iterator<Item = impl DerefMut<Target = Shard<S>>> {
        self.shards.iter().map(Lock::lock)
    }

    fn shard(&self, number: u32) -> impl DerefMut<Target = Shard<S>> {
        self.shards[number as usize].lock()
    }

    /// The shard of the key that is asked for, and the question as that shard understands it.
    fn addressed<'a>(&self, ask: Ask<'a>) -> (u32, Ask<'a>) {
        match ask.key {
            KeyName::Units(units) => (self.shard_of(units), ask),
            KeyName::Slot(slot) => {
                let (shard, index) = self.split(slot.index);
                (shard, Ask { key: KeyName::Slot(KeySlot { index, ..slot }), ..ask })
            }
        }
    }

    fn shard_of(&self, key: &[u16]) -> u32 {
        match self.shard_bits {
            0 => 0,
            // The tables use the low and the highest bits of the same hash; these lie between.
            _ => (self.hasher.hash_one(key) >> 32) as u32 & self.shard_mask(),
        }
    }

    fn shard_mask(&self) -> u32 {
        (1 << self.shard_bits) - 1
    }

    /// Tickets and slots of different shards differ in their index: it is `index in shard × shards + shard`.
    fn public_index(&self, index: u32, shard: u32) -> u32 {
        assert!(index <= u32::MAX >> self.shard_bits, "a space holds at most 2^32 - 1 requests");
        index << self.shard_bits | shard
    }

    fn locate(&self, ticket: Ticket) -> (u32, Ticket) {
        let (shard, index) = self.split(ticket.index);
        (shard, Ticket { index, ..ticket })
    }

    /// The shard of a ticket's or a slot's index, and the index there.
    fn split(&self, index: u32) -> (u32, u32) {
        (index & self.shard_mask(), index >> self.shard_bits)
    }
}

impl<S: Scope> LockTable for Space<S> {
    fn safety_of(&self, ticket: Ticket, now: Time) -> Safety {
        let (shard, ticket) = self.locate(ticket);
        self.shard(shard).safety_of(ticket, now)
    }

    fn request(&self, ask: Ask<'_>, caller: &mut dyn Caller) -> Outcome<Requested> {
        let (shard, ask) = self.addressed(ask);
        let mut slot = None;
        let mut outcome = self.operate(shard, caller, |state, operation| {
            let requested = state.request(ask, operation);
            if let KeyName::Units(_) = ask.key {
                slot = requested.ticket().and_then(|ticket| state.slot_of(ticket));
            }
            requested
        });
        if let Requested::Granted(ticket, _) | Requested::Waiting(ticket) = &mut outcome.result {
            ticket.index = self.public_index(ticket.index, shard);
        }
        outcome.slot = slot.map(|slot| KeySlot { index: self.public_index(slot.index, shard), ..slot });
        outcome
    }

    fn release(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released> {
        let (shard, ticket) = self.locate(ticket);
        self.operate(shard, caller, |state, operation| state.release(ticket, false, operation))
    }

    fn give_back(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released> {
        let (shard, ticket) = self.locate(ticket);
        self.operate(shard, caller, |state, operation| state.release(ticket, true, operation))
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

fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.into_iter().chain(b).min()
}
