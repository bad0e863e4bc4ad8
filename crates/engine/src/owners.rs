//! Which requests end when a member does.

use std::collections::BTreeMap;

use crate::{
    Member,
    list::{List, OF_MEMBER},
    request::Request,
    slab::{Index, Slab},
};

/// A list for each member, from its first request until it is detached.
#[derive(Debug, Default)]
pub struct Owners(BTreeMap<Member, List<OF_MEMBER>>);

impl Owners {
    /// A request was made.
    pub fn add(&mut self, member: Member, requests: &mut Slab<Request>, index: Index) {
        self.0.entry(member).or_insert(List::EMPTY).push_back(requests, index);
    }

    /// It is about to be removed.
    pub fn forget(&mut self, requests: &mut Slab<Request>, index: Index) {
        if let Some(owned) = self.0.get_mut(&requests[index].member) {
            owned.unlink(requests, index);
        }
    }

    /// One that the member has.
    pub fn first(&self, member: Member) -> Option<Index> {
        self.0.get(&member).and_then(List::first)
    }

    /// The member is gone, and its requests, too.
    pub fn remove(&mut self, member: Member) {
        self.0.remove(&member);
    }
}
