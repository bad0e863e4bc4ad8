//! The part of a space behind one mutex, or all of one thread's: its keys, their requests and their deadlines.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    sync::atomic::Ordering,
};

use crate::{
    Ask, Event, Grant, Key, KeyName, KeyReport, Member, Mode, Patience, Released, RequestReport, Requested,
    Safety, Ticket, Time,
    caller::Operation,
    deadlines::{Deadlines, Due},
    key_state::KeyState,
    keys::{Keys, Names},
    list::{List, OF_MEMBER},
    request::{Links, Request},
    scope::Scope,
    slab::{Index, Slab},
    sync::AtomicU64,
};

/// How a request that ends leaves the data: whether its key is `recovered` then, if it says that.
pub type Left = Option<bool>;
/// It wrote what it had to.
pub const WHOLE: Left = Some(false);
/// It was taken away while it may have written.
pub const HALF_WRITTEN: Left = Some(true);
/// It has written nothing: its holder never learned of it, or it waited.
pub const AS_FOUND: Left = None;

/// Keys, requests and deadlines.
///
/// Invariant: each request is in one list of its key, and in that of its member, if members share the space.
#[derive(Debug)]
pub struct Shard<S: Scope> {
    pub keys: Keys,
    pub requests: Slab<Request>,
    /// Those of each member, from its first one until it is detached: they end when it does.
    owned: BTreeMap<Member, List<OF_MEMBER>>,
    deadlines: Deadlines,
    last_generation: u32,
    scope: PhantomData<S>,
}

impl<S: Scope> Shard<S> {
    /// An empty shard: with names, if members share the space.
    pub fn new(names: Option<Names>) -> Self {
        Self {
            keys: Keys::new(names),
            requests: Slab::new(),
            owned: BTreeMap::new(),
            deadlines: Deadlines::default(),
            last_generation: 0,
            scope: PhantomData,
        }
    }

    pub fn request(&mut self, ask: &Ask<'_>, operation: &mut Operation<'_>) -> Requested {
        let Some(key) = self.keys.find(ask.key) else { return Requested::Forgotten };
        self.evict_overdue(key, operation);
        let is_free = self.keys.at(key).would_grant(ask.mode);
        if !is_free && ask.patience == Patience::None {
            // Earlier ones may have been let in above; the key itself is held, so it stays.
            self.rearm(key);
            return Requested::Refused;
        }
        if let KeyName::Units(_) = ask.key {
            operation.slot = self.keys.slot_of(key);
        }
        let ticket = self.add_request(ask, key, self.reported(operation));
        let requested = if is_free {
            Requested::Granted(ticket, self.grant(ticket.index, operation))
        } else {
            self.enqueue(ticket.index, ask, operation);
            Requested::Waiting(ticket)
        };
        self.rearm(key);
        requested
    }

    /// How long a hold is safe.
    pub fn safety_of(&self, ticket: Ticket, now: Time) -> Safety {
        match self.hold(ticket) {
            Some(hold) => hold.until.map_or(Safety::Endless, |deadline| Safety::For(now.until(deadline))),
            None => Safety::Over,
        }
    }

    /// Ends a hold, which leaves the data so if it is a write hold.
    pub fn release(&mut self, ticket: Ticket, leaves: Left, operation: &mut Operation<'_>) -> Released {
        let Some(&Request { key, .. }) = self.hold(ticket) else { return Released::NotHeld };
        self.end(ticket.index, leaves);
        self.after_leaving(key, operation)
    }

    /// Makes a write hold a read hold. False if the ticket has no hold; true for one that reads already.
    pub fn downgrade(&mut self, ticket: Ticket, operation: &mut Operation<'_>) -> bool {
        let Some(&Request { key, report, .. }) = self.hold(ticket) else { return false };
        if report.mode == Mode::Write {
            self.requests[ticket.index].report.mode = Mode::Read;
            let state = self.keys.at(key);
            state.mode = Mode::Read;
            // What it had to write is written: to the key, this is a writer's normal release.
            state.recovered = false;
            self.let_in(key, operation);
        }
        true
    }

    /// Takes a request out of its queue. False if the ticket does not wait.
    pub fn cancel(&mut self, ticket: Ticket, operation: &mut Operation<'_>) -> bool {
        let wait = self.live(ticket).filter(|request| request.report.grant.is_none());
        let Some(&Request { key, .. }) = wait else { return false };
        self.end(ticket.index, AS_FOUND);
        self.after_leaving(key, operation);
        true
    }

