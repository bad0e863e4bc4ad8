//! The part of a space behind one mutex, or all of one thread's: its keys, their requests and their deadlines.

mod local;

use crate::{
    Ask, Blockers, Event, Grant, Key, KeyReport, KeySlot, Member, Mode, Patience, Released, RequestReport,
    Requested, Safety, Ticket, Time,
    caller::{Now, Operation},
    deadlines::{Deadlines, Due},
    key_state::KeyState,
    keys::Keys,
    owners::Owners,
    request::{Links, Phase, Request},
    scope::{Process, Scope},
    slab::{Index, Slab},
};

/// How a hold came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was released: a write hold leaves the data whole.
    Released,
    /// It was given back unused: its holder never learned of it.
    GivenBack,
    /// It expired, or died with its member: a write hold may leave the data half written.
    TakenAway,
}

/// Keys, requests and deadlines.
///
/// Invariant: each request is in one list of its key, and in that of its owner, if members share the space.
#[derive(Debug)]
pub struct Shard<S: Scope> {
    pub keys: S::Keys,
    requests: Slab<Request>,
    owners: Owners,
    deadlines: Deadlines,
    next_generation: u32,
}

impl<S: Scope> Shard<S> {
    /// An empty shard.
    pub fn new(keys: S::Keys) -> Self {
        Self {
            keys,
            requests: Slab::new(),
            owners: Owners::default(),
            deadlines: Deadlines::default(),
            next_generation: 0,
        }
    }

    pub fn request(&mut self, ask: Ask<'_>, operation: &mut Operation<'_>) -> Requested {
        let Some(key) = self.keys.find(ask.key) else { return Requested::Forgotten };
        if self.evict_overdue(key, operation) {
            self.settle(key, operation);
        }
        let free = self.keys[key].would_grant(ask.mode);
        if !free && ask.patience == Patience::None {
            // Earlier ones may have been let in above; the key itself is held, so it stays.
            self.rearm(key);
            return Requested::Refused;
        }
        let index = self.add_request(&ask, key, Self::reported(&operation.now));
        let ticket = self.ticket(index);
        let requested = if free {
            Requested::Granted(ticket, self.grant(index, &operation.now, operation.fences.next()))
        } else {
            self.enqueue(index, &ask, &operation.now);
            Requested::Waiting(ticket)
        };
        self.rearm(key);
        requested
    }

    /// The slot of a live request's key.
    pub fn slot_of(&self, ticket: Ticket) -> Option<KeySlot> {
        Some(self.keys.slot_of(self.live(ticket)?.key))
    }

    /// How long a hold is safe.
    pub fn safety_of(&self, ticket: Ticket, now: Time) -> Safety {
        let Some(Phase::Holding { deadline, .. }) = self.live(ticket).map(|request| request.phase) else {
            return Safety::Over;
        };
        deadline.map_or(Safety::Endless, |deadline| Safety::For(now.until(deadline)))
    }

    /// Ends a hold, which its holder knew of unless `unused`.
    pub fn release(&mut self, ticket: Ticket, unused: bool, operation: &mut Operation<'_>) -> Released {
        let Some(request) = self.live(ticket).filter(|request| request.is_hold()) else {
            return Released::NotHeld;
        };
        let key = request.key;
        self.end_hold(ticket.index, if unused { End::GivenBack } else { End::Released });
        self.after_leaving(key, operation);
        if self.keys.is_known(key) { Released::Held } else { Released::HeldLast }
    }

