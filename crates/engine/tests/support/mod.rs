//! A space, a clock and names for requests: what the behaviour tests drive.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{collections::HashMap, time::Duration};

use latchkey_engine::{
    Ask, Event, Events, Grant, LockTable, Member, Mode, Outcome, Patience, Released, Requested, Safety,
    Space, Ticket, Time,
};

pub const READ: Mode = Mode::Read;
pub const WRITE: Mode = Mode::Write;

/// Requests are called by their tag; a tag's history can be read back.
pub struct World {
    pub space: Space,
    pub now: Time,
    tickets: HashMap<u32, Ticket>,
    grants: HashMap<u32, Grant>,
    next_tag: u32,
    member: Member,
    expiry: Option<Duration>,
    patience: Patience,
}

impl World {
    pub fn new() -> Self {
        Self {
            space: Space::keeping(0, 4),
            now: Time::ZERO,
            tickets: HashMap::new(),
            grants: HashMap::new(),
            next_tag: 0,
            member: Member(0),
            expiry: None,
            patience: Patience::Forever,
        }
    }

    /// Later requests come from this member.
    pub fn on_member(&mut self, member: u32) -> &mut Self {
        self.member = Member(member);
        self
    }

    /// Later requests expire after so many milliseconds (0: never).
    pub fn expiring(&mut self, milliseconds: u64) -> &mut Self {
        self.expiry = (milliseconds > 0).then(|| Duration::from_millis(milliseconds));
        self
    }

    /// Later requests wait so long.
    pub fn with_patience(&mut self, patience: Patience) -> &mut Self {
        self.patience = patience;
        self
    }

    pub fn advance(&mut self, milliseconds: u64) {
        self.now = self.now.after(Duration::from_millis(milliseconds));
    }

    /// Asks; gives back the new request's tag and what else happened, as text.
    pub fn ask_and_hear(&mut self, key: &str, mode: Mode) -> (u32, Vec<String>) {
        let tag = self.next_tag;
        self.next_tag += 1;
        let units: Vec<u16> = key.encode_utf16().collect();
        let ask = Ask {
            member: self.member,
            tag,
            key: units.as_slice().into(),
            mode,
            expiry: self.expiry,
            patience: self.patience,
        };
        let Outcome { result, events, .. } = self.space.request(ask, &mut { self.now });
        self.tickets.extend(result.ticket().map(|ticket| (tag, ticket)));
        if let Requested::Granted(_, grant) = result {
            self.grants.insert(tag, grant);
        }
        (tag, self.hear(events))
    }

    /// Asks for a key, expecting that nobody else is affected.
    pub fn ask(&mut self, key: &str, mode: Mode) -> u32 {
        let (tag, heard) = self.ask_and_hear(key, mode);
        assert_eq!(heard, [""; 0], "request {tag} was expected to affect nobody else");
        tag
    }

    pub fn read(&mut self, key: &str) -> u32 {
        self.ask(key, READ)
    }

    pub fn write(&mut self, key: &str) -> u32 {
        self.ask(key, WRITE)
    }

    pub fn release(&mut self, tag: u32) -> Vec<String> {
        let outcome = self.space.release(self.tickets[&tag], &mut { self.now });
        assert_ne!(outcome.result, Released::NotHeld, "request {tag} holds nothing");
        self.hear(outcome.events)
    }

    pub fn cancel(&mut self, tag: u32) -> Vec<String> {
        let outcome = self.space.cancel(self.tickets[&tag], &mut { self.now });
        assert!(outcome.result, "request {tag} does not wait");
        self.hear(outcome.events)
    }

    pub fn detach(&mut self, member: u32) -> Vec<String> {
        let outcome = self.space.detach(Member(member), &mut { self.now });
        self.hear(outcome.events)
    }

    pub fn expire(&mut self) -> Vec<String> {
        let outcome = self.space.expire(&mut { self.now });
        self.hear(outcome.events)
    }

    pub fn safety(&self, tag: u32) -> Safety {
        self.space.safety_of(self.ticket(tag), self.now)
    }

    pub fn ticket(&self, tag: u32) -> Ticket {
        self.tickets[&tag]
    }

    /// The request's grant, if it was granted.
    pub fn grant(&self, tag: u32) -> Option<Grant> {
        self.grants.get(&tag).copied()
    }

    pub fn holds(&self, tag: u32) -> bool {
        self.grants.contains_key(&tag)
    }

    /// How many hold a key and how many wait for it, as the space reports it.
    pub fn reported(&self, key: &str) -> (usize, usize) {
        let units: Vec<u16> = key.encode_utf16().collect();
        let reports = self.space.query();
        let report = reports.iter().find(|report| report.key.as_units() == units);
        report.map_or((0, 0), |report| {
            (report.requests.len() - report.waiting as usize, report.waiting as usize)
        })
    }

    /// Releases a hold. Asserts that nobody is granted the key for it, and that the space has forgotten the key.
    pub fn release_last(&mut self, tag: u32) {
        let outcome = self.space.release(self.tickets[&tag], &mut { self.now });
        assert_eq!(outcome.result, Released::HeldLast, "request {tag}");
        assert_eq!(self.hear(outcome.events), [""; 0]);
    }

    /// The next deadline, in milliseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        // Nothing is due at the beginning of time, so that this only asks.
        self.space.expire(&mut Time::default()).next_deadline.map(|time| time.as_nanos() / 1_000_000)
    }

    pub fn hear(&mut self, events: Events) -> Vec<String> {
        events.into_iter().map(|event| self.hear_one(event)).collect()
    }

    fn hear_one(&mut self, event: Event) -> String {
        match event {
            Event::Granted { tag, grant, .. } => {
                self.grants.insert(tag, grant);
                format!("{tag} granted")
            }
            Event::Expired { tag, .. } => format!("{tag} expired"),
            Event::TimedOut { tag, .. } => format!("{tag} timed out"),
            other => panic!("only stores say {other:?}"),
        }
    }
}
