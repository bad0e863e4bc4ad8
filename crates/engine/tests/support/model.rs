//! What the engine ought to do, and a space that is held against it step by step.
//!
//! The model keeps, per key, a list of holders and a list of waiters, learns what happened only from what the
//! engine answers, and refuses whatever breaks a promise. It is slow and meant to be obviously right.

use std::{collections::BTreeMap, time::Duration};

use latchkey_engine::{
    Ask, Event, Events, Grant, KeyName, KeySlot, Mode, Outcome, Patience, Port, Released, Requested, Space,
    Ticket, Time,
};

#[derive(Clone, Debug)]
struct Request {
    tag: u32,
    port: Port,
    mode: Mode,
    expiry: Option<Duration>,
    /// When it asked or, while it holds, when it was granted.
    since: Time,
    /// While it waits: until when it is willing to.
    limit: Option<Time>,
    /// While it holds.
    grant: Option<Grant>,
}

impl Request {
    /// While it holds: until when it is safe.
    fn deadline(&self) -> Option<Time> {
        self.grant.and(self.expiry).map(|expiry| self.since.after(expiry))
    }
}

#[derive(Default, Debug)]
struct KeyModel {
    holders: Vec<Request>,
    /// In the order of their arrival.
    waiters: Vec<Request>,
    recovered: bool,
    /// Who holds the key without the engine's knowledge. Then it knows nobody else, either.
    outside: Vec<Request>,
}

impl KeyModel {
    fn could_hold(&self, mode: Mode) -> bool {
        Self::admit(&self.holders, mode)
    }

    fn admit(holders: &[Request], mode: Mode) -> bool {
        match mode {
            Mode::Write => holders.is_empty(),
            Mode::Read => holders.iter().all(|holder| holder.mode == Mode::Read),
        }
    }

    fn is_remembered(&self) -> bool {
        self.recovered || !(self.holders.is_empty() && self.waiters.is_empty())
    }

    fn take(list: &mut Vec<Request>, tag: u32) -> Option<Request> {
        let place = list.iter().position(|request| request.tag == tag)?;
        Some(list.remove(place))
    }
}

fn mode(write: bool) -> Mode {
    if write { Mode::Write } else { Mode::Read }
}

pub struct Model {
    space: Space,
    /// How many idle keys the space may remember.
    keep_idle: usize,
    now: Time,
    keys: BTreeMap<u16, KeyModel>,
    /// Key and ticket of each request ever made, by tag; no ticket if it was refused, or is the engine's not yet.
    asked: Vec<(u16, Option<Ticket>)>,
    /// The highest one that anybody was given, outside or by the engine.
    last_fence: u64,
    /// The slot that each key was last known to have.
    slots: BTreeMap<u16, KeySlot>,
}

impl Model {
    /// Of a space in each of whose shards so many idle keys are remembered.
    pub fn new(keep_idle: usize, shards: u32) -> Self {
        Self {
            space: Space::keeping(keep_idle, shards),
            keep_idle: keep_idle * shards as usize,
            now: Time::ZERO,
            keys: BTreeMap::new(),
            asked: Vec::new(),
            last_fence: 0,
            slots: BTreeMap::new(),
        }
    }

    /// To be called before each step.
    pub fn begin(&mut self) {
        // Whoever grants outside tells how far the fences there have come.
        self.space.raise_fences(self.last_fence);
    }

    pub fn advance(&mut self, milliseconds: u64) {
        self.now = self.now.after(Duration::from_millis(milliseconds));
    }

