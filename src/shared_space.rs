//! A space that ports share: its table, the ports that use it, and the list of all of them.
//!
//! A named one is the same object for whoever opens its name, on any thread, and is gone when the last of them closes or
//! ends.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard, Weak},
};

use latchkey_engine::{Key, Post, Space, Time, Usage};
use latchkey_redis::Store;

use crate::{
    clock::Clock,
    mailbox::Address,
    table::Table,
    timer::{self, Alarm, AlarmNumber},
};

/// How many threads can change different keys of a named space at the same moment.
const NAMED_SHARDS: u32 = 16;

/// How many keys that nobody uses are remembered in each shard of a named space.
const KEEP_IDLE: usize = 64;

pub struct SharedSpace {
    number: AlarmNumber,
    /// `None` unless it is a named space of this process.
    name: Option<Key>,
    pub table: Table,
    pub post: Post<Address>,
}

/// All spaces of the process.
///
/// `named` is made with the first named space.
///
/// Invariant: a space is in `all`, and in `named` if it has a name, until it is dropped. A dead entry of
/// `named` may be replaced by a new space of the same name before the old one has taken itself out.
struct Registry {
    all: BTreeMap<AlarmNumber, Weak<SharedSpace>>,
    named: Option<HashMap<Key, Weak<SharedSpace>>>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { all: BTreeMap::new(), named: None });

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().expect("latchkey: an earlier fault left the list of spaces unusable")
}

impl SharedSpace {
    pub fn open_named(name: &[u16]) -> Arc<Self> {
        let mut registry = registry();
        let named = registry.named.get_or_insert_default();
        if let Some(space) = named.get(name).and_then(Weak::upgrade) {
            return space;
        }
        let name = Key::from(name);
        let space = Arc::new(Self {
            number: timer::new_number(),
            table: Table::Engine(Space::keeping(KEEP_IDLE, NAMED_SHARDS)),
            post: Post::default(),
            name: Some(name.clone()),
        });
        registry.all.insert(space.number, Arc::downgrade(&space));
        registry.named.get_or_insert_default().insert(name, Arc::downgrade(&space));
        space
    }

    /// A space that a store keeps. Each opening is a space of its own here: it is on the server that they meet.
    pub fn open_stored(store: &Arc<Store>, name: &[u16], thread: u32) -> Arc<Self> {
        let space = Arc::new_cyclic(|space: &Weak<Self>| {
            let space = Weak::clone(space);
            let deliver = move |events| {
                if let Some(space) = space.upgrade() {
                    space.post.send(events);
                }
            };
            Self {
                number: timer::new_number(),
                table: Table::Store(store.space(name, thread, deliver)),
                post: Post::default(),
                name: None,
            }
        });
        registry().all.insert(space.number, Arc::downgrade(&space));
        space
    }

    /// Has the timer look at a named space at `deadline`. Fails if the system refuses the timer its thread.
    pub fn set_alarm(self: &Arc<Self>, deadline: Option<Time>) -> io::Result<()> {
        deadline.map_or(Ok(()), |time| timer::ring_at(time, self.number, self))
    }
}

impl Alarm for SharedSpace {
    /// Deadlines of a named space are the timer's own business: a port's event loop may be blocked.
    fn ring(self: Arc<Self>) {
        let outcome = self.table.locks().expire(&mut self.post.sender(Clock, None));
        // It runs, so that this cannot fail.
        let _ = self.set_alarm(outcome.next_deadline);
    }
}

impl Drop for SharedSpace {
    fn drop(&mut self) {
        timer::forget(self.number);
        let mut registry = registry();
        registry.all.remove(&self.number);
        if let (Some(name), Some(named)) = (&self.name, &mut registry.named)
            && named.get(name).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), self))
        {
            named.remove(name);
        }
    }
}

/// Whether a named space has ever been opened.
pub fn has_named() -> bool {
    registry().named.is_some()
}

/// How many spaces are open, and what they hold together.
pub fn usage() -> (usize, Usage) {
    // Counted after the list is unlocked: the last owner of a space may be the one that counts, and
    // dropping it locks the list.
    let spaces: Vec<_> = registry().all.values().filter_map(Weak::upgrade).collect();
    let mut total = Usage::default();
    spaces.iter().for_each(|space| total += space.table.usage());
    (spaces.len(), total)
}
