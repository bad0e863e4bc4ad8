//! Who holds and who waits, as a query answers it.

use crate::{Grant, Key, Member, Mode, Time};

/// Who holds one key and who waits for it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The key.
    pub key: Key,
    /// Its holders, in the order of their grants, then its queue, in order; so many of them as were asked for.
    pub requests: Vec<RequestReport>,
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