    /// Ends all that a member owns. First everything leaves, then others are let in: a request of the
    /// same member is never granted on the way.
    pub fn detach(&mut self, member: Member, operation: &mut Operation<'_>) {
        let mut touched = BTreeSet::new();
        while let Some(index) = self.owned.get(&member).and_then(List::first) {
            touched.insert(self.requests[index].key);
            self.end(index, HALF_WRITTEN);
        }
        self.owned.remove(&member);
        for &key in &touched {
            self.let_in(key, operation);
        }
        // One that comes to rest may make another one of them, which is idle too, be forgotten: all deadlines are right by then.
        touched.retain(|&key| self.keys.get(key).is_none());
        for key in touched {
            self.keys.rest(key);
        }
    }

    /// Takes away each hold that is overdue while another request waits for its key, and takes out each
    /// request that has waited long enough, in the order of their times.
    pub fn expire(&mut self, operation: &mut Operation<'_>) {
        while let Some(&(_, due)) = self.deadlines.due.first().filter(|due| due.0 <= *operation.now) {
            let key = match due {
                Due::Hold(key) => {
                    self.evict_overdue(key, operation);
                    key
                }
                Due::Wait(index) => {
                    let Request { key, generation, report: RequestReport { member, tag, .. }, .. } =
                        self.requests[index];
                    // Few, if those before it wait no longer than it does.
                    let queue = self.keys.at(key).queue.iter(&self.requests);
                    let ahead = queue.take_while(|other| other.generation != generation).count() as u32;
                    self.end(index, AS_FOUND);
                    operation.events.push(Event::TimedOut { member, tag, ahead });
                    key
                }
            };
            self.after_leaving(key, operation);
        }
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.due.first().map(|due| due.0)
    }

    fn live(&self, ticket: Ticket) -> Option<&Request> {
        self.requests.get(ticket.index).filter(|request| request.generation == ticket.generation)
    }

    fn hold(&self, ticket: Ticket) -> Option<&Request> {
        self.live(ticket).filter(|request| request.report.grant.is_some())
    }

    /// Adds a request, which is in no list of its key yet.
    pub fn add_request(&mut self, ask: &Ask<'_>, key: Index, since: Time) -> Ticket {
        let &Ask { member, tag, mode, expiry, .. } = ask;
        let generation = self.last_generation.wrapping_add(1);
        self.last_generation = generation;
        let index = self.requests.insert(Request {
            generation,
            key,
            expiry,
            until: None,
            report: RequestReport { member, tag, mode, since, grant: None },
            links: [Links::default(); 2],
        });
        if S::SHARED {
            self.owned.entry(member).or_default().push_back(&mut self.requests, index);
        }
        Ticket { index, generation }
    }

    /// Puts a request, which is in no list of its key, into the queue.
    fn enqueue(&mut self, index: Index, ask: &Ask<'_>, operation: &Operation<'_>) {
        let request = &mut self.requests[index];
        if let Patience::For(wait) = ask.patience {
            let limit = operation.now.after(wait);
            request.until = Some(limit);
            self.deadlines.due.insert((limit, Due::Wait(index)));
        }
        self.keys.at(request.key).queue.push_back(&mut self.requests, index);
    }

    /// Makes a request, which is in no list of its key, a holder.
    pub fn grant(&mut self, index: Index, operation: &Operation<'_>) -> Grant {
        let since = self.reported(operation);
        let request = &mut self.requests[index];
        let state = self.keys.at(request.key);
        let fence = Self::next_fence(operation.last_fence);
        let grant = Grant { fence, recovered: state.recovered };
        request.report.grant = Some(grant);
        request.report.since = since;
        request.until = request.expiry.map(|expiry| operation.now.after(expiry));
        state.mode = request.report.mode;
        if let Some(deadline) = request.until {
            state.timed_holds += 1;
            self.deadlines.holds.insert((request.key, deadline, fence, index));
        }
        state.holders.push_back(&mut self.requests, index);
        grant
    }

    /// A fence higher than all before it.
    fn next_fence(last: &AtomicU64) -> u64 {
        // Relaxed: all grants of a key happen under its shard's mutex, which orders them; this only has to give each number once.
        if S::SHARED {
            return last.fetch_add(1, Ordering::Relaxed) + 1;
        }
        // One thread alone needs no addition that excludes others, which costs about 20 cycles.
        let fence = last.load(Ordering::Relaxed) + 1;
        last.store(fence, Ordering::Relaxed);
        fence
    }

