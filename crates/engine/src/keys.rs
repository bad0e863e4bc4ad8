//! The keys of a shard: by their texts, or by numbers that the only thread gives them.

use std::{
    collections::HashMap,
    ops::{Index as At, IndexMut},
};

use crate::{
    Key, KeyName, KeySlot,
    idle::IdleKeys,
    key_state::{KeyState, NamedKey},
    slab::{Index, Slab},
    sync::RandomState,
};

/// Above this many places the table of names is shrunk when it has become sparse.
const KEEP_KEYS: usize = 1024;

/// A key of more code units is not remembered while nobody uses it: only so the idle ones take a bounded amount of memory.
const KEEP_UNITS: usize = 256;

/// The keys of a shard.
pub trait Keys: At<Index, Output = KeyState> + IndexMut<Index> + std::fmt::Debug {
    /// The key that is meant, which is added if it is not there. `None` for a slot that is no key's any more.
    fn find(&mut self, name: KeyName<'_>) -> Option<Index>;
    /// A key has become idle, and may be forgotten.
    fn rest(&mut self, key: Index);
    /// Whether a key that was found has not been forgotten.
    fn is_known(&self, key: Index) -> bool;
    /// A cheaper name for a key.
    fn slot_of(&self, key: Index) -> KeySlot;
}

/// Keys by their texts, and by slots, which are cheaper names.
///
/// Invariant: `by_name` and `keys` hold the same keys, and `idle` knows which of them nobody uses.
#[derive(Debug)]
pub struct NamedKeys {
    by_name: HashMap<Key, Index, RandomState>,
    keys: Slab<NamedKey>,
    idle: IdleKeys,
    next_generation: u64,
}

impl NamedKeys {
    /// No keys, of which up to `keep_idle` are remembered while nobody uses them, if they are not long.
    pub fn new(hasher: RandomState, keep_idle: usize) -> Self {
        Self {
            by_name: HashMap::with_hasher(hasher),
            keys: Slab::new(),
            idle: IdleKeys::new(keep_idle),
            next_generation: 0,
        }
    }

    /// All keys by their names.
    pub fn named(&self) -> impl Iterator<Item = (&Key, &KeyState)> {
        self.by_name.iter().map(|(name, &key)| (name, &self.keys[key].state))
    }

    /// A key by its name, if it is there.
    pub fn get(&self, units: &[u16]) -> Option<(&Key, &KeyState)> {
        let (name, &key) = self.by_name.get_key_value(units)?;
        Some((name, &self.keys[key].state))
    }

    fn add(&mut self, units: &[u16]) -> Index {
        let name = Key::from(units);
        self.next_generation += 1;
        let key = self.keys.insert(NamedKey::new(name.clone(), self.next_generation));
        self.by_name.insert(name, key);
        key
    }

    fn forget(&mut self, key: Index) {
        let key = self.keys.remove(key);
        self.by_name.remove(&key.name);
        if self.by_name.capacity() > KEEP_KEYS && self.by_name.len() < self.by_name.capacity() / 8 {
            self.by_name.shrink_to(self.by_name.len() * 2);
        }
    }
}

impl Keys for NamedKeys {
    fn find(&mut self, name: KeyName<'_>) -> Option<Index> {
        match name {
            KeyName::Units(units) => {
                Some(self.by_name.get(units).copied().unwrap_or_else(|| self.add(units)))
            }
            KeyName::Slot(slot) => {
                let key = self.keys.get(slot.index)?;
                (key.generation == slot.generation).then_some(slot.index)
            }
        }
    }

    fn rest(&mut self, key: Index) {
        if self.keys[key].name.as_units().len() > KEEP_UNITS {
            self.forget(key);
        } else if let Some(earliest) = self.idle.rest(key, &mut self.keys) {
            self.forget(earliest);
        }
    }

    fn is_known(&self, key: Index) -> bool {
        self.keys.get(key).is_some()
    }

    fn slot_of(&self, key: Index) -> KeySlot {
        KeySlot { index: key, generation: self.keys[key].generation }
    }
}

impl At<Index> for NamedKeys {
    type Output = KeyState;

    fn index(&self, key: Index) -> &KeyState {
        &self.keys[key].state
    }
}

impl IndexMut<Index> for NamedKeys {
    fn index_mut(&mut self, key: Index) -> &mut KeyState {
        &mut self.keys[key].state
    }
}

/// Keys by numbers, small ones, that the only thread gives them: an idle one costs a place in the list until those behind it are
/// idle, too, and the thread uses its number again.
#[derive(Debug, Default)]
pub struct NumberedKeys(Vec<KeyState>);

impl Keys for NumberedKeys {
    fn find(&mut self, name: KeyName<'_>) -> Option<Index> {
        let KeyName::Slot(KeySlot { index, .. }) = name else { return None };
        if self.0.len() <= index as usize {
            self.0.resize_with(index as usize + 1, KeyState::default);
        }
        Some(index)
    }

    fn rest(&mut self, key: Index) {
        if self.0.len() > KEEP_KEYS && key as usize == self.0.len() - 1 {
            let in_use = self.0.iter().rposition(|state| !state.is_idle()).map_or(0, |last| last + 1);
            self.0.truncate(in_use);
            if in_use < self.0.capacity() / 4 {
                self.0.shrink_to(in_use * 2);
            }
        }
    }

    fn is_known(&self, key: Index) -> bool {
        self.0.get(key as usize).is_some_and(|state| !state.is_idle())
    }

    fn slot_of(&self, index: Index) -> KeySlot {
        KeySlot { index, generation: 0 }
    }
}

impl At<Index> for NumberedKeys {
    type Output = KeyState;

    fn index(&self, key: Index) -> &KeyState {
        &self.0[key as usize]
    }
}

impl IndexMut<Index> for NumberedKeys {
    fn index_mut(&mut self, key: Index) -> &mut KeyState {
        &mut self.0[key as usize]
    }
}
