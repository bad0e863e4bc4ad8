//! What an operation answers.

use crate::{Events, Grant, KeySlot, Ticket, Time};

/// The result of one operation, with all that has to be done once it returned.
#[derive(Debug)]
#[must_use = "the events have to be delivered and the deadline kept"]
pub struct Outcome<T> {
    /// What the caller asked to know.
    pub result: T,
    /// The slot of the key of a request that named it by its text, and has not ended: a cheaper name.
    pub slot: Option<KeySlot>,
    /// What has to learn, in order, before the caller acts on `result`: all that the
    /// [`Caller`](crate::Caller) has not taken in itself.
    pub events: Events,
    /// When [`Space::expire`](crate::Space::expire) has to be called next, at the latest, for the
    /// part of the space that this operation touched. `None`: nobody there waits for an expiry or with a limit.
    pub next_deadline: Option<Time>,
}

impl<T> Outcome<T> {
    /// An outcome that nobody else has to learn of.
    pub fn quiet(result: T) -> Self {
        Self { result, slot: None, events: Events::default(), next_deadline: None }
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requested {
    /// It holds its key; the ticket releases it.
    Granted(Ticket, Grant),
    /// It joined the queue. An [`Event::Granted`] follows, unless it is cancelled by its ticket, times out,
    /// or ends with its member.
    Waiting(Ticket),
    /// It was not willing to wait ([`Patience::None`](crate::Patience::None)), and has ended.
    Refused,
    /// The slot that it named is no key's any more: it has to ask by the key's units. Nothing has happened.
    Forgotten,
}

/// The answer to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The ticket did not hold a key, and nothing has happened: its request still waits, or has ended.
    NotHeld,
    /// The hold has ended.
    Held,
    /// The hold has ended, and its key is forgotten: nobody held it or waited for it any more, and idle keys are not
    /// remembered. Its number in a [`LocalSpace`](crate::LocalSpace) can be another key's now.
    HeldLast,
    /// Said only by stores: the store has been asked, and an [`Event::Answered`] follows, unless the hold's
    /// `Expired` or `Lost` came first.
    Asked,
}

impl Requested {
    /// The number of the request, unless it has ended.
    #[must_use]
    pub fn ticket(self) -> Option<Ticket> {
        match self {
            Requested::Granted(ticket, _) | Requested::Waiting(ticket) => Some(ticket),
            Requested::Refused | Requested::Forgotten => None,
        }
    }
}
