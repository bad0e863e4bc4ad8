//! A port's messages from other threads, and the waker that announces them.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use latchkey_engine::{Inbox, Recipient};
use latchkey_redis::StoreEvent;

use crate::{port::waker::Waker, process::timer::Alarm};

pub struct Mailbox {
    pub inbox: Inbox,
    pub waker: Waker,
    /// Node's number of the thread that reads it.
    pub thread: u32,
    store_events: Mutex<Vec<SeenStoreEvent>>,
}

/// What has happened to the connection of the store with that address, and when.
pub type SeenStoreEvent = (Arc<str>, StoreEvent, Instant);

impl Mailbox {
    pub fn new(waker: Waker, thread: u32) -> Self {
        Self { inbox: Inbox::default(), waker, thread, store_events: Mutex::default() }
    }

    /// Adds an event of a store, and has it read soon.
    pub fn put_store_event(&self, store: Arc<str>, event: StoreEvent) {
        self.store_events().push((store, event, Instant::now()));
        self.waker.wake();
    }

    /// The stores' events that have not been read, in order.
    pub fn store_events(&self) -> MutexGuard<'_, Vec<SeenStoreEvent>> {
        self.store_events.lock().expect("latchkey: an earlier fault left the events of stores unusable")
    }
}

/// One thread's mailbox, as a member of a space.
#[derive(Clone)]
pub struct Address(pub Arc<Mailbox>);

impl Recipient for Address {
    fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    fn wake(&self) {
        self.0.waker.wake();
    }
}

impl Alarm for Mailbox {
    /// A deadline in one of the port's private spaces has come: the port itself looks which.
    fn ring(self: Arc<Self>) {
        self.waker.wake();
    }
}