    /// How many requests there have been; the operations below name one by its number.
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    pub fn ask(
        &mut self,
        key: u16,
        port: u32,
        write: bool,
        expiry: Option<u64>,
        patience: Patience,
        by_slot: bool,
    ) {
        self.hand_over(key, by_slot);
        let tag = self.asked.len() as u32;
        let mode = mode(write);
        let expiry = expiry.map(Duration::from_millis);
        let units = [key];
        let ask = Ask { port: Port(port), tag, key: (&units).into(), mode, expiry, patience };
        if by_slot && let Some(&slot) = self.slots.get(&key) {
            let in_use = self.keys.get(&key).is_some_and(KeyModel::is_remembered);
            let outcome = self.space.request(Ask { key: KeyName::Slot(slot), ..ask }, self.now);
            if outcome.result != Requested::Forgotten {
                assert!(in_use || self.keep_idle > 0, "the slot of a forgotten key");
                return self.answered(key, ask, outcome);
            }
            assert!(!in_use, "a slot names its key while that is in use");
        }
        let outcome = self.space.request(ask, self.now);
        self.answered(key, ask, outcome);
    }

    pub fn grant_outside(&mut self, key: u16, port: u32, write: bool, expiry: Option<u64>) {
        let mode = mode(write);
        let state = self.keys.entry(key).or_default();
        if state.is_remembered() || !KeyModel::admit(&state.outside, mode) {
            return;
        }
        let tag = self.asked.len() as u32;
        self.asked.push((key, None));
        self.last_fence += 1;
        let grant = Some(Grant { fence: self.last_fence, recovered: false });
        let expiry = expiry.map(Duration::from_millis);
        state.outside.push(Request {
            tag,
            port: Port(port),
            mode,
            expiry,
            since: self.now,
            limit: None,
            grant,
        });
    }

    /// Checks: the engine takes in each hold, and knows its key by its slot from the first one on.
    pub fn hand_over(&mut self, key: u16, by_slot: bool) {
        let outside = std::mem::take(&mut self.keys.entry(key).or_default().outside);
        for hold in outside {
            let Request { tag, port, mode, expiry, since, grant, .. } = hold;
            let units = [key];
            let ask = Ask { port, tag, key: (&units).into(), mode, expiry, patience: Patience::Forever };
            let fence = grant.expect("it holds").fence;
            let slot = self.slots.get(&key).filter(|_| by_slot).map(|&slot| KeyName::Slot(slot));
            let by_slot = slot.and_then(|slot| self.space.adopt(Ask { key: slot, ..ask }, fence, since));
            let in_use = self.keys[&key].is_remembered();
            match by_slot {
                Some(_) => assert!(in_use || self.keep_idle > 0, "the slot of a forgotten key"),
                None => assert!(slot.is_none() || !in_use, "a slot names its key while that is in use"),
            }
            let ticket =
                by_slot.or_else(|| self.space.adopt(ask, fence, since)).expect("its units name any key");
            self.asked[tag as usize].1 = Some(ticket);
            self.slots.insert(key, self.space.slot_of(ticket).expect("it is live"));
            self.keys.get_mut(&key).unwrap().holders.push(hold);
        }
    }

    fn hand_over_all(&mut self) {
        let keys: Vec<_> = self.keys.keys().copied().collect();
        keys.into_iter().for_each(|key| self.hand_over(key, true));
    }

    fn answered(&mut self, key: u16, ask: Ask<'_>, outcome: Outcome<Requested>) {
        let Ask { port, tag, mode, expiry, patience, .. } = ask;
        let ticket = outcome.result.ticket();
        self.asked.push((key, ticket));
        self.slots.extend(ticket.map(|ticket| (key, self.space.slot_of(ticket).expect("it is live"))));

        // Others first: holds that this arrival ended, and grants that followed.
        let state = self.keys.entry(key).or_default();
        let limit = if let Patience::For(wait) = patience { Some(self.now.after(wait)) } else { None };
        state.waiters.push(Request { tag, port, mode, expiry, since: self.now, limit, grant: None });
        self.hear(outcome.events);
        match outcome.result {
            Requested::Granted(_, grant) => {
                self.granted(tag, grant);
            }
            Requested::Waiting(_) => assert_ne!(patience, Patience::None),
            Requested::Refused => self.refused(key, tag, patience),
            Requested::Forgotten => panic!("the key is remembered, or named by its units"),
        }
        let overdue =
            self.keys[&key].holders.iter().any(|holder| holder.deadline().is_some_and(|d| d <= self.now));
        assert!(!overdue, "an arrival leaves no overdue hold on its key");
    }

