//! What a space can do, whichever reach it has.

use crate::{Ask, Caller, KeySlot, Outcome, Port, Released, Requested, Space, Ticket, scope::Scope};

/// A set of keys that ports ask for: the engine's own, a [`Space`] of whichever scope, or one that a store keeps for many
/// processes.
///
/// The engine answers at once. A store answers later: it lets every request wait, and says in an
/// [`Event`](crate::Event) what became of it; a release and a downgrade are [asked for](Released::Asked), and
/// [`Ended`](crate::Event::Ended) follows. It has a clock of its own.
pub trait LockTable {
    /// Asks for a key: [`Space::request`].
    fn request(&self, ask: Ask<'_>, caller: &mut dyn Caller) -> Outcome<Requested>;

    /// Ends a hold: [`Space::release`].
    fn release(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released>;

    /// Ends a hold whose holder never learned of it: [`Space::give_back`].
    fn give_back(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released>;

    /// Makes a write hold a read hold: [`Space::downgrade`].
    fn downgrade(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool>;

    /// Takes a request out of its queue: [`Space::cancel`].
    fn cancel(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool>;

    /// Ends every request of a port: [`Space::detach`].
    fn detach(&self, port: Port, caller: &mut dyn Caller) -> Outcome<()>;

    /// Does what time has brought: [`Space::expire`]. A store sees to that itself.
    fn expire(&self, caller: &mut dyn Caller) -> Outcome<()>;

    /// A cheaper name for a live request's key, if there is one: [`Space::slot_of`].
    fn slot_of(&self, ticket: Ticket) -> Option<KeySlot>;
}

impl<S: Scope> LockTable for Space<S> {
    fn request(&self, ask: Ask<'_>, caller: &mut dyn Caller) -> Outcome<Requested> {
        self.request(ask, caller)
    }

    fn release(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released> {
        self.release(ticket, caller)
    }

    fn give_back(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released> {
        self.give_back(ticket, caller)
    }

    fn downgrade(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool> {
        self.downgrade(ticket, caller)
    }

    fn cancel(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool> {
        self.cancel(ticket, caller)
    }

    fn detach(&self, port: Port, caller: &mut dyn Caller) -> Outcome<()> {
        self.detach(port, caller)
    }

    fn expire(&self, caller: &mut dyn Caller) -> Outcome<()> {
        self.expire(caller)
    }

    fn slot_of(&self, ticket: Ticket) -> Option<KeySlot> {
        self.slot_of(ticket)
    }
}
