//! The numbers that grow with every grant of a space.

use std::{cell::Cell, sync::atomic::Ordering};

use crate::sync::AtomicU64;

/// A space's counter.
pub trait Fences: Default + std::fmt::Debug {
    /// A fence higher than all before it.
    fn next(&self) -> u64;
}

/// One that the space's shards share.
#[derive(Debug, Default)]
pub struct SharedFences(AtomicU64);

impl Fences for SharedFences {
    fn next(&self) -> u64 {
        // Relaxed: all grants of a key happen under its shard's mutex, which orders them; the
        // counter itself only has to give each number once.
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// One of a single thread.
#[derive(Debug, Default)]
pub struct LocalFences(Cell<u64>);

impl Fences for LocalFences {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

impl LocalFences {
    /// Later fences are higher than `fence`.
    pub fn raise(&self, fence: u64) {
        self.0.set(self.0.get().max(fence));
    }
}
