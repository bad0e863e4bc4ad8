//! The part of a space behind one mutex: its keys, their requests and their deadlines.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Ask, Event, Events, Grant, Key, KeyName, KeyReport, KeySlot, Mode, Patience, Port, Released, Requested,
    Ticket, Time, Usage,
    caller::Now,
    deadlines::{Deadlines, Due},
    fences::Fences,
    idle::IdleKeys,
    key_state::KeyState,
    list::{Links, List, OF_PORT},
    request::{Phase, Request},
    slab::{Index, Slab},
    sync::RandomState,
};

/// Above this many places the key table is shrunk when it has become sparse.
const KEEP_KEYS: usize = 1024;

/// How a hold came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was released: a write hold leaves the data whole.
    Released,
    /// It was given back unused: its holder never learned of it.
    GivenBack,
    /// It expired, or died with its port: a write hold may leave the data half written.
    TakenAway,
}

/// Keys, requests and deadlines.
///
/// Invariant: `by_name` and `keys` hold the same keys, and `idle` knows which of them nobody uses. Each request is in the
/// list of its port and in one list of its key; a port has a list from its first request until it is detached.
#[derive(Debug)]
pub(crate) struct Shard {
    by_name: HashMap<Key, Index, RandomState>,
    keys: Slab<KeyState>,
    requests: Slab<Request>,
    ports: BTreeMap<Port, List<OF_PORT>>,
    deadlines: Deadlines,
    holds: usize,
    idle: IdleKeys,
    next_generation: u32,
    next_key_generation: u64,
}

impl Shard {
    /// An empty shard, which remembers up to `keep_idle` keys that nobody uses.
    pub fn new(hasher: RandomState, keep_idle: usize) -> Self {
        Self {
            by_name: HashMap::with_hasher(hasher),
            keys: Slab::new(),
            requests: Slab::new(),
            ports: BTreeMap::new(),
            deadlines: Deadlines::default(),
            holds: 0,
            idle: IdleKeys::new(keep_idle),
            next_generation: 0,
            next_key_generation: 0,
        }
    }

    pub fn request(
        &mut self,
        ask: Ask<'_>,
        now: &Now<'_>,
        fences: &Fences,
        events: &mut Events,
    ) -> Requested {
        let Some(key) = self.key_named(ask.key) else { return Requested::Forgotten };
        if self.evict_overdue(key, now, events) {
            self.settle(key, now, fences, events);
        }
        let state = &self.keys[key];
        let free = state.queue.is_empty() && state.admits(ask.mode);
        if !free && ask.patience == Patience::None {
            // Earlier ones may have been let in above; the key itself is held, so it stays.
            self.rearm(key);
            return Requested::Refused;
        }
        let index = self.add_request(&ask, key, now.get());
        let ticket = Ticket { index, generation: self.requests[index].generation };
        let requested = if free {
            Requested::Granted(ticket, self.grant(index, now.get(), fences.next()))
        } else {
            self.enqueue(index, &ask, now.get());
            Requested::Waiting(ticket)
        };
        self.rearm(key);
        requested
    }

    /// Takes in a hold that was granted elsewhere, with its fence, at the time `since`. `None`, and nothing
    /// happens, if the slot that it names is no key's any more.
    pub fn adopt(&mut self, ask: &Ask<'_>, fence: u64, since: Time) -> Option<Ticket> {
        let key = self.key_named(ask.key)?;
        let index = self.add_request(ask, key, since);
        self.grant(index, since, fence);
        Some(Ticket { index, generation: self.requests[index].generation })
    }

    /// The slot of a live request's key.
    pub fn slot_of(&self, ticket: Ticket) -> Option<KeySlot> {
        let index = self.live(ticket)?.key;
        Some(KeySlot { index, generation: self.keys[index].generation })
    }

    /// Ends a hold, which its holder knew of unless `unused`.
    pub fn release(
        &mut self,
        ticket: Ticket,
        unused: bool,
        now: &Now<'_>,
        fences: &Fences,
        events: &mut Events,
    ) -> Released {
        let Some(request) = self.live(ticket).filter(|request| request.is_hold()) else {
            return Released::NotHeld;
        };
        let key = request.key;
        self.end_hold(ticket.index, if unused { End::GivenBack } else { End::Released });
        self.after_leaving(key, now, fences, events);
        if self.keys.get(key).is_some() { Released::Held } else { Released::HeldLast }
    }

    /// Makes a write hold a read hold. False if the ticket has no hold; true for one that reads already.
    pub fn downgrade(&mut self, ticket: Ticket, now: &Now<'_>, fences: &Fences, events: &mut Events) -> bool {
        let Some(request) = self.live(ticket).filter(|request| request.is_hold()) else {
            return false;
        };
        let Request { key, mode, .. } = *request;
        if mode == Mode::Write {
            self.requests[ticket.index].mode = Mode::Read;
            let state = &mut self.keys[key];
            state.mode = Mode::Read;
            // What it had to write is written: to the key, this is a writer's normal release.
            state.recovered = false;
            self.settle(key, now, fences, events);
            self.rearm(key);
        }
        true
    }