    /// Makes a write hold a read hold. False if the ticket has no hold; true for one that reads already.
    pub fn downgrade(&mut self, ticket: Ticket, operation: &mut Operation<'_>) -> bool {
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
            self.settle(key, operation);
            self.rearm(key);
        }
        true
    }

    /// Takes a request out of its queue. False if the ticket does not wait.
    pub fn cancel(&mut self, ticket: Ticket, operation: &mut Operation<'_>) -> bool {
        let Some(request) = self.live(ticket).filter(|request| !request.is_hold()) else {
            return false;
        };
        let key = request.key;
        self.end_wait(ticket.index);
        self.after_leaving(key, operation);
        true
    }

    /// Ends all that a member owns. First everything leaves, then others are let in: a request of the
    /// same member is never granted on the way.
    pub fn detach(&mut self, member: Member, operation: &mut Operation<'_>) {
        let mut touched = Vec::new();
        while let Some(index) = self.owners.first(member) {
            touched.push(self.requests[index].key);
            match self.requests[index].phase {
                Phase::Waiting { .. } => self.end_wait(index),
                Phase::Holding { .. } => self.end_hold(index, End::TakenAway),
            };
        }
        touched.sort_unstable();
        touched.dedup();
        for &key in &touched {
            self.let_in(key, operation);
        }
        for key in touched {
            // One that comes to rest may make another one of them, which is idle too, be forgotten: all deadlines are right
            // by then.
            if self.keys.is_known(key) {
                self.rest_if_idle(key);
            }
        }
        self.owners.remove(member);
    }

    /// Takes away each hold that is overdue while another request waits for its key, and takes out each
    /// request that has waited long enough, in the order of their times.
    pub fn expire(&mut self, operation: &mut Operation<'_>) {
        while let Some(due) = self.deadlines.due(operation.now.get()) {
            let key = match due {
                Due::Hold(key) => {
                    self.evict_overdue(key, operation);
                    key
                }
                Due::Wait(index) => {
                    let Request { key, member, tag, .. } = self.requests[index];
                    // Few, if those before it wait no longer than it does.
                    let ahead = self.keys[key].queue.count_before(&self.requests, index);
                    self.end_wait(index);
                    operation.events.push(Event::TimedOut { member, tag, ahead });
                    key
                }
            };
            self.after_leaving(key, operation);
        }
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.earliest()
    }

    fn live(&self, ticket: Ticket) -> Option<&Request> {
        self.requests.get(ticket.index).filter(|request| request.generation == ticket.generation)
    }

    fn ticket(&self, index: Index) -> Ticket {
        Ticket { index, generation: self.requests[index].generation }
    }

    fn new_generation(&mut self) -> u32 {
        self.next_generation = self.next_generation.wrapping_add(1);
        self.next_generation
    }

    fn add_request(&mut self, ask: &Ask<'_>, key: Index, now: Time) -> Index {
        let generation = self.new_generation();
        let index = self.requests.insert(Request {
            generation,
            member: ask.member,
            tag: ask.tag,
            key,
            mode: ask.mode,
            expiry: ask.expiry,
            phase: Phase::Waiting { limit: None },
            since: now,
            links: [Links::UNLINKED; 2],
        });
        if S::SHARED {
            self.owners.add(ask.member, &mut self.requests, index);
        }
        index
    }

    /// Puts a request, which is in no list of its key, into the queue.
    fn enqueue(&mut self, index: Index, ask: &Ask<'_>, now: &Now<'_>) {
        let request = &mut self.requests[index];
        if let Patience::For(wait) = ask.patience {
            let limit = now.get().after(wait);
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
    fn grant(&mut self, index: Index, now: &Now<'_>, fence: u64) -> Grant {
        let request = &mut self.requests[index];
        let state = &mut self.keys[request.key];
        let deadline = request.expiry.map(|expiry| now.get().after(expiry));
        let grant = Grant { fence, recovered: state.recovered };
        request.phase = Phase::Holding { deadline, grant };
        request.since = Self::reported(now);
        state.mode = request.mode;
        if let Some(deadline) = deadline {
            state.timed_holds += 1;
            self.deadlines.add(request.key, deadline, fence, index);
        }
        state.holders.push_back(&mut self.requests, index);
        grant
    }

    /// Grants from the queue's head for as long as the holders admit it.
    fn settle(&mut self, key: Index, operation: &mut Operation<'_>) {
        while let Some(index) = self.keys[key].front() {
            let Request { mode, member, tag, .. } = self.requests[index];
            if !self.keys[key].admits(mode) {
                break;
            }
            self.dequeue(index);
            let grant = self.grant(index, &operation.now, operation.fences.next());
            operation.events.push(Event::Granted { member, tag, grant });
        }
    }

    /// Takes away a key's overdue holds, oldest deadline first. True if there was one.
    fn evict_overdue(&mut self, key: Index, operation: &mut Operation<'_>) -> bool {
        let mut evicted = false;
        while self.keys[key].timed_holds > 0 {
            let Some((_, index)) = self.deadlines.first_of(key).filter(|hold| hold.0 <= operation.now.get())
            else {
                break;
            };
            let Request { member, tag, .. } = self.requests[index];
            self.end_hold(index, End::TakenAway);
            operation.events.push(Event::Expired { member, tag });
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
        self.forget_request(index);
    }

    fn end_wait(&mut self, index: Index) {
        self.dequeue(index);
        self.forget_request(index);
    }

    fn forget_request(&mut self, index: Index) {
        if S::SHARED {
            self.owners.forget(&mut self.requests, index);
        }
        self.requests.remove(index);
    }

    /// Restores a key's invariants after one of its requests ended.
    fn after_leaving(&mut self, key: Index, operation: &mut Operation<'_>) {
        self.let_in(key, operation);
        self.rest_if_idle(key);
    }

    fn let_in(&mut self, key: Index, operation: &mut Operation<'_>) {
        self.settle(key, operation);
        self.rearm(key);
    }

    fn rest_if_idle(&mut self, key: Index) {
        if self.keys[key].is_idle() {
            self.keys.rest(key);
        }
    }

    /// The time, where it is reported.
    fn reported(now: &Now<'_>) -> Time {
        if S::SHARED { now.get() } else { Time::ZERO }
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

impl Shard<Process> {
    /// Each key that somebody holds or waits for.
    pub fn query(&self) -> impl Iterator<Item = KeyReport> {
        let states = self.keys.named().filter(|(_, state)| !state.holders.is_empty());
        states.map(|(key, state)| self.report(key, state))
    }

    /// The same of one key.
    pub fn query_key(&self, units: &[u16]) -> Option<KeyReport> {
        let (key, state) = self.keys.get(units)?;
        (!state.holders.is_empty()).then(|| self.report(key, state))
    }

    /// Who keeps others from a key: so many holders at most.
    pub fn blockers(&self, units: &[u16], most: usize) -> Option<Blockers> {
        let (key, state) = self.keys.get(units)?;
        let holders = state.holders.iter(&self.requests).take(most).map(RequestReport::of).collect();
        Some(Blockers { key: key.clone(), holders, waiting: state.queue.len() })
    }

    fn report(&self, key: &Key, state: &KeyState) -> KeyReport {
        KeyReport {
            key: key.clone(),
            holders: state.holders.iter(&self.requests).map(RequestReport::of).collect(),
            waiting: state.queue.iter(&self.requests).map(RequestReport::of).collect(),
        }
    }
}
