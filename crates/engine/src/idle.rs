//! The keys that nobody uses and that are remembered for a while all the same, so that one in regular use is not made anew
//! each time.

use std::collections::VecDeque;

use crate::{
    key_state::NamedKey,
    slab::{Index, Slab},
};

/// Which keys have come to rest, the earliest first.
///
/// Invariant, with the keys of its shard: each idle key is in `resting`, and so are some that are in use again, which
/// [`NamedKey::is_resting`] says of each key; there are at most `keep` of them.
#[derive(Debug)]
pub struct IdleKeys {
    resting: VecDeque<Index>,
    keep: usize,
}

impl IdleKeys {
    /// Remembers up to `keep` keys.
    pub fn new(keep: usize) -> Self {
        Self { resting: VecDeque::new(), keep }
    }

    /// Remembers a key that has become idle. Gives back one that has to be forgotten for it, if that is idle still: each
    /// rest ends at most one, so that the cost is constant.
    #[must_use = "the key is not among the resting ones any more"]
    pub fn rest(&mut self, key: Index, keys: &mut Slab<NamedKey>) -> Option<Index> {
        if !std::mem::replace(&mut keys[key].is_resting, true) {
            self.resting.push_back(key);
        }
        if self.resting.len() <= self.keep {
            return None;
        }
        let earliest = self.resting.pop_front()?;
        keys[earliest].is_resting = false;
        keys[earliest].state.is_idle().then_some(earliest)
    }
}