    /// Takes a request out of its queue. False if the ticket does not wait.
    pub fn cancel(&mut self, ticket: Ticket, now: &Now<'_>, fences: &Fences, events: &mut Events) -> bool {
        let Some(request) = self.live(ticket).filter(|request| !request.is_hold()) else {
            return false;
        };
        let key = request.key;
        self.end_wait(ticket.index);
        self.after_leaving(key, now, fences, events);
        true
    }

    /// Ends all that a port owns. First everything leaves, then others are let in: a request of the
    /// same port is never granted on the way.
    pub fn detach(&mut self, port: Port, now: &Now<'_>, fences: &Fences, events: &mut Events) {
        let mut touched = Vec::new();
        while let Some(index) = self.ports.get(&port).and_then(List::first) {
            touched.push(self.requests[index].key);
            match self.requests[index].phase {
                Phase::Waiting { .. } => self.end_wait(index),
                Phase::Holding { .. } => self.end_hold(index, End::TakenAway),
            };
        }
        touched.sort_unstable();
        touched.dedup();
        for key in touched {
            // One of them that came to rest may have made another one, which is idle too by now, be forgotten.
            if self.keys.get(key).is_some() {
                self.after_leaving(key, now, fences, events);
            }
        }
        self.ports.remove(&port);
    }

    /// Takes away each hold that is overdue while another request waits for its key, and takes out each
    /// request that has waited long enough, in the order of their times.
    pub fn expire(&mut self, now: &Now<'_>, fences: &Fences, events: &mut Events) {
        while let Some(due) = self.deadlines.due(now.get()) {
            let key = match due {
                Due::Hold(key) => {
                    self.evict_overdue(key, now, events);
                    key
                }
                Due::Wait(index) => {
                    let Request { key, port, tag, .. } = self.requests[index];
                    self.end_wait(index);
                    events.push(Event::TimedOut { port, tag });
                    key
                }
            };
            self.after_leaving(key, now, fences, events);
        }
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.earliest()
    }

    pub fn usage(&self) -> Usage {
        let idle = self.idle.count(&self.keys);
        Usage {
            keys: self.keys.len() - idle,
            idle,
            holds: self.holds,
            waiting: self.requests.len() - self.holds,
        }
    }

    /// Each key that somebody holds or waits for.
    pub fn query(&self) -> impl Iterator<Item = KeyReport> {
        let states = self.by_name.values().map(|&key| &self.keys[key]);
        states.filter(|state| !state.holders.is_empty()).map(|state| KeyReport {
            key: state.key.clone(),
            holders: state.holders.iter(&self.requests).filter_map(Request::hold_report).collect(),
            waiting: state.queue.iter(&self.requests).map(Request::wait_report).collect(),
        })
    }

    fn live(&self, ticket: Ticket) -> Option<&Request> {
        self.requests.get(ticket.index).filter(|request| request.generation == ticket.generation)
    }

    /// The key that a request names, which is added if it is named by its units. `None` for a slot that is no
    /// key's any more.
    fn key_named(&mut self, name: KeyName<'_>) -> Option<Index> {
        match name {
            KeyName::Units(units) => Some(self.find_or_add_key(units)),
            KeyName::Slot(slot) => {
                let state = self.keys.get(slot.index)?;
                (state.generation == slot.generation).then_some(slot.index)
            }
        }
    }

    fn find_or_add_key(&mut self, units: &[u16]) -> Index {
        if let Some(&key) = self.by_name.get(units) {
            return key;
        }
        let name = Key::from(units);
        self.next_key_generation += 1;
        let key = self.keys.insert(KeyState::new(name.clone(), self.next_key_generation));
        self.by_name.insert(name, key);
        key
    }

    fn new_generation(&mut self) -> u32 {
        self.next_generation = self.next_generation.wrapping_add(1);
        self.next_generation
    }

    fn add_request(&mut self, ask: &Ask<'_>, key: Index, now: Time) -> Index {
        let generation = self.new_generation();
        let index = self.requests.insert(Request {
            generation,
            port: ask.port,
            tag: ask.tag,
            key,
            mode: ask.mode,
            expiry: ask.expiry,
            phase: Phase::Waiting { limit: None },
            since: now,
            links: [Links::UNLINKED; 2],
        });
        let owned = self.ports.entry(ask.port).or_insert(List::EMPTY);
        owned.push_back(&mut self.requests, index);
        index
    }

