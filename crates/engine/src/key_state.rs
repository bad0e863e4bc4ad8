//! What the engine remembers of one key.

use crate::{
    Key, Mode, Time,
    list::{List, OF_KEY},
    slab::Index,
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
#[derive(Debug)]
pub(crate) struct KeyState {
    pub key: Key,
    /// Of its [`KeySlot`](crate::KeySlot).
    pub generation: u64,
    pub holders: List<OF_KEY>,
    /// How the holders hold it; says nothing while there are none.
    pub mode: Mode,
    /// Requests in the order of their arrival.
    pub queue: List<OF_KEY>,
    /// See [`Grant::recovered`](crate::Grant::recovered).
    pub recovered: bool,
    /// How many of the holders have a deadline.
    pub timed_holds: u32,
    /// When this key stands in the shard's armed deadlines, as what.
    pub armed: Option<Time>,
    /// Whether it is among the [`IdleKeys`](crate::idle::IdleKeys) that rest.
    pub is_resting: bool,
}

impl KeyState {
    pub fn new(key: Key, generation: u64) -> Self {
        Self {
            key,
            generation,
            holders: List::EMPTY,
            mode: Mode::Read,
            queue: List::EMPTY,
            recovered: false,
            timed_holds: 0,
            armed: None,
            is_resting: false,
        }
    }

    /// True if the holders leave room for one more in `mode`.
    pub fn admits(&self, mode: Mode) -> bool {
        self.holders.is_empty() || (self.mode == Mode::Read && mode == Mode::Read)
    }

    /// The request at the queue's head.
    pub fn front(&self) -> Option<Index> {
        self.queue.first()
    }

    /// True if nothing of the key has to be remembered.
    pub fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.queue.is_empty() && !self.recovered
    }
}
