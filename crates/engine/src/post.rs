//! Carries the events of a shared space to the ports that they are for.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Events, Letter, Port, sync::RwLock};

/// Where one port's letters go.
pub trait Recipient {
    /// Takes a letter in and sees to it that it is read. Must not come back to the post.
    fn receive(&self, letter: Letter);
}

impl<R: Recipient + ?Sized> Recipient for Arc<R> {
    fn receive(&self, letter: Letter) {
        (**self).receive(letter);
    }
}

/// The ports that use one space.
///
/// Invariant: a recipient gets letters only between its `join` and its `leave`. When `leave` has returned, no
/// thread is inside its `receive` and none will be, so that it may end.
#[derive(Debug)]
pub struct Post<R> {
    members: RwLock<BTreeMap<Port, Member<R>>>,
}

#[derive(Debug)]
struct Member<R> {
    recipient: R,
    address: u32,
}

impl<R> Default for Post<R> {
    fn default() -> Self {
        Self { members: RwLock::new(BTreeMap::new()) }
    }
}

const FAULT: &str = "latchkey: an earlier fault left the list of ports unusable";

impl<R: Recipient> Post<R> {
    /// Has the port's letters sent to `recipient`, who knows the space as `address`.
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
        self.members.read().expect(FAULT).get(&port).map(|member| read(&member.recipient))
    }

    /// Sends each event to its port, in order, and gives back those that are for `own`, the port that caused
    /// them. An event for a port that has left is dropped.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn send(&self, events: Events, own: Option<Port>) -> Events {
        if events.as_slice().iter().all(|event| Some(event.port()) == own) {
            return events;
        }
        let members = self.members.read().expect(FAULT);
        let mut returned = Events::default();
        for event in events {
            let port = event.port();
            if Some(port) == own {
                returned.push(event);
            } else if let Some(member) = members.get(&port) {
                member.recipient.receive(Letter { address: member.address, event });
            }
        }
        returned
    }
}
