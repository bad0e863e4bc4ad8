//! Doubly linked lists through the requests themselves: O(1) to append to and to leave, and no
//! memory of their own. Each request can be in one list of each chain.

use crate::{
    request::{Links, Request},
    slab::{Index, NONE, Slab},
};

/// The chain of a key's queue, or of its holders.
pub const OF_KEY: usize = 0;
/// The chain of all requests of one member.
pub const OF_MEMBER: usize = 1;

/// A list of requests along one chain.
///
/// Invariant: `first` and `last` are both `NONE` or both set; following `next` from `first` ends at
/// `last`, and `prev` is its mirror image; `len` counts them.
#[derive(Clone, Copy, Debug)]
pub struct List<const CHAIN: usize> {
    first: Index,
    last: Index,
    len: u32,
}

impl<const CHAIN: usize> Default for List<CHAIN> {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl<const CHAIN: usize> List<CHAIN> {
    pub fn is_empty(&self) -> bool {
        self.first == NONE
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn first(&self) -> Option<Index> {
        (self.first != NONE).then_some(self.first)
    }

    /// The list's requests, from first to last.
    pub fn iter<'a>(
        &self,
        requests: &'a Slab<Request>,
    ) -> impl Iterator<Item = &'a Request> + use<'a, CHAIN> {
        let mut next = self.first;
        std::iter::from_fn(move || {
            let request = requests.get(next)?;
            next = request.links[CHAIN].next;
            Some(request)
        })
    }

    pub fn push_back(&mut self, requests: &mut Slab<Request>, index: Index) {
        requests[index].links[CHAIN] = Links { prev: self.last, next: NONE };
        match self.last {
            NONE => self.first = index,
            last => requests[last].links[CHAIN].next = index,
        }
        self.last = index;
        self.len += 1;
    }

    /// Takes out a request, whose place in this list is between its neighbours.
    pub fn unlink(&mut self, requests: &mut Slab<Request>, request: &Request) {
        let Links { prev, next } = request.links[CHAIN];
        match prev {
            NONE => self.first = next,
            prev => requests[prev].links[CHAIN].next = next,
        }
        match next {
            NONE => self.last = prev,
            next => requests[next].links[CHAIN].prev = prev,
        }
        self.len -= 1;
    }
}