    /// Grants from the queue's head for as long as the holders admit it.
    fn settle(&mut self, key: Index, operation: &mut Operation<'_>) {
        while let Some(index) = self.keys.at(key).queue.first() {
            let request = self.requests[index];
            let RequestReport { mode, member, tag, .. } = request.report;
            if !self.keys.at(key).admits(mode) {
                break;
            }
            self.dequeue(index, &request);
            let grant = self.grant(index, operation);
            operation.events.push(Event::Granted { member, tag, grant });
            if mode == Mode::Write {
                // It holds the key alone: those behind it need no look.
                break;
            }
        }
    }

    /// Takes away a key's overdue holds, oldest deadline first, and lets in who can be then.
    fn evict_overdue(&mut self, key: Index, operation: &mut Operation<'_>) {
        let mut is_evicted = false;
        while self.keys.at(key).timed_holds > 0
            && let Some((_, index)) = self.deadlines.first_of(key).filter(|hold| hold.0 <= *operation.now)
        {
            let RequestReport { member, tag, .. } = self.requests[index].report;
            self.end(index, HALF_WRITTEN);
            operation.events.push(Event::Expired { member, tag });
            is_evicted = true;
        }
        if is_evicted {
            self.settle(key, operation);
        }
    }

    /// Ends a request, which leaves the data so if it is a write hold.
    fn end(&mut self, index: Index, leaves: Left) {
        let request = self.requests[index];
        if let Some(Grant { fence, .. }) = request.report.grant {
            let state = self.keys.at(request.key);
            if request.report.mode == Mode::Write {
                // One that was released has seen that, if it was set, and made it good.
                state.recovered = leaves.unwrap_or(state.recovered);
            }
            if let Some(deadline) = request.until {
                state.timed_holds -= 1;
                self.deadlines.holds.remove(&(request.key, deadline, fence, index));
            }
            state.holders.unlink(&mut self.requests, &request);
        } else {
            self.dequeue(index, &request);
        }
        if S::SHARED
            && let Some(owned) = self.owned.get_mut(&request.report.member)
        {
            owned.unlink(&mut self.requests, &request);
        }
        self.requests.remove(index);
    }

    /// Takes a request out of its key's queue.
    #[inline]
    fn dequeue(&mut self, index: Index, request: &Request) {
        if let Some(limit) = request.until {
            self.deadlines.due.remove(&(limit, Due::Wait(index)));
        }
        self.keys.at(request.key).queue.unlink(&mut self.requests, request);
    }

    /// Restores a key's invariants after one of its requests ended.
    pub fn after_leaving(&mut self, key: Index, operation: &mut Operation<'_>) -> Released {
        self.let_in(key, operation);
        let is_forgotten = self.keys.at(key).is_idle() && self.keys.rest(key);
        if is_forgotten { Released::HeldLast } else { Released::Held }
    }

    fn let_in(&mut self, key: Index, operation: &mut Operation<'_>) {
        if !self.keys.at(key).queue.is_empty() {
            self.settle(key, operation);
        }
        self.rearm(key);
    }

    /// The time, where it is reported.
    fn reported(&self, operation: &Operation<'_>) -> Time {
        if S::SHARED { *operation.now } else { Time::ZERO }
    }

    /// Brings a key's armed deadline up to date.
    #[inline]
    fn rearm(&mut self, key: Index) {
        let state = self.keys.at(key);
        let counts = state.timed_holds > 0 && !state.queue.is_empty();
        let deadline = if counts { self.deadlines.first_of(key).map(|first| first.0) } else { None };
        if deadline != state.armed {
            self.deadlines.rearm(key, state.armed, deadline);
            state.armed = deadline;
        }
    }

    /// Who holds a key and who waits for it.
    pub fn requests_of(&self, state: &KeyState) -> impl Iterator<Item = &RequestReport> {
        let requests = state.holders.iter(&self.requests).chain(state.queue.iter(&self.requests));
        requests.map(|request| &request.report)
    }

    /// Each key that is known by its text, and that somebody holds.
    pub fn query(&self) -> Vec<KeyReport> {
        self.keys.named().filter_map(|(text, &key)| self.report(text, key, usize::MAX)).collect()
    }

    /// The same of one key, with so many requests at most.
    pub fn query_key(&self, units: &[u16], most: usize) -> Option<KeyReport> {
        let (text, &key) = self.keys.named_one(units)?;
        self.report(text, key, most)
    }

    fn report(&self, text: &Key, key: Index, most: usize) -> Option<KeyReport> {
        let state = self.keys.get(key).filter(|state| !state.is_free())?;
        let requests = self.requests_of(state).take(most).copied().collect();
        Some(KeyReport { key: text.clone(), requests, waiting: state.queue.len() })
    }
}
