//! The numbers that grow with every grant of a space.

use std::sync::atomic::Ordering;

use crate::sync::AtomicU64;

/// A space's counter, which its shards share.
#[derive(Debug, Default)]
pub struct Fences(AtomicU64);

impl Fences {
    /// A fence higher than all before it.
    pub fn next(&self) -> u64 {
        // Relaxed, as below: all grants of a key happen under its shard's mutex, which orders them; the
        // counter itself only has to give each number once.
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Later fences are higher than `fence`.
    pub fn raise(&self, fence: u64) {
        if self.0.load(Ordering::Relaxed) < fence {
            self.0.fetch_max(fence, Ordering::Relaxed);
        }
    }
}
