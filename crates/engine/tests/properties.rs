//! Random operations at random times, checked after each step against the promises themselves.
//!
//! The model keeps, per key, a list of holders and a list of waiters, learns what happened only from what the
//! engine answers, and refuses whatever breaks a promise. It is slow and meant to be obviously right.

use std::{collections::BTreeMap, time::Duration};

use latchkey_engine::{
    Ask, Event, Events, Grant, KeyName, KeySlot, Mode, Patience, Port, Released, Requested, Space, Ticket,
    Time,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Ask {
        key: u16,
        port: u32,
        write: bool,
        expiry: Option<u64>,
        patience: Patience,
        by_slot: bool,
    },
    /// Of all requests so far, one; it may hold, wait, or have ended long ago.
    Release {
        which: prop::sample::Index,
    },
    Cancel {
        which: prop::sample::Index,
    },
    Downgrade {
        which: prop::sample::Index,
    },
    Detach {
        port: u32,
    },
    Advance {
        by: u64,
    },
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    prop_oneof![
        8 => (0..3_u16, 0..3_u32, any::<bool>(), prop::option::of(1..20_u64), patience(), any::<bool>())
            .prop_map(|(key, port, write, expiry, patience, by_slot)| Step::Ask { key, port, write, expiry, patience, by_slot }),
        5 => any::<Index>().prop_map(|which| Step::Release { which }),
        2 => any::<Index>().prop_map(|which| Step::Cancel { which }),
        1 => any::<Index>().prop_map(|which| Step::Downgrade { which }),
        1 => (0..3_u32).prop_map(|port| Step::Detach { port }),
        3 => (0..15_u64).prop_map(|by| Step::Advance { by }),
        3 => Just(Step::Expire),
    ]
}

fn patience() -> impl Strategy<Value = Patience> {
    prop_oneof![
        4 => Just(Patience::Forever),
        2 => (1..20_u64).prop_map(|limit| Patience::For(Duration::from_millis(limit))),
        1 => Just(Patience::None),
    ]
}

#[derive(Clone, Debug)]
struct Request {
    tag: u32,
    port: Port,
    mode: Mode,
    expiry: Option<Duration>,
    /// While it waits: until when it is willing to.
    limit: Option<Time>,
    /// While it holds: until when it is safe.
    deadline: Option<Time>,
}

#[derive(Default, Debug)]
struct KeyModel {
    holders: Vec<Request>,
    /// In the order of their arrival.
    waiters: Vec<Request>,
    recovered: bool,
}

