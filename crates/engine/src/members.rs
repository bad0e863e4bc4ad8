//! Who uses a space that threads share, and where each of them reads what happened.

use std::collections::BTreeMap;

use crate::{
    Caller, Events, Inbox, Own, Port, Sender, Time,
    sync::{RwLock, RwLockReadGuard},
};

/// Where one port's messages go.
pub trait Recipient: Clone {
    /// Takes its messages in.
    fn inbox(&self) -> &Inbox;

    /// Sees to it that its inbox is read. Called while no lock of the engine is held, and maybe when the port has left
    /// already: others of the same inbox may wait for it.
    fn wake(&self);
}

/// The ports that use one space.
///
/// Invariant: messages are put for a port only between its `join` and its `leave`. When `leave` has returned, no thread
/// puts one into its inbox on this space's behalf, and none will.
///
/// Order of locks, so that none waits for another in a circle: a shard's mutex, then the list of ports, then an inbox. A
/// [`Sender`] has all three; `join` and `leave` have the second one alone, for as long as it takes to change the list.
/// Whoever wakes has none.
#[derive(Debug)]
pub struct Members<R> {
    members: RwLock<MemberMap<R>>,
}

pub(crate) type MemberMap<R> = BTreeMap<Port, Member<R>>;

#[derive(Debug)]
pub(crate) struct Member<R> {
    pub recipient: R,
    pub address: u32,
}

impl<R> Default for Members<R> {
    fn default() -> Self {
        Self { members: RwLock::new(BTreeMap::new()) }
    }
}

const FAULT: &str = "latchkey: an earlier fault left the list of ports unusable";

impl<R: Recipient> Members<R> {
    /// Has the port's messages put into the inbox of `recipient`, who knows the space as `address`.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn join(&self, port: Port, recipient: R, address: u32) {
        self.members.write().expect(FAULT).insert(port, Member { recipient, address });
    }

    /// Sends the port nothing more. What it owns has to be ended next, by
    /// [`Space::detach`](crate::Space::detach): it may have been granted a key and will never know.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn leave(&self, port: Port) {
        self.members.write().expect(FAULT).remove(&port);
    }

    /// What `read` says of a port's recipient; `None` if the port is not a member.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn recipient<T>(&self, port: Port, read: impl FnOnce(&R) -> T) -> Option<T> {
        self.map().get(&port).map(|member| read(&member.recipient))
    }

    /// A caller that gives the members what it causes. `own` is the member that operates; `None` for whoever is none.
    pub fn sender<'a, C: Caller>(&'a self, clock: C, own: Option<Own<'a>>) -> Sender<'a, R, C> {
        Sender::new(self, clock, own)
    }

    /// Gives the members what came from elsewhere, in order.
    pub fn send(&self, mut events: Events) {
        self.sender(Time::ZERO, None).take_events(&mut events);
    }

    pub(crate) fn map(&self) -> RwLockReadGuard<'_, MemberMap<R>> {
        self.members.read().expect(FAULT)
    }
}
