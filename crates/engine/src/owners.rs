//! Which requests end when a port does.

use std::collections::BTreeMap;

use crate::{
    Port,
    list::{List, OF_PORT},
    request::Request,
    slab::{Index, Slab},
};

/// A list for each port, from its first request until it is detached.
#[derive(Debug, Default)]
pub struct Owners(BTreeMap<Port, List<OF_PORT>>);

impl Owners {
    /// A request was made.
    pub fn add(&mut self, port: Port, requests: &mut Slab<Request>, index: Index) {
        self.0.entry(port).or_insert(List::EMPTY).push_back(requests, index);
    }

    /// It is about to be removed.
    pub fn forget(&mut self, requests: &mut Slab<Request>, index: Index) {
        if let Some(owned) = self.0.get_mut(&requests[index].port) {
            owned.unlink(requests, index);
        }
    }

    /// One that the port has.
    pub fn first(&self, port: Port) -> Option<Index> {
        self.0.get(&port).and_then(List::first)
    }

    /// The port is gone, and its requests, too.
    pub fn remove(&mut self, port: Port) {
        self.0.remove(&port);
    }
}
