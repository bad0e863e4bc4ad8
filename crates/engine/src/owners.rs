//! Which requests end when a port does.

use std::collections::BTreeMap;

use crate::{
    Port,
    list::{List, OF_PORT},
    request::Request,
    slab::{Index, Slab},
};

/// The requests of each port.
pub trait Owners: Default + std::fmt::Debug {
    /// A request was made.
    fn add(&mut self, port: Port, requests: &mut Slab<Request>, index: Index);
    /// It is about to be removed.
    fn forget(&mut self, requests: &mut Slab<Request>, index: Index);
    /// One that the port has.
    fn first(&self, port: Port) -> Option<Index>;
    /// The port is gone, and its requests, too.
    fn remove(&mut self, port: Port);
}

/// A list for each port, from its first request until it is detached.
#[derive(Debug, Default)]
pub struct Listed(BTreeMap<Port, List<OF_PORT>>);

impl Owners for Listed {
    fn add(&mut self, port: Port, requests: &mut Slab<Request>, index: Index) {
        self.0.entry(port).or_insert(List::EMPTY).push_back(requests, index);
    }

    fn forget(&mut self, requests: &mut Slab<Request>, index: Index) {
        if let Some(owned) = self.0.get_mut(&requests[index].port) {
            owned.unlink(requests, index);
        }
    }

    fn first(&self, port: Port) -> Option<Index> {
        self.0.get(&port).and_then(List::first)
    }

    fn remove(&mut self, port: Port) {
        self.0.remove(&port);
    }
}

/// Nobody asks: the space ends with its only port.
#[derive(Debug, Default)]
pub struct Unlisted;

impl Owners for Unlisted {
    fn add(&mut self, _: Port, _: &mut Slab<Request>, _: Index) {}

    fn forget(&mut self, _: &mut Slab<Request>, _: Index) {}

    fn first(&self, _: Port) -> Option<Index> {
        None
    }

    fn remove(&mut self, _: Port) {}
}
