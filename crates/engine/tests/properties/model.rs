//! What the engine ought to do, and a space that is held against it step by step.
//!
//! The model keeps, per key, a list of holders and a list of waiters, learns what happened only from what the
//! engine answers, and refuses whatever breaks a promise. It is slow and meant to be obviously right.

use std::{collections::BTreeMap, time::Duration};

use latchkey_engine::{
    Ask, Event, Grant, KeyName, LockTable, Member, Mode, Outcome, Patience, Released, Requested, Ticket, Time,
};

/// What a request is about; how its key is named depends on the space.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub member: Member,
    pub mode: Mode,
    pub expiry: Option<Duration>,
    pub patience: Patience,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub tag: u32,
    pub member: Member,
    pub mode: Mode,
    pub expiry: Option<Duration>,
    /// When it asked or, while it holds, when it was granted.
    pub since: Time,
    /// While it waits: until when it is willing to.
    pub limit: Option<Time>,
    /// While it holds.
    pub grant: Option<Grant>,
}

impl Request {
    /// While it holds: until when it is safe.
    fn deadline(&self) -> Option<Time> {
        self.grant.and(self.expiry).map(|expiry| self.since.after(expiry))
    }
}

#[derive(Default, Debug)]
pub struct KeyModel {
    pub holders: Vec<Request>,
    /// In the order of their arrival.
    pub waiters: Vec<Request>,
    pub recovered: bool,
}

impl KeyModel {
    pub fn could_hold(&self, mode: Mode) -> bool {
        admit(&self.holders, mode)
    }

    pub fn is_remembered(&self) -> bool {
        self.recovered || !(self.holders.is_empty() && self.waiters.is_empty())
    }
}

pub fn admit(holders: &[Request], mode: Mode) -> bool {
    match mode {
        Mode::Write => holders.is_empty(),
        Mode::Read => holders.iter().all(|holder| holder.mode == Mode::Read),
    }
}

pub fn take(list: &mut Vec<Request>, tag: u32) -> Option<Request> {
    let place = list.iter().position(|request| request.tag == tag)?;
    Some(list.remove(place))
}

/// A space of either kind, and how it is used.
pub trait Kind: Sized {
    fn locks(&self) -> &dyn LockTable;
    /// How many idle keys it may remember.
    fn keeps_idle(&self) -> usize;
    /// Whether an operation's outcome gives the next deadline of all keys.
    fn gives_deadlines_of_all(&self) -> bool;

    /// Asks for a key; in the `cheap` way, if there is one.
    fn ask(model: &mut Model<Self>, key: u16, wish: Wish, cheap: bool);

    /// Ends a hold, or gives it back if it was `unused`.
    fn release(model: &mut Model<Self>, tag: usize, unused: bool) {
        model.release_ticket(tag, unused);
    }

    /// Makes a hold a read hold.
    fn downgrade(model: &mut Model<Self>, tag: usize) {
        model.downgrade_ticket(tag);
    }
}

pub struct Model<K> {
    pub kind: K,
    pub now: Time,
    pub keys: BTreeMap<u16, KeyModel>,
    /// Key and ticket of each request ever made, by tag; no ticket if it was refused, or the engine gave it none.
    pub asked: Vec<(u16, Option<Ticket>)>,
    /// The highest one that anybody was given.
    pub last_fence: u64,
    /// When the engine has to be called next, as the last operation said.
    next_deadline: Option<Time>,
}

impl<K: Kind> Model<K> {
    pub fn of(kind: K) -> Self {
        Self {
            kind,
            now: Time::ZERO,
            keys: BTreeMap::new(),
            asked: Vec::new(),
            last_fence: 0,
            next_deadline: None,
        }
    }

    pub fn advance(&mut self, milliseconds: u64) {
        self.now = self.now.after(Duration::from_millis(milliseconds));
    }

