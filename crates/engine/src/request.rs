//! One request: what the caller says of it, and what the engine remembers of it.

use std::time::Duration;

use crate::{RequestReport, Time, slab::Index};

/// How a key is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Shared: any number of readers hold the key together.
    #[default]
    Read,
    /// Exclusive: a writer holds the key alone.
    Write,
}

/// How long a request is willing to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until it is granted or cancelled.
    Forever,
    /// So long; then it leaves the queue and gets an [`Event::TimedOut`](crate::Event::TimedOut).
    For(Duration),
    /// Not at all: it is granted at once or refused.
    None,
}

/// One thread's use of a space, as the engine sees it. The caller numbers its members, and never uses a
/// number again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member(pub u32);

/// The number of one request, from asking to end.
///
/// A ticket whose request has ended is recognised (up to 2³² requests later) and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Where the request is kept.
    pub index: u32,
    /// Which of the requests that were kept there it is.
    pub generation: u32,
}

/// Where a key is kept while it is in use, or remembered: a cheaper way to name it.
///
/// A slot whose key has been forgotten is recognised, however long ago that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeySlot {
    /// Where the key is kept.
    pub index: u32,
    /// Which of the shard's keys, in the order of their making, it is.
    pub generation: u64,
}

/// How a caller names a key.
#[derive(Clone, Copy, Debug)]
pub enum KeyName<'a> {
    /// By its UTF-16 code units.
    Units(&'a [u16]),
    /// By its slot, see [`Outcome::slot`](crate::Outcome::slot), or its number in a [`LocalSpace`](crate::LocalSpace).
    Slot(KeySlot),
}

impl<'a, T: AsRef<[u16]> + ?Sized> From<&'a T> for KeyName<'a> {
    fn from(units: &'a T) -> Self {
        Self::Units(units.as_ref())
    }
}

/// What a caller says when it asks for a key.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who asks.
    pub member: Member,
    /// The caller's own number for the request: it comes back in the events, and means nothing here.
    pub tag: u32,
    /// The key.
    pub key: KeyName<'a>,
    /// How it wants to hold the key.
    pub mode: Mode,
    /// How long the hold is safe from those who wait, counted from the grant. `None`: for ever.
    pub expiry: Option<Duration>,
    /// How long it waits for the grant.
    pub patience: Patience,
}

/// What a holder learns when it is granted a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Grows with every grant of the space, so with every grant of each key.
    pub fence: u64,
    /// The last write hold that ended by death or expiry may have left the data half written, and
    /// no write hold that saw this has been released normally since.
    pub recovered: bool,
}

/// A request's neighbours in one chain. `NONE` at the ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    pub prev: Index,
    pub next: Index,
}

/// A request that has not ended.
///
/// Invariant: it is linked into its member's list, if such are kept, and into its key's queue or, once it has its grant, its
/// key's holders.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub generation: u32,
    pub key: Index,
    pub expiry: Option<Duration>,
    /// While it waits, how long at the most; then, from when on it is overdue.
    pub until: Option<Time>,
    /// What a query says of it.
    pub report: RequestReport,
    pub links: [Links; 2],
}