    /// Checks: only who would not wait is refused, and only where it would have to.
    fn refused(&mut self, key: u16, tag: u32, patience: Patience) {
        assert_eq!(patience, Patience::None);
        let state = self.keys.get_mut(&key).unwrap();
        let request = KeyModel::take(&mut state.waiters, tag).unwrap();
        assert!(!state.waiters.is_empty() || !state.could_hold(request.mode), "refused though it was free");
    }

    pub fn downgrade(&mut self, tag: usize) {
        self.hand_over(self.asked[tag].0, true);
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let outcome = self.space.downgrade(ticket, self.now);
        let state = self.keys.get_mut(&key).unwrap();
        let hold = state.holders.iter_mut().find(|holder| holder.tag == tag as u32);
        assert_eq!(outcome.result, hold.is_some(), "downgrade works exactly for a hold");
        if let Some(hold) = hold.filter(|hold| hold.mode == Mode::Write) {
            hold.mode = Mode::Read;
            state.recovered = false;
        }
        self.hear(outcome.events);
    }

    pub fn release(&mut self, tag: usize) {
        // Who holds outside is released there.
        if KeyModel::take(&mut self.keys.get_mut(&self.asked[tag].0).unwrap().outside, tag as u32).is_some() {
            return;
        }
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let outcome = self.space.release(ticket, self.now);
        let state = self.keys.get_mut(&key).unwrap();
        let ended = KeyModel::take(&mut state.holders, tag as u32);
        assert_eq!(outcome.result != Released::NotHeld, ended.is_some(), "release works exactly for a hold");
        let ended_now = ended.is_some();
        if ended.is_some_and(|request| request.mode == Mode::Write) {
            state.recovered = false;
        }
        self.hear(outcome.events);
        let last = ended_now && !self.keys[&key].is_remembered();
        let forgotten = outcome.result == Released::HeldLast;
        assert!(last || !forgotten, "a key in use is forgotten");
        assert!(forgotten || !last || self.keep_idle > 0, "the last one does not know it");
    }

    pub fn cancel(&mut self, tag: usize) {
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let outcome = self.space.cancel(ticket, self.now);
        let ended = KeyModel::take(&mut self.keys.get_mut(&key).unwrap().waiters, tag as u32);
        assert_eq!(outcome.result, ended.is_some(), "cancel works exactly for a waiter");
        self.hear(outcome.events);
    }

    pub fn detach(&mut self, port: Port) {
        self.hand_over_all();
        let outcome = self.space.detach(port, self.now);
        for state in self.keys.values_mut() {
            state.recovered |= state.holders.iter().any(|h| h.port == port && h.mode == Mode::Write);
            state.holders.retain(|request| request.port != port);
            state.waiters.retain(|request| request.port != port);
        }
        self.hear(outcome.events);
    }

    pub fn expire(&mut self) {
        let outcome = self.space.expire(self.now);
        self.hear(outcome.events);
        assert!(self.space.next_deadline().is_none_or(|time| time > self.now));
    }

    fn hear(&mut self, events: Events) {
        for event in events {
            match event {
                Event::Granted { port, tag, grant } => {
                    let request = self.granted(tag, grant);
                    assert_eq!(request.port, port);
                }
                Event::Expired { port, tag } => self.expired(port, tag),
                Event::TimedOut { port, tag } => self.timed_out(port, tag),
                other => panic!("only stores say {other:?}"),
            }
        }
    }

    /// Checks: only a waiter is granted, the first one of its key, and only beside holders that admit it.
    fn granted(&mut self, tag: u32, grant: Grant) -> Request {
        let key = self.asked[tag as usize].0;
        let state = self.keys.get_mut(&key).unwrap();
        assert_eq!(state.waiters.first().map(|first| first.tag), Some(tag), "granted out of order");
        let mut request = state.waiters.remove(0);
        assert!(state.could_hold(request.mode), "granted against {:?}", state.holders);
        assert_eq!(grant.recovered, state.recovered);
        assert!(grant.fence > self.last_fence, "fences grow");
        self.last_fence = grant.fence;
        request.since = self.now;
        request.limit = None;
        request.grant = Some(grant);
        state.holders.push(request.clone());
        request
    }