    /// How many requests there have been; the operations below name one by its number.
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    /// The next request.
    pub fn ask_for<'a>(&self, wish: Wish, key: KeyName<'a>) -> Ask<'a> {
        let Wish { member, mode, expiry, patience } = wish;
        Ask { member, tag: self.asked.len() as u32, key, mode, expiry, patience }
    }

    /// Notes that a request has arrived at the end of the queue.
    pub fn arrived(&mut self, key: u16, ask: &Ask<'_>, ticket: Option<Ticket>) {
        let Ask { member, tag, mode, expiry, patience, .. } = *ask;
        self.asked.push((key, ticket));
        let limit = if let Patience::For(wait) = patience { Some(self.now.after(wait)) } else { None };
        let request = Request { tag, member, mode, expiry, since: self.now, limit, grant: None };
        self.keys.entry(key).or_default().waiters.push(request);
    }

    pub fn answered(&mut self, key: u16, ask: &Ask<'_>, outcome: Outcome<Requested>) {
        let requested = outcome.result;
        self.arrived(key, ask, requested.ticket());
        // Others first: holds that this arrival ended, and grants that followed.
        self.hear(outcome);
        match requested {
            Requested::Granted(_, grant) => {
                self.granted(ask.tag, grant);
            }
            Requested::Waiting(_) => assert_ne!(ask.patience, Patience::None),
            Requested::Refused => self.refused(key, ask),
            Requested::Forgotten => panic!("the key is remembered, or named so that it is made"),
        }
        let overdue =
            self.keys[&key].holders.iter().any(|holder| holder.deadline().is_some_and(|d| d <= self.now));
        assert!(!overdue, "an arrival leaves no overdue hold on its key");
    }

    /// Checks: only who would not wait is refused, and only where it would have to.
    fn refused(&mut self, key: u16, ask: &Ask<'_>) {
        assert_eq!(ask.patience, Patience::None);
        let state = self.keys.get_mut(&key).unwrap();
        take(&mut state.waiters, ask.tag).unwrap();
        assert!(!state.waiters.is_empty() || !state.could_hold(ask.mode), "refused though it was free");
    }

    /// Makes a hold that the engine gave a ticket a read hold.
    pub fn downgrade_ticket(&mut self, tag: usize) {
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let outcome = self.kind.locks().downgrade(ticket, &mut self.now);
        let state = self.keys.get_mut(&key).unwrap();
        let hold = state.holders.iter_mut().find(|holder| holder.tag == tag as u32);
        assert_eq!(outcome.result, hold.is_some(), "downgrade works exactly for a hold");
        if let Some(hold) = hold.filter(|hold| hold.mode == Mode::Write) {
            hold.mode = Mode::Read;
            state.recovered = false;
        }
        self.hear(outcome);
    }

    /// Ends a hold that the engine gave a ticket, or gives it back if it was `unused`.
    pub fn release_ticket(&mut self, tag: usize, unused: bool) {
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let locks = self.kind.locks();
        let outcome = match unused {
            true => locks.give_back(ticket, &mut self.now),
            false => locks.release(ticket, &mut self.now),
        };
        self.released(key, tag, unused, outcome);
    }

    /// Checks: a hold ends if there is one, and the last one knows it.
    pub fn released(&mut self, key: u16, tag: usize, unused: bool, outcome: Outcome<Released>) {
        let released = outcome.result;
        let state = self.keys.get_mut(&key).unwrap();
        let ended = take(&mut state.holders, tag as u32);
        assert_eq!(released != Released::NotHeld, ended.is_some(), "release works exactly for a hold");
        let ended_now = ended.is_some();
        if ended.is_some_and(|request| request.mode == Mode::Write) && !unused {
            state.recovered = false;
        }
        self.hear(outcome);
        let last = ended_now && !self.keys[&key].is_remembered();
        let forgotten = released == Released::HeldLast;
        assert!(last || !forgotten, "a key in use is forgotten");
        assert!(forgotten || !last || self.kind.keeps_idle() > 0, "the last one does not know it");
    }

    pub fn cancel(&mut self, tag: usize) {
        let (key, Some(ticket)) = self.asked[tag] else { return };
        let outcome = self.kind.locks().cancel(ticket, &mut self.now);
        let ended = take(&mut self.keys.get_mut(&key).unwrap().waiters, tag as u32);
        assert_eq!(outcome.result, ended.is_some(), "cancel works exactly for a waiter");
        self.hear(outcome);
    }

    /// Ends all that is left, one after the other. Checks: each ends as it should, and then each key is free, and forgotten
    /// by the next one's release.
    pub fn end(&mut self) {
        (0..self.asked()).for_each(|tag| self.cancel(tag));
        (0..self.asked()).for_each(|tag| K::release(self, tag, false));
        let keys: Vec<u16> = self.keys.keys().copied().collect();
        for key in keys {
            let tag = self.asked();
            let wish = Wish { member: Member(7), mode: Mode::Write, expiry: None, patience: Patience::None };
            K::ask(self, key, wish, false);
            assert_eq!(self.keys[&key].holders.len(), 1, "somebody still holds key {key}");
            K::release(self, tag, false);
            assert!(!self.keys[&key].is_remembered());
        }
        assert_eq!(self.expected_deadline(), None);
        self.check_all();
    }

    pub fn expire(&mut self) {
        let outcome = self.kind.locks().expire(&mut self.now);
        assert!(outcome.next_deadline.is_none_or(|time| time > self.now));
        self.hear(outcome);
    }

    /// Checks whatever an operation says of others.
    pub fn hear<T>(&mut self, outcome: Outcome<T>) {
        self.next_deadline = outcome.next_deadline;
        for event in outcome.events {
            match event {
                Event::Granted { member, tag, grant } => {
                    let request = self.granted(tag, grant);
                    assert_eq!(request.member, member);
                }
                Event::Expired { member, tag } => self.expired(member, tag),
                Event::TimedOut { member, tag, ahead } => self.timed_out(member, tag, ahead),
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
    fn expired(&mut self, member: Member, tag: u32) {
        let state = self.keys.get_mut(&self.asked[tag as usize].0).unwrap();
        assert!(!state.waiters.is_empty(), "expired though nobody waited");
        let request = take(&mut state.holders, tag).expect("only a hold expires");
        assert_eq!(request.member, member);
        assert!(request.deadline().is_some_and(|deadline| deadline <= self.now), "expired too early");
        // Of those that are due at the same time the one that was granted first.
        let earlier = |holder: &Request| holder.grant.map(|g| g.fence) < request.grant.map(|g| g.fence);
        let passed_over =
            state.holders.iter().find(|holder| earlier(holder) && holder.deadline() == request.deadline());
        assert!(passed_over.is_none(), "expired before {passed_over:?}");
        state.recovered |= request.mode == Mode::Write;
    }

    /// Checks: only a waiter gives up, and only at its limit.
    fn timed_out(&mut self, member: Member, tag: u32, ahead: u32) {
        let state = self.keys.get_mut(&self.asked[tag as usize].0).unwrap();
        assert_eq!(state.waiters.iter().position(|waiter| waiter.tag == tag), Some(ahead as usize));
        let request = take(&mut state.waiters, tag).expect("only a waiter times out");
        assert_eq!(request.member, member);
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
        self.check_deadline();
    }

    fn check_deadline(&self) {
        let expected = self.expected_deadline();
        if self.kind.gives_deadlines_of_all() {
            assert_eq!(self.next_deadline, expected, "the last operation gave another deadline");
        }
        // Nothing is due at the beginning of time, so that this only asks.
        let mut beginning = Time::ZERO;
        let outcome = self.kind.locks().expire(&mut beginning);
        assert!(outcome.events.is_empty());
        assert_eq!(outcome.next_deadline, expected);
    }

    fn expected_deadline(&self) -> Option<Time> {
        let awaited = self.keys.values().filter(|state| !state.waiters.is_empty());
        let expiries = awaited.flat_map(|state| state.holders.iter().filter_map(Request::deadline));
        let limits = self.keys.values().flat_map(|state| state.waiters.iter().filter_map(|r| r.limit));
        expiries.chain(limits).min()
    }
}
