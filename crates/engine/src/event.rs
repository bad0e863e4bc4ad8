//! What an operation answers: its own result, and the events it caused for others.

use smallvec::SmallVec;

use crate::{Key, KeySlot, Mode, Port, Ticket, Time};

/// What a holder learns when it is granted a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Grows with every grant of the space, so with every grant of each key.
    pub fence: u64,
    /// The last write hold that ended by death or expiry may have left the data half written, and
    /// no write hold that saw this has been released normally since.
    pub recovered: bool,
}

/// Something that happened to a request other than the one being operated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The request holds its key now.
    Granted {
        /// Whose request it is.
        port: Port,
        /// The caller's own number of the request.
        tag: u32,
        /// What the holder learns.
        grant: Grant,
    },
    /// The hold was taken away, because it was older than its expiry and another request waited.
    Expired {
        /// Whose hold it was.
        port: Port,
        /// The caller's own number of the request.
        tag: u32,
    },
    /// The request waited as long as it was willing to, and left its queue.
    TimedOut {
        /// Whose request it was.
        port: Port,
        /// The caller's own number of the request.
        tag: u32,
    },
    /// Said only by stores: the hold ended because its session did, and others may hold the key by now.
    Lost {
        /// Whose hold it was.
        port: Port,
        /// The caller's own number of the request.
        tag: u32,
    },
    /// Said only by stores: the wait ended because the store could not answer, or refused to.
    Failed {
        /// Whose request it was.
        port: Port,
        /// The caller's own number of the request.
        tag: u32,
        /// The store's own number of what went wrong; it means nothing here.
        reason: u32,
    },
    /// Said only by stores, which answer later: the answer to a release or a downgrade.
    ///
    /// A hold may be taken away while it is being released. Then its `Expired` or `Lost` is the answer, and no
    /// `Ended` follows.
    Ended {
        /// Whose hold it was, or is, after a downgrade.
        port: Port,
        /// The caller's own number of the request.
        tag: u32,
        /// What became of it.
        ending: Ending,
    },
}

/// What became of a release or a downgrade that a store was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is done.
    Done,
    /// The hold had been taken away before, because it was older than its expiry and another request waited.
    Expired,
    /// The hold had ended before, with its session.
    Lost,
    /// The store could not be reached while the hold was certain. It ends with its session.
    Unreachable,
}

impl Event {
    /// The port that is to be told.
    #[must_use]
    pub fn port(&self) -> Port {
        match *self {
            Event::Granted { port, .. }
            | Event::Expired { port, .. }
            | Event::TimedOut { port, .. }
            | Event::Lost { port, .. }
            | Event::Failed { port, .. }
            | Event::Ended { port, .. } => port,
        }
    }
}

/// Events in the order in which they were decided, and are to be told.
///
/// For each key, a hold's `Expired` stands before the `Granted` that it made possible, and grants
/// stand in the order in which they were asked for. Dropping the list unread leaves requests that
/// hold a key and never learn it.
///
/// Nearly all operations cause one event or none: those need no memory of their own.
pub type Events = SmallVec<[Event; 1]>;

/// The result of one operation, with all that has to be done once it returned.
#[derive(Debug)]
#[must_use = "the events have to be delivered and the deadline kept"]
pub struct Outcome<T> {
    /// What the caller asked to know.
    pub result: T,
    /// The slot of the key of a request that named it by its text, and has not ended: a cheaper name.
    pub slot: Option<KeySlot>,
    /// What has to be told, in order, before the caller acts on `result`: all that the
    /// [`Caller`](crate::Caller) has not taken in itself.
    pub events: Events,
    /// When [`Space::expire`](crate::Space::expire) has to be called next, at the latest, for the
    /// part of the space that this operation touched. `None`: nobody there waits for an expiry or with a limit.
    pub next_deadline: Option<Time>,
}

impl<T> Outcome<T> {
    /// The same with another result.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        let Self { result, slot, events, next_deadline } = self;
        Outcome { result: change(result), slot, events, next_deadline }
    }

    /// An outcome that nobody else has to be told of.
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
    /// or ends with its port.
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
    /// Said only by stores: the store has been asked, and an [`Event::Ended`] follows, unless the hold's
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

    /// The grant, if the key was granted at once.
    #[must_use]
    pub fn granted(self) -> Option<Grant> {
        match self {
            Requested::Granted(_, grant) => Some(grant),
            Requested::Waiting(_) | Requested::Refused | Requested::Forgotten => None,
        }
    }
}

/// Who holds one key and who waits for it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The key.
    pub key: Key,
    /// Its holders, in the order of their grants.
    pub holders: Vec<HoldReport>,
    /// Its queue, in order.
    pub waiting: Vec<WaitReport>,
}

/// One hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldReport {
    /// Whose it is.
    pub port: Port,
    /// How the key is held.
    pub mode: Mode,
    /// When it was granted.
    pub since: Time,
    /// What the holder learned.
    pub grant: Grant,
}

/// One request in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitReport {
    /// Whose it is.
    pub port: Port,
    /// How it wants to hold the key.
    pub mode: Mode,
    /// When it asked.
    pub since: Time,
}