    /// Checks: only a hold expires, only when overdue, and only while another request waits.
    fn expired(&mut self, port: Port, tag: u32) {
        let state = self.keys.get_mut(&self.asked[tag as usize].0).unwrap();
        assert!(!state.waiters.is_empty(), "expired though nobody waited");
        let request = KeyModel::take(&mut state.holders, tag).expect("only a hold expires");
        assert_eq!(request.port, port);
        assert!(request.deadline().is_some_and(|deadline| deadline <= self.now), "expired too early");
        // Of those that are due at the same time the one that was granted first.
        let earlier = |holder: &Request| holder.grant.map(|g| g.fence) < request.grant.map(|g| g.fence);
        let passed_over =
            state.holders.iter().find(|holder| earlier(holder) && holder.deadline() == request.deadline());
        assert!(passed_over.is_none(), "expired before {passed_over:?}");
        state.recovered |= request.mode == Mode::Write;
    }

    /// Checks: only a waiter gives up, and only at its limit.
    fn timed_out(&mut self, port: Port, tag: u32) {
        let state = self.keys.get_mut(&self.asked[tag as usize].0).unwrap();
        let request = KeyModel::take(&mut state.waiters, tag).expect("only a waiter times out");
        assert_eq!(request.port, port);
        assert!(request.limit.is_some_and(|limit| limit <= self.now), "timed out too early");
    }

    pub fn check_all(&self) {
        for (key, state) in &self.keys {
            let writers = state.holders.iter().filter(|holder| holder.mode == Mode::Write).count();
            assert!(writers == 0 || state.holders.len() == 1, "key {key}: a writer is not alone");
            if let Some(first) = state.waiters.first() {
                assert!(!state.could_hold(first.mode), "key {key}: {first:?} waits but could hold");
            }
        }
        assert_eq!(self.space.next_deadline(), self.expected_deadline());
        let usage = self.space.usage();
        assert_eq!(usage.holds, self.keys.values().map(|state| state.holders.len()).sum::<usize>());
        assert_eq!(usage.waiting, self.keys.values().map(|state| state.waiters.len()).sum::<usize>());
        assert_eq!(
            usage.keys,
            self.keys.values().filter(|state| state.is_remembered()).count(),
            "an idle key counts as one in use"
        );
        assert!(usage.idle <= self.keep_idle, "more idle keys are remembered than were to be");
    }

    /// What a query answers is who holds and who waits, in order.
    pub fn check_query(&self) {
        let mut reports: BTreeMap<u16, _> =
            self.space.query().into_iter().map(|report| (report.key.as_units()[0], report)).collect();
        for (key, state) in self.keys.iter().filter(|(_, state)| !state.holders.is_empty()) {
            let report = reports.remove(key).expect("a held key is reported");
            let known = |r: &Request| (r.port, r.mode, r.since, r.grant);
            let holders = report.holders.iter().map(|r| (r.port, r.mode, r.since, Some(r.grant)));
            let waiting = report.waiting.iter().map(|r| (r.port, r.mode, r.since, None));
            assert!(
                holders.eq(state.holders.iter().map(known)),
                "{:?}, not {:?}",
                report.holders,
                state.holders
            );
            assert!(
                waiting.eq(state.waiters.iter().map(known)),
                "{:?}, not {:?}",
                report.waiting,
                state.waiters
            );
        }
        assert!(reports.is_empty(), "reported though nobody holds: {reports:?}");
    }

    fn expected_deadline(&self) -> Option<Time> {
        let awaited = self.keys.values().filter(|state| !state.waiters.is_empty());
        let expiries = awaited.flat_map(|state| state.holders.iter().filter_map(Request::deadline));
        let limits = self.keys.values().flat_map(|state| state.waiters.iter().filter_map(|r| r.limit));
        expiries.chain(limits).min()
    }
}
