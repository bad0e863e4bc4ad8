//! A space that a port uses, whichever scope it has, and the requests that the port has there by their tags.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use latchkey_engine::{Ask, KeyName, KeySlot, LocalSpace, LockTable, Member, Patience, Ticket, Time};
use napi::{Error, Result};

use crate::{crossing::words, port::SpaceNumber, process::clock, process::shared_space::SharedSpace};

/// Where the keys of a space are kept, by its scope.
pub enum Scope {
    /// A private space: only its port can change it.
    Thread(LocalSpace),
    /// A named space, or one of a store.
    Shared(Arc<SharedSpace>),
}

/// A space that the port uses.
pub struct OpenSpace {
    /// By which the port knows it.
    pub number: SpaceNumber,
    pub scope: Scope,
    /// Who the port is there: the engine counts each opening of a space as a member of its own, so that
    /// closing one ends what that one owns.
    pub member: Member,
    /// When a private space has to be looked at next.
    pub deadline: Cell<Option<Time>>,
    /// The engine's ticket of each request, by the tag that JavaScript names it by: of the last one that had the tag.
    tickets: RefCell<Vec<Ticket>>,
}

impl OpenSpace {
    pub fn new(number: SpaceNumber, scope: Scope, member: Member) -> Self {
        Self { number, scope, member, deadline: Cell::default(), tickets: RefCell::default() }
    }

    /// The keys of a private space.
    pub fn local(&self) -> Result<&LocalSpace> {
        match &self.scope {
            Scope::Thread(local) => Ok(local),
            Scope::Shared(_) => Err(Error::from_reason("latchkey: this space is not private")),
        }
    }

    /// The space, if it is not private.
    pub fn shared(&self) -> Result<&Arc<SharedSpace>> {
        match &self.scope {
            Scope::Thread(_) => Err(Error::from_reason("latchkey: this space is private")),
            Scope::Shared(shared) => Ok(shared),
        }
    }

    /// What all spaces can do.
    pub fn locks(&self) -> &dyn LockTable {
        match &self.scope {
            Scope::Thread(local) => local,
            Scope::Shared(shared) => shared.table.locks(),
        }
    }

    /// From now on `tag` names this request.
    pub fn name(&self, tag: u32, ticket: Ticket) {
        let mut tickets = self.tickets.borrow_mut();
        if tickets.len() <= tag as usize {
            tickets.resize(tag as usize + 1, ticket);
        }
        tickets[tag as usize] = ticket;
    }

    /// The request that `tag` names.
    pub fn ticket(&self, tag: u32) -> Result<Ticket> {
        let ticket = self.tickets.borrow().get(tag as usize).copied();
        ticket.ok_or_else(|| Error::from_reason("latchkey: no request has this tag"))
    }

    /// Takes in an entry that JavaScript has posted. Nobody learns of anything.
    pub fn apply(&self, posted: &[Cell<f64>]) {
        let Scope::Thread(local) = &self.scope else { return };
        let word = |place: usize| posted[place].get();
        let what = word(words::POSTED_WHAT) as u32;
        let ask = Ask {
            member: self.member,
            tag: word(words::POSTED_TAG) as u32,
            key: KeyName::Slot(KeySlot { index: word(words::POSTED_KEY) as u32, generation: 0 }),
            mode: words::mode_of(what),
            expiry: expiry_of(word(words::POSTED_EXPIRY)),
            patience: Patience::Forever,
        };
        let ticket = match what {
            words::POSTED_COUNT.. => return local.adopt_counted(&ask, ask.tag),
            words::POSTED_HOLD.. => {
                let age = || milliseconds(word(words::POSTED_AGE)).unwrap_or_default();
                // When one was granted that never expires, nobody asks.
                local.adopt(&ask, ask.expiry.map_or(Time::ZERO, |_| clock::now().before(age())))
            }
            _ => local.append(&ask),
        };
        if let Some(ticket) = ticket {
            self.name(ask.tag, ticket);
        }
    }
}

/// What JavaScript says of an expiry: 0 for none.
pub fn expiry_of(value: f64) -> Option<Duration> {
    if value == 0.0 { None } else { milliseconds(value) }
}

/// A span of time; `None` if it does not fit a duration, which is longer than any process lives.
pub fn milliseconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value / 1000.0).ok()
}
