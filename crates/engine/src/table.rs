//! What a space can do, whichever scope it has.

use std::time::Duration;

use crate::{Ask, Caller, Member, Outcome, Released, Requested, Ticket, Time};

/// For how long nobody can take a hold away, as far as is known at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// It has no expiry.
    Endless,
    /// So long. Zero: it is overdue, and goes to the next one who comes.
    For(Duration),
    /// It may be another one's already: it has been taken away, or a store's lease is over.
    Over,
}

/// A set of keys that members ask for: the engine's own, a [`Space`](crate::Space) of whichever scope, or one that a store keeps for many
/// processes.
///
/// The engine answers at once. A store answers later: it lets every request wait, and says in an
/// [`Event`](crate::Event) what became of it; a release and a downgrade are [asked for](Released::Asked), and
/// [`Answered`](crate::Event::Answered) follows. It has a clock of its own.
pub trait LockTable {
    /// Asks for a key. The request is granted at once if nobody holds the key, or if it reads, all
    /// holders read, and nobody waits. Otherwise it joins the key's queue.
    ///
    /// A hold that is overdue is taken away first, even if the newcomer could share the key with it.
    fn request(&self, ask: Ask<'_>, caller: &mut dyn Caller) -> Outcome<Requested>;

    /// Ends a hold. Nothing happens if the ticket does not hold a key: its request still waits, or has ended.
    fn release(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released>;

    /// Ends a hold whose holder never learned of it: as [`release`](Self::release), except that a write hold
    /// does not make a recovered key whole.
    fn give_back(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<Released>;

    /// Makes a write hold a read hold, keeping its fence and its expiry: readers at the queue's head join it,
    /// and no writer comes between. The result is false, and nothing happens, if the ticket holds nothing.
    fn downgrade(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool>;

    /// Takes a request out of its queue; those behind it move up. The result is false, and nothing
    /// happens, if the ticket does not wait: its request holds its key, or has ended.
    fn cancel(&self, ticket: Ticket, caller: &mut dyn Caller) -> Outcome<bool>;

    /// Ends every request of a member: what waits leaves, what holds is freed, and a write hold that
    /// ends so marks its key as recovered. Other members' requests that can be granted now are.
    fn detach(&self, member: Member, caller: &mut dyn Caller) -> Outcome<()>;

    /// Takes away each hold whose deadline has come while another request waits for its key, and takes out
    /// of the queues each request whose patience has ended. A store sees to that itself.
    fn expire(&self, caller: &mut dyn Caller) -> Outcome<()>;

    /// How long a hold is safe from those who wait. The event that ended one of which it is over, if there is one, is where its
    /// member will read it. A store has a clock of its own.
    fn safety_of(&self, ticket: Ticket, now: Time) -> Safety;
}
