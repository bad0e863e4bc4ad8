//! Who holds and who waits, as a query answers it.

use crate::{
    Grant, Key, Member, Mode, Time,
    request::{Phase, Request},
};

/// Who holds one key and who waits for it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The key.
    pub key: Key,
    /// Its holders, in the order of their grants.
    pub holders: Vec<RequestReport>,
    /// Its queue, in order.
    pub waiting: Vec<RequestReport>,
}

/// Who keeps others from a key, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blockers {
    /// The key.
    pub key: Key,
    /// Its first holders, in the order of their grants.
    pub holders: Vec<RequestReport>,
    /// How many wait for it.
    pub waiting: u32,
}

/// One hold or one request in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestReport {
    /// Whose it is.
    pub member: Member,
    /// Its member's own number of it.
    pub tag: u32,
    /// How it holds the key, or wants to.
    pub mode: Mode,
    /// When it was granted, or asked.
    pub since: Time,
    /// What the holder learned; `None` while it waits.
    pub grant: Option<Grant>,
}

impl RequestReport {
    pub(crate) fn of(request: &Request) -> Self {
        let &Request { member, tag, mode, since, phase, .. } = request;
        let grant = match phase {
            Phase::Waiting { .. } => None,
            Phase::Holding { grant, .. } => Some(grant),
        };
        Self { member, tag, mode, since, grant }
    }
}
