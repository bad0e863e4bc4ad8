//! What happens to requests other than the one that an operation is about.

use smallvec::SmallVec;

use crate::{Grant, Member};

/// Something that happened to a request other than the one being operated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The request holds its key now.
    Granted {
        /// Whose request it is.
        member: Member,
        /// The caller's own number of the request.
        tag: u32,
        /// What the holder learns.
        grant: Grant,
    },
    /// The hold was taken away, because it was older than its expiry and another request waited.
    Expired {
        /// Whose hold it was.
        member: Member,
        /// The caller's own number of the request.
        tag: u32,
    },
    /// The request waited as long as it was willing to, and left its queue.
    TimedOut {
        /// Whose request it was.
        member: Member,
        /// The caller's own number of the request.
        tag: u32,
        /// How many waited before it. A store does not say it here.
        ahead: u32,
    },
    /// Said only by stores: the hold ended because its session did, and others may hold the key by now.
    Lost {
        /// Whose hold it was.
        member: Member,
        /// The caller's own number of the request.
        tag: u32,
    },
    /// Said only by stores: the wait ended because the store could not answer, or refused to.
    Failed {
        /// Whose request it was.
        member: Member,
        /// The caller's own number of the request.
        tag: u32,
        /// The store's own number of what went wrong; it means nothing here.
        reason: u32,
    },
    /// Said only by stores, which answer later: the answer to a release or a downgrade.
    ///
    /// A hold may be taken away while it is being released. Then its `Expired` or `Lost` is the answer, and no
    /// `Answered` follows.
    Answered {
        /// Whose hold it was, or is, after a downgrade.
        member: Member,
        /// The caller's own number of the request.
        tag: u32,
        /// What became of it.
        answer: Answer,
    },
}

/// What became of a release or a downgrade that a store was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
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
    /// The member that is to learn of it.
    #[must_use]
    pub fn member(&self) -> Member {
        match *self {
            Event::Granted { member, .. }
            | Event::Expired { member, .. }
            | Event::TimedOut { member, .. }
            | Event::Lost { member, .. }
            | Event::Failed { member, .. }
            | Event::Answered { member, .. } => member,
        }
    }
}

/// Events in the order in which they were decided, and are to be delivered.
///
/// For each key, a hold's `Expired` stands before the `Granted` that it made possible, and grants
/// stand in the order in which they were asked for. Dropping the list unread leaves requests that
/// hold a key and never learn it.
///
/// Nearly all operations cause one event or none: those need no memory of their own.
pub type Events = SmallVec<[Event; 1]>;
