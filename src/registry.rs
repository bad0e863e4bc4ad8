//! All open spaces of the process, so that what they hold can be counted from any thread.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use latchkey_engine::{Port, Space, Usage};

type Spaces = BTreeMap<(Port, u32), Arc<Space>>;

/// Invariant: holds exactly the spaces that a living port has open, by port and the port's own number.
static SPACES: Mutex<Spaces> = Mutex::new(BTreeMap::new());

fn spaces() -> MutexGuard<'static, Spaces> {
    SPACES.lock().expect("latchkey: an earlier fault left the list of spaces unusable")
}

pub fn add(port: Port, number: u32, space: Arc<Space>) {
    spaces().insert((port, number), space);
}

pub fn remove(port: Port, number: u32) {
    // Taken out under the lock, dropped after it: freeing a large space takes a while.
    let removed = spaces().remove(&(port, number));
    drop(removed);
}

/// How many spaces are open, and what they hold together.
pub fn usage() -> (usize, Usage) {
    let spaces = spaces();
    let mut total = Usage::default();
    spaces.values().for_each(|space| total += space.usage());
    (spaces.len(), total)
}
