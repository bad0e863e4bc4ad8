//! Random operations at random times, checked after each step against the promises themselves.
//!
//! The model keeps, per key, a list of holders and a list of waiters, learns what happened only from what the
//! engine answers, and refuses whatever breaks a promise. It is slow and meant to be obviously right.

use std::{collections::BTreeMap, time::Duration};

use latchkey_engine::{Ask, Event, Events, Grant, Mode, Port, Space, Ticket, Time};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Ask {
        key: u16,
        port: u32,
        write: bool,
        expiry: Option<u64>,
    },
    /// Of all requests so far, one; it may hold, wait, or have ended long ago.
    Release {
        which: prop::sample::Index,
    },
    Cancel {
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
        8 => (0..3_u16, 0..3_u32, any::<bool>(), prop::option::of(1..20_u64))
            .prop_map(|(key, port, write, expiry)| Step::Ask { key, port, write, expiry }),
        5 => any::<Index>().prop_map(|which| Step::Release { which }),
        2 => any::<Index>().prop_map(|which| Step::Cancel { which }),
        1 => (0..3_u32).prop_map(|port| Step::Detach { port }),
        3 => (0..15_u64).prop_map(|by| Step::Advance { by }),
        3 => Just(Step::Expire),
    ]
}

#[derive(Clone, Debug)]
struct Request {
    tag: u32,
    port: Port,
    mode: Mode,
    expiry: Option<Duration>,
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

    fn take(list: &mut Vec<Request>, tag: u32) -> Option<Request> {
        let place = list.iter().position(|request| request.tag == tag)?;
        Some(list.remove(place))
    }
}

struct Model {
    space: Space,
    now: Time,
    keys: BTreeMap<u16, KeyModel>,
    /// Key and ticket of each request ever made, by tag.
    asked: Vec<(u16, Ticket)>,
    last_fence: u64,
}

impl Model {
    fn new(shards: u32) -> Self {
        Self {
            space: Space::new(shards),
            now: Time::ZERO,
            keys: BTreeMap::new(),
            asked: Vec::new(),
            last_fence: 0,
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Ask { key, port, write, expiry } => self.ask(key, port, write, expiry),
            Step::Release { which } if !self.asked.is_empty() => self.release(which.index(self.asked.len())),
            Step::Cancel { which } if !self.asked.is_empty() => self.cancel(which.index(self.asked.len())),
            Step::Release { .. } | Step::Cancel { .. } => {}
            Step::Detach { port } => self.detach(Port(port)),
            Step::Advance { by } => self.now = self.now.after(Duration::from_millis(by)),
            Step::Expire => self.expire(),
        }
        self.check_all();
    }

    fn ask(&mut self, key: u16, port: u32, write: bool, expiry: Option<u64>) {
        let tag = self.asked.len() as u32;
        let mode = if write { Mode::Write } else { Mode::Read };
        let expiry = expiry.map(Duration::from_millis);
        let ask = Ask { port: Port(port), tag, key: &[key], mode, expiry };
        let outcome = self.space.request(ask, self.now);
        self.asked.push((key, outcome.result.ticket));

        // Others first: holds that this arrival ended, and grants that followed.
        let state = self.keys.entry(key).or_default();
        state.waiters.push(Request { tag, port: Port(port), mode, expiry, deadline: None });
        self.hear(outcome.events);
        if let Some(grant) = outcome.result.granted {
            self.granted(tag, grant);
        }
        let overdue =
            self.keys[&key].holders.iter().any(|holder| holder.deadline.is_some_and(|d| d <= self.now));
        assert!(!overdue, "an arrival leaves no overdue hold on its key");
    }

    fn release(&mut self, tag: usize) {
        let (key, ticket) = self.asked[tag];
        let outcome = self.space.release(ticket, self.now);
        let state = self.keys.get_mut(&key).unwrap();
        let ended = KeyModel::take(&mut state.holders, tag as u32);
        assert_eq!(outcome.result, ended.is_some(), "release works exactly for a hold");
        if ended.is_some_and(|request| request.mode == Mode::Write) {
            state.recovered = false;
        }
        self.hear(outcome.events);
    }

    fn cancel(&mut self, tag: usize) {
        let (key, ticket) = self.asked[tag];
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
        let remembered =
            |state: &&KeyModel| state.recovered || !(state.holders.is_empty() && state.waiters.is_empty());
        assert_eq!(usage.keys, self.keys.values().filter(remembered).count(), "an idle key costs something");
    }

    fn expected_deadline(&self) -> Option<Time> {
        self.keys
            .values()
            .filter(|state| !state.waiters.is_empty())
            .flat_map(|state| state.holders.iter().filter_map(|holder| holder.deadline))
            .min()
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