    /// Puts a request, which is in no list of its key, into the queue.
    fn enqueue(&mut self, index: Index, ask: &Ask<'_>, now: Time) {
        let request = &mut self.requests[index];
        if let Patience::For(wait) = ask.patience {
            let limit = now.after(wait);
            request.phase = Phase::Waiting { limit: Some(limit) };
            self.deadlines.add_limit(limit, index);
        }
        let key = request.key;
        self.keys[key].queue.push_back(&mut self.requests, index);
    }

    /// Takes a request out of its key's queue.
    fn dequeue(&mut self, index: Index) {
        let Request { key, phase, .. } = self.requests[index];
        if let Phase::Waiting { limit: Some(limit) } = phase {
            self.deadlines.remove_limit(limit, index);
        }
        self.keys[key].queue.unlink(&mut self.requests, index);
    }

    /// Makes a request, which is in no list of its key, a holder.
    fn grant(&mut self, index: Index, now: Time, fence: u64) -> Grant {
        let request = &mut self.requests[index];
        let state = &mut self.keys[request.key];
        let deadline = request.expiry.map(|expiry| now.after(expiry));
        let grant = Grant { fence, recovered: state.recovered };
        request.phase = Phase::Holding { deadline, grant };
        request.since = now;
        state.mode = request.mode;
        if let Some(deadline) = deadline {
            state.timed_holds += 1;
            self.deadlines.add(request.key, deadline, fence, index);
        }
        state.holders.push_back(&mut self.requests, index);
        self.holds += 1;
        grant
    }

    /// Grants from the queue's head for as long as the holders admit it.
    fn settle(&mut self, key: Index, now: &Now<'_>, fences: &Fences, events: &mut Events) {
        while let Some(index) = self.keys[key].front() {
            if !self.keys[key].admits(self.requests[index].mode) {
                break;
            }
            self.dequeue(index);
            let grant = self.grant(index, now.get(), fences.next());
            let Request { port, tag, .. } = self.requests[index];
            events.push(Event::Granted { port, tag, grant });
        }
    }

    /// Takes away a key's overdue holds, oldest deadline first. True if there was one.
    fn evict_overdue(&mut self, key: Index, now: &Now<'_>, events: &mut Events) -> bool {
        let mut evicted = false;
        while self.keys[key].timed_holds > 0 {
            let Some((_, index)) = self.deadlines.first_of(key).filter(|hold| hold.0 <= now.get()) else {
                break;
            };
            let Request { port, tag, .. } = self.requests[index];
            self.end_hold(index, End::TakenAway);
            events.push(Event::Expired { port, tag });
            evicted = true;
        }
        evicted
    }

    fn end_hold(&mut self, index: Index, end: End) {
        let Request { key, mode, phase, .. } = self.requests[index];
        let state = &mut self.keys[key];
        if let Phase::Holding { deadline: Some(deadline), grant } = phase {
            state.timed_holds -= 1;
            self.deadlines.remove(key, deadline, grant.fence, index);
        }
        if mode == Mode::Write {
            state.recovered = match end {
                // It has seen `recovered`, if that was set, and made it good.
                End::Released => false,
                End::GivenBack => state.recovered,
                End::TakenAway => true,
            };
        }
        state.holders.unlink(&mut self.requests, index);
        self.holds -= 1;
        self.forget_request(index);
    }

    fn end_wait(&mut self, index: Index) {
        self.dequeue(index);
        self.forget_request(index);
    }

    fn forget_request(&mut self, index: Index) {
        let port = self.requests[index].port;
        if let Some(owned) = self.ports.get_mut(&port) {
            owned.unlink(&mut self.requests, index);
        }
        self.requests.remove(index);
    }

    /// Restores a key's invariants after one of its requests ended.
    fn after_leaving(&mut self, key: Index, now: &Now<'_>, fences: &Fences, events: &mut Events) {
        self.settle(key, now, fences, events);
        self.rearm(key);
        if self.keys[key].is_idle()
            && let Some(earliest) = self.idle.rest(key, &mut self.keys)
        {
            self.forget_key(earliest);
        }
    }

    fn forget_key(&mut self, key: Index) {
        let state = self.keys.remove(key);
        self.by_name.remove(&state.key);
        if self.by_name.capacity() > KEEP_KEYS && self.by_name.len() < self.by_name.capacity() / 8 {
            self.by_name.shrink_to(self.by_name.len() * 2);
        }
    }

    /// Brings a key's armed deadline up to date.
    fn rearm(&mut self, key: Index) {
        let state = &mut self.keys[key];
        let deadline = if state.timed_holds == 0 || state.queue.is_empty() {
            None
        } else {
            self.deadlines.first_of(key).map(|(deadline, _)| deadline)
        };
        if deadline != state.armed {
            self.deadlines.rearm(key, state.armed, deadline);
            state.armed = deadline;
        }
    }
}
