//! Who uses a space that threads share, and where each of them reads what happened.

use std::collections::BTreeMap;

use crate::{
    Inbox, Member,
    sync::{RwLock, RwLockReadGuard},
};

/// Where one member's messages go.
pub trait Recipient: Clone {
    /// Takes its messages in.
    fn inbox(&self) -> &Inbox;

    /// Sees to it that its inbox is read. Called while no lock of the engine is held, and maybe when the member has left
    /// already: others of the same inbox may wait for it.
    fn wake(&self);
}

/// The members that use one space.
///
/// Invariant: messages are put for a member only between its `join` and its `leave`. When `leave` has returned, no thread
/// puts one into its inbox on this space's behalf, and none will.
///
/// Order of locks, so that none waits for another in a circle: a shard's mutex, then the list of members, then an inbox. A
/// [`Sender`] has all three; `join` and `leave` have the second one alone, for as long as it takes to change the list.
/// Whoever wakes has none.
#[derive(Debug)]
pub struct Members<R> {
    members: RwLock<MemberMap<R>>,
}

/// Each member's recipient, and by which number that knows the space.
pub(crate) type MemberMap<R> = BTreeMap<Member, (R, u32)>;

impl<R> Default for Members<R> {
    fn default() -> Self {
        Self { members: RwLock::new(BTreeMap::new()) }
    }
}

const FAULT: &str = "latchkey: an earlier fault left the list of members unusable";

impl<R: Recipient> Members<R> {
    /// Has the member's messages put into the inbox of `recipient`, who knows the space as `address`.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn join(&self, member: Member, recipient: R, address: u32) {
        self.members.write().expect(FAULT).insert(member, (recipient, address));
    }

    /// Sends the member nothing more. What it owns has to be ended next, by
    /// [`Space::detach`](crate::Space::detach): it may have been granted a key and will never know.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn leave(&self, member: Member) {
        self.members.write().expect(FAULT).remove(&member);
    }

    /// What `read` says of a member's recipient; `None` if it has not joined, or has left.
    ///
    /// # Panics
    ///
    /// If a recipient panicked before.
    pub fn recipient<T>(&self, member: Member, read: impl FnOnce(&R) -> T) -> Option<T> {
        self.map().get(&member).map(|(recipient, _)| read(recipient))
    }

    pub(crate) fn map(&self) -> RwLockReadGuard<'_, MemberMap<R>> {
        self.members.read().expect(FAULT)
    }
}