impl KeyModel {
    fn could_hold(&self, mode: Mode) -> bool {
        match mode {
            Mode::Write => self.holders.is_empty(),
            Mode::Read => self.holders.iter().all(|holder| holder.mode == Mode::Read),
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

struct Model {
    space: Space,
    now: Time,
    keys: BTreeMap<u16, KeyModel>,
    /// Key and ticket of each request ever made, by tag; no ticket if it was refused.
    asked: Vec<(u16, Option<Ticket>)>,
    last_fence: u64,
    /// The slot that each key was last known to have.
    slots: BTreeMap<u16, KeySlot>,
}

impl Model {
    fn new(shards: u32) -> Self {
        Self {
            space: Space::new(shards),
            now: Time::ZERO,
            keys: BTreeMap::new(),
            asked: Vec::new(),
            last_fence: 0,
            slots: BTreeMap::new(),
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Ask { key, port, write, expiry, patience, by_slot } => {
                self.ask(key, port, write, expiry, patience, by_slot);
            }
            Step::Release { which } if !self.asked.is_empty() => self.release(which.index(self.asked.len())),
            Step::Cancel { which } if !self.asked.is_empty() => self.cancel(which.index(self.asked.len())),
            Step::Downgrade { which } if !self.asked.is_empty() => {
                self.downgrade(which.index(self.asked.len()));
            }
            Step::Release { .. } | Step::Cancel { .. } | Step::Downgrade { .. } => {}
            Step::Detach { port } => self.detach(Port(port)),
            Step::Advance { by } => self.now = self.now.after(Duration::from_millis(by)),
            Step::Expire => self.expire(),
        }
        self.check_all();
        self.check_query();
    }

    fn ask(
        &mut self,
        key: u16,
        port: u32,
        write: bool,
        expiry: Option<u64>,
        patience: Patience,
        by_slot: bool,
    ) {
        let tag = self.asked.len() as u32;
        let mode = if write { Mode::Write } else { Mode::Read };
        let expiry = expiry.map(Duration::from_millis);
        let units = [key];
        let ask = Ask { port: Port(port), tag, key: (&units).into(), mode, expiry, patience };
        if by_slot && let Some(&slot) = self.slots.get(&key) {
            let known = self.keys.get(&key).is_some_and(KeyModel::is_remembered);
            if known {
                return self.answered(key, Ask { key: KeyName::Slot(slot), ..ask });
            }
            let outcome = self.space.request(Ask { key: KeyName::Slot(slot), ..ask }, self.now);
            assert_eq!(outcome.result, Requested::Forgotten, "the slot of a forgotten key");
        }
        self.answered(key, ask);
    }

    fn answered(&mut self, key: u16, ask: Ask<'_>) {
        let Ask { port, tag, mode, expiry, patience, .. } = ask;
        let outcome = self.space.request(ask, self.now);
        let ticket = outcome.result.ticket();
        self.asked.push((key, ticket));
        self.slots.extend(ticket.map(|ticket| (key, self.space.slot_of(ticket).expect("it is live"))));

        // Others first: holds that this arrival ended, and grants that followed.
        let state = self.keys.entry(key).or_default();
        let limit = if let Patience::For(wait) = patience { Some(self.now.after(wait)) } else { None };
        state.waiters.push(Request { tag, port, mode, expiry, limit, deadline: None });
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
            self.keys[&key].holders.iter().any(|holder| holder.deadline.is_some_and(|d| d <= self.now));
        assert!(!overdue, "an arrival leaves no overdue hold on its key");
    }

    /// Checks: only who would not wait is refused, and only where it would have to.
    fn refused(&mut self, key: u16, tag: u32, patience: Patience) {
        assert_eq!(patience, Patience::None);
        let state = self.keys.get_mut(&key).unwrap();
        let request = KeyModel::take(&mut state.waiters, tag).unwrap();
        assert!(!state.waiters.is_empty() || !state.could_hold(request.mode), "refused though it was free");
    }

    fn downgrade(&mut self, tag: usize) {
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

    fn release(&mut self, tag: usize) {
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
        assert_eq!(outcome.result == Released::HeldLast, last, "the last one knows it");
    }

    fn cancel(&mut self, tag: usize) {
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let outcome = self.space.cancel(ticket, self.now);
        let ended = KeyModel::take(&mut self.keys.get_mut(&key).unwrap().waiters, tag as u32);
        assert_eq!(outcome.result, ended.is_some(), "cancel works exactly for a waiter");
        self.hear(outcome.events);
    }

    fn detach(&mut self, port: Port) {
        let outcome = self.space.detach(port, self.now);
        for state in self.keys.values_mut() {
            state.recovered |= state.holders.iter().any(|h| h.port == port && h.mode == Mode::Write);
            state.holders.retain(|request| request.port != port);
            state.waiters.retain(|request| request.port != port);
        }
        self.hear(outcome.events);
    }

    fn expire(&mut self) {
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
        request.deadline = request.expiry.map(|expiry| self.now.after(expiry));
        state.holders.push(request.clone());
        request
    }

    /// Checks: only a hold expires, only when overdue, and only while another request waits.
    fn expired(&mut self, port: Port, tag: u32) {
        let state = self.keys.get_mut(&self.asked[tag as usize].0).unwrap();
        assert!(!state.waiters.is_empty(), "expired though nobody waited");
        let request = KeyModel::take(&mut state.holders, tag).expect("only a hold expires");
        assert_eq!(request.port, port);
        assert!(request.deadline.is_some_and(|deadline| deadline <= self.now), "expired too early");
        state.recovered |= request.mode == Mode::Write;
    }

    /// Checks: only a waiter gives up, and only at its limit.
    fn timed_out(&mut self, port: Port, tag: u32) {
        let state = self.keys.get_mut(&self.asked[tag as usize].0).unwrap();
        let request = KeyModel::take(&mut state.waiters, tag).expect("only a waiter times out");
        assert_eq!(request.port, port);
        assert!(request.limit.is_some_and(|limit| limit <= self.now), "timed out too early");
    }

    fn check_all(&self) {
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
            "an idle key costs something"
        );
    }

    /// What a query answers is who holds and who waits, in order.
    fn check_query(&self) {
        let mut reports: BTreeMap<u16, _> =
            self.space.query().into_iter().map(|report| (report.key.as_units()[0], report)).collect();
        for (key, state) in self.keys.iter().filter(|(_, state)| !state.holders.is_empty()) {
            let report = reports.remove(key).expect("a held key is reported");
            let whose = |list: &[Request]| list.iter().map(|r| (r.port, r.mode)).collect::<Vec<_>>();
            let holders: Vec<_> = report.holders.iter().map(|r| (r.port, r.mode)).collect();
            let waiting: Vec<_> = report.waiting.iter().map(|r| (r.port, r.mode)).collect();
            assert_eq!((holders, waiting), (whose(&state.holders), whose(&state.waiters)));
        }
        assert!(reports.is_empty(), "reported though nobody holds: {reports:?}");
    }

    fn expected_deadline(&self) -> Option<Time> {
        let awaited = self.keys.values().filter(|state| !state.waiters.is_empty());
        let expiries = awaited.flat_map(|state| state.holders.iter().filter_map(|holder| holder.deadline));
        let limits = self.keys.values().flat_map(|state| state.waiters.iter().filter_map(|r| r.limit));
        expiries.chain(limits).min()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_after_every_step(
        shards in prop_oneof![Just(1_u32), Just(4)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut model = Model::new(shards);
        for step in &steps {
            model.run(step);
        }
    }
}
