//! The texts by which people recognise the requests of a named space. Few have one, so they stand beside the engine, which
//! knows nothing of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use latchkey_engine::Member;

/// By the member and its tag of the request.
type Texts = HashMap<(Member, u32), Arc<[u16]>>;

/// Invariant: a request's label is here from before it asks until its thread has learned of its end, or has closed the space
/// or ended.
#[derive(Default)]
pub struct Labels(Mutex<Texts>);

impl Labels {
    /// The request that `member` names `tag` has this label, or none from now on.
    pub fn set(&self, member: Member, tag: u32, label: Option<&[u16]>) {
        let mut labels = self.all();
        match label {
            Some(label) => labels.insert((member, tag), label.into()),
            None => labels.remove(&(member, tag)),
        };
    }

    /// The request's label, if it has one.
    pub fn get(&self, member: Member, tag: u32) -> Option<Arc<[u16]>> {
        self.all().get(&(member, tag)).cloned()
    }

    /// A member has left the space.
    pub fn leave(&self, member: Member) {
        self.all().retain(|&(owner, _), _| owner != member);
    }

    fn all(&self) -> MutexGuard<'_, Texts> {
        self.0.lock().expect("latchkey: an earlier fault left the labels unusable")
    }
}
