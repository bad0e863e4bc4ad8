//! What a space can do, whichever reach it has.

use crate::{Ask, Clock, KeySlot, Outcome, Port, Released, Requested, Space, Ticket};

/// A set of keys that ports ask for: the engine's own [`Space`], or one that a store keeps for many processes.
///
/// The engine answers at once. A store answers later: it lets every request wait, and says in an
/// [`Event`](crate::Event) what became of it; a release and a downgrade are [asked for](Released::Asked), and
/// [`Ended`](crate::Event::Ended) follows. It has a clock of its own.
pub trait LockTable: Send + Sync {
    /// Asks for a key: [`Space::request`].
    fn request(&self, ask: Ask<'_>, now: &dyn Clock) -> Outcome<Requested>;

    /// Ends a hold: [`Space::release`].
    fn release(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<Released>;

    /// Ends a hold whose holder never learned of it: [`Space::give_back`].
    fn give_back(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<Released>;

    /// Makes a write hold a read hold: [`Space::downgrade`].
    fn downgrade(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<bool>;

    /// Takes a request out of its queue: [`Space::cancel`].
    fn cancel(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<bool>;

    /// Ends every request of a port: [`Space::detach`].
    fn detach(&self, port: Port, now: &dyn Clock) -> Outcome<()>;

    /// Does what time has brought: [`Space::expire`]. A store sees to that itself.
    fn expire(&self, now: &dyn Clock) -> Outcome<()>;

    /// A cheaper name for a live request's key, if there is one: [`Space::slot_of`].
    fn slot_of(&self, ticket: Ticket) -> Option<KeySlot>;
}

impl LockTable for Space {
    fn request(&self, ask: Ask<'_>, now: &dyn Clock) -> Outcome<Requested> {
        self.request(ask, || now.now())
    }

    fn release(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<Released> {
        self.release(ticket, || now.now())
    }

    fn give_back(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<Released> {
        self.give_back(ticket, || now.now())
    }

    fn downgrade(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<bool> {
        self.downgrade(ticket, || now.now())
    }

    fn cancel(&self, ticket: Ticket, now: &dyn Clock) -> Outcome<bool> {
        self.cancel(ticket, || now.now())
    }

    fn detach(&self, port: Port, now: &dyn Clock) -> Outcome<()> {
        self.detach(port, || now.now())
    }

    fn expire(&self, now: &dyn Clock) -> Outcome<()> {
        self.expire(|| now.now())
    }

    fn slot_of(&self, ticket: Ticket) -> Option<KeySlot> {
        self.slot_of(ticket)
    }
}
