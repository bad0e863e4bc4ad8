//! The keys of a shard: what is remembered of each, by its number there, and by which names it is found.

use std::collections::{HashMap, VecDeque};

use crate::{
    Key, KeyName, KeySlot,
    key_state::KeyState,
    slab::{Index, Slab},
    sync::RandomState,
};

/// Above this many places a table is shrunk when it has become sparse.
const KEEP_KEYS: usize = 1024;

/// A key of more code units is not remembered while nobody uses it: only so the idle ones take a bounded amount of memory.
const KEEP_UNITS: usize = 256;

/// Keys by their numbers.
///
/// Invariant: each key that is not idle has a state here. One that is idle has one like a new key's, or none.
#[derive(Debug)]
pub struct Keys {
    states: Vec<KeyState>,
    /// `None` if one thread has the space alone, which names keys by their numbers: small ones, of which it uses those of
    /// idle keys again.
    names: Option<Names>,
    /// How many keys have become idle since the table was shrunk.
    rests: usize,
}

impl Keys {
    pub fn new(names: Option<Names>) -> Self {
        Self { states: Vec::new(), names, rests: 0 }
    }

    /// The key that is meant, which is added if it is not there. `None` for a slot that is no key's any more.
    #[inline]
    pub fn find(&mut self, name: KeyName<'_>) -> Option<Index> {
        let key = match (&mut self.names, name) {
            (Some(names), _) => names.find(name)?,
            (None, KeyName::Slot(slot)) => slot.index,
            (None, KeyName::Units(_)) => return None,
        };
        if self.states.len() <= key as usize {
            self.states.resize_with(key as usize + 1, KeyState::default);
        }
        Some(key)
    }

    /// What is remembered of a key that has been found, or is not idle.
    pub fn at(&mut self, key: Index) -> &mut KeyState {
        &mut self.states[key as usize]
    }

    /// The same, if there is anything.
    pub fn get(&self, key: Index) -> Option<&KeyState> {
        self.states.get(key as usize).filter(|state| !state.is_idle())
    }

    /// A key has become idle. True if it is forgotten, and its number can be another one's.
    pub fn rest(&mut self, key: Index) -> bool {
        self.rests += 1;
        // Not each time: a key in regular use may have the highest number.
        if self.states.len() > KEEP_KEYS && self.rests >= self.states.len() {
            self.shrink();
        }
        self.names.as_mut().is_none_or(|names| names.rest(key, &self.states))
    }

    #[cold]
    fn shrink(&mut self) {
        self.rests = 0;
        let in_use = self.states.iter().rposition(|state| !state.is_idle()).map_or(0, |last| last + 1);
        self.states.truncate(in_use);
        if in_use < self.states.capacity() / 4 {
            self.states.shrink_to(in_use * 2);
        }
    }

    /// A cheaper name for a key that is known by its text.
    pub fn slot_of(&self, index: Index) -> Option<KeySlot> {
        let generation = self.names.as_ref()?.known.get(index)?.generation;
        Some(KeySlot { index, generation })
    }

    /// All keys that are known by their texts.
    pub fn named(&self) -> impl Iterator<Item = (&Key, &Index)> {
        self.names.iter().flat_map(|names| &names.by_text)
    }

    /// One of them, if it is there.
    pub fn named_one(&self, units: &[u16]) -> Option<(&Key, &Index)> {
        self.names.as_ref()?.by_text.get_key_value(units)
    }
}

/// The names of a shard's keys: texts and slots. A key that nobody uses is remembered for a while all the same, so that one in
/// regular use is not made anew each time.
///
/// Invariant: `by_text` and `known` hold the same keys. Each idle one is in `resting`, the earliest first, and so are some that
/// are in use again; there are at most `keep` of them.
#[derive(Debug)]
pub struct Names {
    by_text: HashMap<Key, Index, RandomState>,
    known: Slab<Named>,
    resting: VecDeque<Index>,
    keep: usize,
    next_generation: u64,
}

#[derive(Debug)]
struct Named {
    text: Key,
    /// Of its [`KeySlot`].
    generation: u64,
    is_resting: bool,
}

impl Names {
    /// No keys, of which up to `keep` are remembered while nobody uses them, if they are not long.
    pub fn new(hasher: RandomState, keep: usize) -> Self {
        let by_text = HashMap::with_hasher(hasher);
        Self { by_text, known: Slab::new(), resting: VecDeque::new(), keep, next_generation: 0 }
    }

    fn find(&mut self, name: KeyName<'_>) -> Option<Index> {
        match name {
            KeyName::Units(units) => {
                Some(self.by_text.get(units).copied().unwrap_or_else(|| self.add(units)))
            }
            KeyName::Slot(slot) => {
                self.known.get(slot.index).filter(|key| key.generation == slot.generation)?;
                Some(slot.index)
            }
        }
    }

    fn add(&mut self, units: &[u16]) -> Index {
        let text = Key::from(units);
        self.next_generation += 1;
        let named = Named { text: text.clone(), generation: self.next_generation, is_resting: false };
        let key = self.known.insert(named);
        self.by_text.insert(text, key);
        key
    }

    /// Remembers a key that has become idle, and forgets one for it, if that is idle still: each rest ends at most one, so that
    /// the cost is constant. True if it is the key itself, or that has been forgotten before.
    #[inline(never)]
    fn rest(&mut self, key: Index, states: &[KeyState]) -> bool {
        let Some(named) = self.known.get_mut(key) else { return true };
        let mut forgotten = Some(key);
        if named.text.as_units().len() <= KEEP_UNITS {
            if !std::mem::replace(&mut named.is_resting, true) {
                self.resting.push_back(key);
            }
            forgotten = if self.resting.len() > self.keep { self.resting.pop_front() } else { None };
        }
        let Some(forgotten) = forgotten else { return false };
        self.known[forgotten].is_resting = false;
        if states.get(forgotten as usize).is_none_or(KeyState::is_idle) {
            self.forget(forgotten);
        }
        forgotten == key
    }

    fn forget(&mut self, key: Index) {
        let key = self.known.remove(key);
        self.by_text.remove(&key.text);
        if self.by_text.capacity() > KEEP_KEYS && self.by_text.len() < self.by_text.capacity() / 8 {
            self.by_text.shrink_to(self.by_text.len() * 2);
        }
    }
}
