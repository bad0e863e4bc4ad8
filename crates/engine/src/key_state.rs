//! What the engine remembers of one key.

use crate::{
    Mode, Time,
    list::{List, OF_KEY},
};

/// One key's holders and queue.
///
/// | holders | mode | a read request | a write request |
/// |---|---|---|---|
/// | none | – | granted | granted |
/// | some | `Read` | granted if the queue is empty | waits |
/// | one | `Write` | waits | waits |
///
/// Invariant, after each operation: the queue's first request could not be granted now, so nobody
/// waits who could hold. A key with no holder and no queue is idle, unless `recovered`, and is forgotten sooner or later.
#[derive(Debug, Default)]
pub struct KeyState {
    pub holders: List<OF_KEY>,
    /// How many more hold it, of whom nothing is known but that. Only in a space of one thread.
    pub counted: u32,
    /// How the holders hold it; says nothing while there are none.
    pub mode: Mode,
    /// Requests in the order of their arrival.
    pub queue: List<OF_KEY>,
    /// See [`Grant::recovered`](crate::Grant::recovered).
    pub recovered: bool,
    /// How many of the holders have a deadline.
    pub timed_holds: u32,
    /// When this key stands in the shard's deadlines, as what.
    pub armed: Option<Time>,
}

impl KeyState {
    /// True if nobody holds it.
    pub fn is_free(&self) -> bool {
        self.holders.is_empty() && self.counted == 0
    }

    /// True if the holders leave room for one more in `mode`.
    pub fn admits(&self, mode: Mode) -> bool {
        self.is_free() || (self.mode == Mode::Read && mode == Mode::Read)
    }

    /// True if a request in `mode` that arrives now is granted at once.
    pub fn would_grant(&self, mode: Mode) -> bool {
        self.queue.is_empty() && self.admits(mode)
    }

    /// True if nothing of the key has to be remembered.
    pub fn is_idle(&self) -> bool {
        self.is_free() && self.queue.is_empty() && !self.recovered
    }
}
