//! A space that ports share: its table, the ports that use it, and the list of those that have names.
//!
//! A named one is the same object for whoever opens its name, on any thread, and is gone when the last of them closes or
//! ends.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, Weak},
};

use latchkey_engine::{Key, Member, Members, Space, Time};
use latchkey_redis::Store;

use crate::{
    port::mailbox::{Address, Mailbox},
    process::clock::Clock,
    process::table::Table,
    process::timer::{self, Alarm, AlarmNumber},
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
    pub members: Members<Address>,
    labels: Mutex<Labels>,
}

/// The texts by which people recognise requests of a named space, each by its member and its tag. Few have one, so they stand beside
/// the engine, which knows nothing of them.
///
/// Invariant: a request's label is here from before it asks until its thread has learned of its end, or has closed the space
/// or ended.
type Labels = HashMap<(Member, u32), Vec<u16>>;

/// The named spaces of the process. The map is made with the first of them.
///
/// Invariant: a named space is here until it is dropped. A dead entry may be replaced by a new space of the same name before
/// the old one has taken itself out.
static NAMED: Mutex<Option<HashMap<Key, Weak<SharedSpace>>>> = Mutex::new(None);

fn named_spaces() -> MutexGuard<'static, Option<HashMap<Key, Weak<SharedSpace>>>> {
    NAMED.lock().expect("latchkey: an earlier fault left the list of spaces unusable")
}

impl SharedSpace {
    pub fn open_named(name: &[u16]) -> Arc<Self> {
        let mut spaces = named_spaces();
        let named = spaces.get_or_insert_default();
        if let Some(space) = named.get(name).and_then(Weak::upgrade) {
            return space;
        }
        let name = Key::from(name);
        let table = Table::Engine(Space::keeping(KEEP_IDLE, NAMED_SHARDS));
        let space = Arc::new(Self::new(table, Some(name.clone())));
        named.insert(name, Arc::downgrade(&space));
        space
    }

    /// A space that a store keeps. Each opening is a space of its own here: it is on the server that they meet.
    pub fn open_stored(store: &Arc<Store>, name: &[u16], mailbox: &Arc<Mailbox>) -> Arc<Self> {
        Arc::new_cyclic(|space: &Weak<Self>| {
            let space = Weak::clone(space);
            let deliver = move |events| {
                if let Some(space) = space.upgrade() {
                    space.members.send(events);
                }
            };
            let stored = store.space(name, mailbox.thread, deliver);
            let (mailbox, address) = (Arc::clone(mailbox), Arc::<str>::from(store.config().address()));
            stored.watch(move |event| mailbox.put_store_event(Arc::clone(&address), event.clone()));
            Self::new(Table::Store(stored), None)
        })
    }

    fn new(table: Table, name: Option<Key>) -> Self {
        let number = timer::new_number();
        Self { number, name, table, members: Members::default(), labels: Mutex::default() }
    }

    pub fn labels(&self) -> MutexGuard<'_, Labels> {
        self.labels.lock().expect("latchkey: an earlier fault left the labels unusable")
    }

    /// Has the timer look at a named space at `deadline`. Fails if the system refuses the timer its thread.
    pub fn set_alarm(self: &Arc<Self>, deadline: Option<Time>) -> io::Result<()> {
        deadline.map_or(Ok(()), |time| timer::ring_at(time, self.number, self))
    }
}

impl Alarm for SharedSpace {
    /// Deadlines of a named space are the timer's own business: a port's event loop may be blocked.
    fn ring(self: Arc<Self>) {
        let outcome = self.table.locks().expire(&mut self.members.sender(Clock, None));
        // It runs, so that this cannot fail.
        let _ = self.set_alarm(outcome.next_deadline);
    }
}

impl Drop for SharedSpace {
    fn drop(&mut self) {
        timer::forget(self.number);
        let Some(name) = &self.name else { return };
        if let Some(named) = &mut *named_spaces()
            && named.get(name).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), self))
        {
            named.remove(name);
        }
    }
}

/// Whether a named space has ever been opened.
pub fn has_named() -> bool {
    named_spaces().is_some()
}
